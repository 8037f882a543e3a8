#include "models/registry.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.hpp"
#include "models/blazeface.hpp"
#include "models/hog.hpp"
#include "models/none.hpp"
#include "models/process.hpp"
#include "models/thermal.hpp"
#include "models/thermal_blob.hpp"
#include "models/weights.hpp"
#include "models/yunet.hpp"

namespace kanhu::models {
namespace {

using Made = Result<std::unique_ptr<Detector>>;

using MakeFaces = Result<std::unique_ptr<Detector>> (*)(const std::vector<unsigned char>&, std::string, const FaceSearchOptions&);

Made by_network(const char* weights, MakeFaces make, const DetectorChoice& choice, FaceSearchOptions options,
                const DetectorConfig& config) {
  const auto* entry = find_weights(weights);
  if (entry == nullptr) return fail(ErrorKind::kInternal, fmt::format("{} is not in the manifest", weights));
  auto bytes = read_weights(choice.weights_path, *entry);
  if (!bytes) return tl::unexpected(bytes.error());
  options.score_min = config.score_min;
  options.smallest_px = config.smallest_px;
  return make(*bytes, entry->sha256, options);
}

Made blazeface(const DetectorChoice& choice, const DetectorConfig& config) {
  return by_network("blazeface-back-256", make_blazeface, choice, {}, config);
}

Made yunet(const DetectorChoice& choice, const DetectorConfig& config) {
  return by_network("yunet-2023mar", make_yunet, choice, yunet_options(), config);
}

Made hog(const DetectorChoice&, const DetectorConfig& config) { return make_hog({config.score_min, config.smallest_px}); }

Made thermal_blob(const DetectorChoice&, const DetectorConfig& config) { return make_thermal_blob({config.score_min, config.smallest_px}); }

Made thermal(const DetectorChoice&, const DetectorConfig& config) { return make_thermal(config); }

Made none(const DetectorChoice&, const DetectorConfig&) { return make_none(); }

struct Row {
  RegistryRow row;
  Made (*make)(const DetectorChoice&, const DetectorConfig&);
};

constexpr std::array kRows{
    Row{{"blazeface", "faces in visible light, by a small network (BlazeFace back 256)", "blazeface-back-256", "hog"}, blazeface},
    Row{{"yunet", "faces in visible light, by YuNet 2023mar, whose file the operator brings", "yunet-2023mar", "blazeface"}, yunet},
    Row{{"hog", "upright faces of 40 px and more in visible light; needs no file", "", ""}, hog},
    Row{{"thermal", "people in infrared, present, absent or unknown (docs/infrared.md)", "", ""}, thermal},
    Row{{"thermal-blob", "people in 8-bit white-hot infrared, by warmth above a learned background", "", ""}, thermal_blob},
    Row{{"none", "nothing: the camera is recorded and watched for its health only", "", ""}, none},
};

const Row* find_row(std::string_view name) {
  for (const auto& row : kRows) {
    if (row.row.name == name) return &row;
  }
  return nullptr;
}

Error unknown(const std::string& name) {
  std::array<std::string_view, kRows.size()> names;
  for (std::size_t i = 0; i < kRows.size(); ++i) names[i] = kRows[i].row.name;
  const std::string near = nearest(name, names);
  return {ErrorKind::kInvalidArgument,
          fmt::format("no detector is called {}{}", kanhu::quoted(name), near.empty() ? "" : "; did you mean " + near + "?")};
}

}  // namespace

std::span<const RegistryRow> registry() {
  static const auto rows = [] {
    std::array<RegistryRow, kRows.size()> copy;
    for (std::size_t i = 0; i < kRows.size(); ++i) copy[i] = kRows[i].row;
    return copy;
  }();
  return rows;
}

std::vector<std::string> model_search_path(const std::string& configured) {
  std::vector<std::string> path;
  if (!configured.empty()) path.push_back(configured);
  if (const char* folder = std::getenv("KANHU_MODELS"); folder != nullptr && *folder != '\0') path.emplace_back(folder);
  path.emplace_back("/var/lib/kanhu/models");
  std::error_code problem;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", problem);
  if (!problem) path.push_back((executable.parent_path().parent_path() / "share/kanhu/models").string());
  return path;
}

Result<DetectorChoice> choose_detector(const DetectorConfig& config, const std::vector<std::string>& search_path) {
  const Row* row = find_row(config.name);
  if (row == nullptr) return tl::unexpected(unknown(config.name));
  DetectorChoice choice;
  while (!row->row.weights.empty()) {
    const auto* entry = find_weights(row->row.weights);
    if (entry == nullptr) return fail(ErrorKind::kInternal, fmt::format("{}: not in the weights manifest", row->row.weights));
    const auto located = locate_weights(*entry, search_path);
    if (located) {
      choice.weights_path = *located;
      break;
    }
    const Row* next = find_row(row->row.fallback);
    if (next == nullptr) return fail(ErrorKind::kNotFound, fmt::format("{}: {}", row->row.name, located.error().message));
    choice.notice = fmt::format("{}: {}; using {} instead", row->row.name, located.error().message, next->row.name);
    row = next;
  }
  choice.name = row->row.name;
  return choice;
}

Result<std::unique_ptr<Detector>> make_detector(const DetectorChoice& choice, const DetectorConfig& config) {
  prepare_process();
  const Row* row = find_row(choice.name);
  if (row == nullptr) return tl::unexpected(unknown(choice.name));
  return row->make(choice, config);
}

}  // namespace kanhu::models
