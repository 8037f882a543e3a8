// SPDX-License-Identifier: MIT
#include "daemon/replay/replay.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "config/detectors.hpp"
#include "config/load.hpp"
#include "daemon/admin/gallery_reload.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/watch/feed.hpp"
#include "gallery/gallery_file.hpp"
#include "models/registry.hpp"

namespace kanhu {
namespace {

struct ReplayCommand {
  ReplayOptions replay;
  std::string config, start, thermal;
  bool json = false;
};

// What the configuration's cameras compare faces with; a gallery that cannot be used is said, and nobody is recognized there.
identify::Matchers galleries_of(const Config& config) {
  identify::Matchers galleries;
  const auto files = make_posix_file_io();
  GalleryWatch watch(*files, gallery::gallery_folder(config.gateway.data_dir), config.gateway.secrets_dir,
                     [&] { return embedder_in_use(models::model_search_path(config.gateway.models_dir)); },
                     {[&](identify::Matchers found) { galleries = std::move(found); }, [](const gallery::Matcher&) {},
                      [](const std::string&, const std::string&, const Error&) {}});
  watch.look(config, SystemClock().wall());
  return galleries;
}

// Raw 16-bit files say nothing of themselves.
Result<void> read_counts_options(ReplayCommand& options) {
  const bool raw = std::any_of(options.replay.files.begin(), options.replay.files.end(),
                               [](const std::string& file) { return is_radiometric("file://" + file); });
  if (!raw && options.thermal.empty()) return {};
  if (!options.thermal.empty()) {
    auto read = parse_radiometric(options.thermal);
    if (!read) return fail(read.error().kind, "--thermal: " + read.error().message);
    options.replay.thermal = *read;
  }
  if (options.replay.config) return {};
  for (const std::string& file : options.replay.files) {
    const std::string fault = radiometric_fault(options.replay.thermal.value_or(RadiometricConfig{}), "file://" + file);
    if (!fault.empty()) return fail(ErrorKind::kInvalidArgument, fmt::format("--thermal 160x120,8.7,0.01K: {}", fault));
  }
  if (!takes_temperatures(options.replay.detector))
    return fail(
        ErrorKind::kInvalidArgument,
        fmt::format("detector {} looks at pictures, these files hold temperatures; say --detector thermal", options.replay.detector));
  return {};
}

int run_replay(ReplayCommand options) {
  log::init(log::Level::kWarning);
  if (!options.config.empty()) {
    auto config = load_config(options.config);
    if (!config) return report(config.error());
    options.replay.config = std::make_shared<const Config>(std::move(*config));
    options.replay.galleries = galleries_of(*options.replay.config);
  }
  if (!options.start.empty()) {
    auto start = parse_utc(options.start);
    if (!start) return report(start.error());
    options.replay.start = *start;
  }
  const auto names = detector_names();
  if (std::find(names.begin(), names.end(), options.replay.detector) == names.end()) {
    return report(
        {ErrorKind::kInvalidArgument, fmt::format("no detector \"{}\"; known: {}", options.replay.detector, fmt::join(names, ", "))});
  }
  if (auto read = read_counts_options(options); !read) return report(read.error());
  options.replay.note = [](const std::string& words) { fmt::print(stderr, "kanhu: {}\n", words); };
  Feed feed(stdout);
  const auto begun = std::chrono::steady_clock::now();
  const auto summary = replay(options.replay, [&](const std::string& body) {
    const auto event = options.json ? Result<Json>(Json()) : parse_json(body);
    feed.line(options.json ? body : event ? feed_line(*event, feed.is_terminal()) : event.error().message);
  });
  if (!summary) return report(summary.error());
  const double seconds = to_seconds(std::chrono::steady_clock::now() - begun);
  fmt::print(stderr, "{} events from {:.1f} s of recording in {:.1f} s\n", summary->events, summary->media_seconds, seconds);
  for (const std::string& problem : summary->problems) fmt::print(stderr, "kanhu: {}\n", problem);
  return summary->problems.empty() ? EX_OK : 1;
}

}  // namespace

void add_replay(CLI::App& app, Command& chosen) {
  auto* command =
      app.add_subcommand("replay", "Run the same code on recordings or clips; the same input gives the same events, byte for byte");
  auto options = std::make_shared<ReplayCommand>();
  command->add_option("files", options->replay.files, "mp4, mkv, h264, h265, raw 16-bit frames (y16, raw16), or a clip (its .json or .mp4)")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-c,--config", options->config, "Configuration whose cameras and zones apply");
  command->add_option("--camera", options->replay.camera, "Camera of the configuration, for files that are no clips")->needs("--config");
  command->add_option("--detector", options->replay.detector, "Detector without a configuration")->capture_default_str();
  command->add_option("--thermal", options->thermal,
                      "How 16-bit counts are read: size, rate, scale, telemetry, as 160x120,8.7,0.01K,footer");
  command->add_option("--start", options->start, "Capture time of a plain file's first frame (RFC 3339); default 1970-01-01T00:00:00Z");
  command->add_option("--threads", options->replay.threads, "Analysis threads per worker; 0: one a core")->check(CLI::Range(0, 256));
  command->add_option("--workers", options->replay.workers, "Worker processes that read the files")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  command->add_flag("--json", options->json, "One CloudEvents JSON object a line");
  command->callback([&chosen, options] { chosen = [options] { return run_replay(*options); }; });
}

}  // namespace kanhu
