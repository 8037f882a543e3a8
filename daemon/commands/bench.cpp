// SPDX-License-Identifier: MIT
// kanhu bench: how good what stands here is, measured on pictures that somebody brings.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.hpp"
#include "bench/faces/faces.hpp"
#include "bench/faces/picture.hpp"
#include "bench/thermal/thermal.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/replay/media_worker.hpp"

namespace kanhu {
namespace {

struct BenchOptions {
  bench::FacesOptions faces;
  std::vector<std::string> degradations{"all"};
  bool json = false;
};

// While it lives, pictures are decoded in a worker: one that ends it, or never comes to its end, is left out like any that is damaged.
class ForeignPictures {
 public:
  explicit ForeignPictures(const std::string& folder) : worker_({paths_to_read({folder}), {}}) {
    bench::read_pictures_by([this](const std::string& path) { return worker_.picture(path); });
  }
  ~ForeignPictures() { bench::read_pictures_by(models::read_picture); }
  ForeignPictures(const ForeignPictures&) = delete;
  ForeignPictures& operator=(const ForeignPictures&) = delete;

 private:
  MediaWorker worker_;
};

Result<std::vector<bench::Degradation>> degradations_of(const std::vector<std::string>& names) {
  std::vector<bench::Degradation> chosen;
  std::string known = "none, all";
  for (const auto degradation : bench::kDegradations) {
    if (degradation == bench::Degradation::kNone) continue;
    known += fmt::format(", {}", to_string(degradation));
    for (const auto& name : names) {
      if (name == "all" || name == to_string(degradation)) {
        chosen.push_back(degradation);
        break;
      }
    }
  }
  for (const auto& name : names) {
    const auto is = [&](bench::Degradation one) { return name == to_string(one); };
    if (name != "all" && std::none_of(std::begin(bench::kDegradations), std::end(bench::kDegradations), is))
      return fail(ErrorKind::kInvalidArgument, fmt::format("--degrade {}: there are {}", name, known));
  }
  return chosen;
}

int bench_faces(BenchOptions& options) {
  log::init(log::Level::kOff);
  auto degradations = degradations_of(options.degradations);
  if (!degradations) return report(degradations.error());
  options.faces.degradations = std::move(*degradations);
  const ForeignPictures pictures(options.faces.folder);
  const bool watched = ::isatty(STDERR_FILENO) == 1;
  const auto measured = bench::bench_faces(options.faces, [watched](const std::string& now) {
    if (watched) fmt::print(stderr, "\r\033[K{}", now);
  });
  if (watched) fmt::print(stderr, "\r\033[K");
  if (!measured) return report(measured.error());
  if (options.json) {
    fmt::print("{}\n", report_json(*measured).dump(2));
  } else {
    fmt::print("{}", report_text(*measured));
  }
  const bool detected = std::any_of(measured->detection.conditions.begin(), measured->detection.conditions.end(),
                                    [](const bench::Condition& one) { return one.pictures > 0; });
  if (detected || !measured->verification.empty()) return EX_OK;
  fmt::print(stderr, "kanhu: nothing could be measured; what was left out stands above\n");
  return 1;
}

struct ThermalBenchCommand {
  bench::ThermalBenchOptions thermal;
  std::string size, unit;
  bool json = false;
};

int bench_thermal(ThermalBenchCommand& options) {
  log::init(log::Level::kOff);
  if (!options.size.empty()) {
    const auto size = bench::parse_thermal_size(options.size);
    if (!size) return report(size.error());
    options.thermal.defaults.width = size->first;
    options.thermal.defaults.height = size->second;
  }
  if (!options.unit.empty()) {
    const auto unit = bench::parse_thermal_unit(options.unit);
    if (!unit) return report(unit.error());
    options.thermal.defaults.unit = *unit;
  }
  const ForeignPictures pictures(options.thermal.folder);
  const bool watched = ::isatty(STDERR_FILENO) == 1;
  const auto measured = bench::bench_thermal(options.thermal, [watched](const std::string& now) {
    if (watched) fmt::print(stderr, "\r\033[K{}", now);
  });
  if (watched) fmt::print(stderr, "\r\033[K");
  if (!measured) return report(measured.error());
  if (options.json) {
    fmt::print("{}\n", report_json(*measured).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", report_text(*measured));
  }
  if (!measured->contestants.empty()) return EX_OK;
  fmt::print(stderr, "kanhu: nothing could be measured; what was left out stands above\n");
  return 1;
}

void add_bench_thermal(CLI::App& bench, Command& chosen) {
  auto* thermal =
      bench.add_subcommand("thermal", "Infrared presence on labelled recordings, beside background subtraction and a threshold");
  auto options = std::make_shared<ThermalBenchCommand>();
  thermal->add_option("dir", options->thermal.folder, "Labelled recordings and pictures (docs/bench-thermal.md has the layouts)")
      ->required();
  thermal->add_flag("--json", options->json, "As JSON");
  thermal->add_option("--labels", options->thermal.labels, "A labels.json that lies elsewhere");
  thermal
      ->add_option("--pitch-m", options->thermal.defaults.pitch_m, "Metres a pixel at the height of people, where a file does not say it")
      ->check(CLI::Range(0.001, 5.0));
  thermal->add_option("--rate", options->thermal.defaults.rate, "Frames a second, where a file does not say it")
      ->check(CLI::Range(0.01, 1000.0));
  thermal->add_option("--size", options->size, "Pixels, as 32x24, where a file does not say it");
  thermal->add_option("--unit", options->unit,
                      "celsius, centi_celsius, kelvin, centi_kelvin, fahrenheit or grey, where a file does not say it");
  thermal->callback([&chosen, options] { chosen = [options] { return bench_thermal(*options); }; });
}

}  // namespace

void add_bench(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("bench", "Measure what stands here: on pictures and recordings you bring, on your disk");
  command->require_subcommand(1);
  add_bench_thermal(*command, chosen);
  add_bench_events(*command, chosen);
  auto* faces = command->add_subcommand("faces", "Face detection, verification and recognition: figures with 95 % intervals");
  auto options = std::make_shared<BenchOptions>();
  faces->add_option("dir", options->faces.folder, "Labelled pictures and people's pictures (docs/bench-faces.md has the layout)")
      ->required();
  faces->add_flag("--json", options->json, "As JSON");
  faces->add_option("--detector", options->faces.detectors, "Only this detector; the first one named is in the headline (default: all)");
  faces->add_option("--embedder", options->faces.embedder, "Another embedder of the manifest");
  faces->add_option("--peers", options->faces.peers, "Folder of programs to measure against");
  faces->add_option("--degrade", options->degradations, "Beside the pictures as they are: none, all, half, night, h264, turn")
      ->capture_default_str();
  faces->add_option("--pictures", options->faces.pictures, "At most so many of a set and kind (of people whole ones, two at least), 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  faces->add_option("--smallest-px", options->faces.smallest_px, "Smallest face width that detectors are asked for")
      ->check(CLI::Range(8, 400))
      ->capture_default_str();
  faces->add_option("--models-dir", options->faces.models_dir, "Where weights are looked for first");
  faces->callback([&chosen, options] { chosen = [options] { return bench_faces(*options); }; });
}

}  // namespace kanhu
