// SPDX-License-Identifier: MIT
#include "models/registry.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "config/detectors.hpp"
#include "models/process.hpp"
#include "models/weights.hpp"

namespace kanhu::models {

#define KANHU_DETECTOR(function, ...) \
  Result<std::unique_ptr<Detector>> make_##function##_detector(const DetectorChoice&, const DetectorConfig&);
#include "config/detectors.def"
#undef KANHU_DETECTOR

namespace {

struct Row {
  const DetectorTraits& traits;
  Result<std::unique_ptr<Detector>> (*make)(const DetectorChoice&, const DetectorConfig&);
};

#define KANHU_DETECTOR(function, ...) &make_##function##_detector,
constexpr std::array kMakers{
#include "config/detectors.def"
};
#undef KANHU_DETECTOR
static_assert(kMakers.size() == kDetectorTraits.size());

std::optional<Row> find_row(std::string_view name) {
  for (std::size_t i = 0; i < kMakers.size(); ++i)
    if (kDetectorTraits[i].name == name) return Row{kDetectorTraits[i], kMakers[i]};
  return std::nullopt;
}

Error unknown(const std::string& name) {
  const std::string near = nearest(name, detectors_that(nullptr));
  return {ErrorKind::kInvalidArgument,
          fmt::format("no detector is called {}{}", kanhu::quoted(name), near.empty() ? "" : "; did you mean " + near + "?")};
}

}  // namespace

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
  const DetectorTraits* row = find_detector(config.name);
  if (row == nullptr) return tl::unexpected(unknown(config.name));
  DetectorChoice choice;
  while (!row->weights.empty()) {
    const auto* entry = find_weights(row->weights);
    if (entry == nullptr) return fail(ErrorKind::kInternal, fmt::format("{}: not in the weights manifest", row->weights));
    const auto located = locate_weights(*entry, search_path);
    if (located) {
      choice.weights_path = *located;
      break;
    }
    const DetectorTraits* next = find_detector(row->fallback);
    if (next == nullptr) return fail(ErrorKind::kNotFound, fmt::format("{}: {}", row->name, located.error().message));
    choice.notice = fmt::format("{}: {}; using {} instead", row->name, located.error().message, next->name);
    row = next;
  }
  choice.name = row->name;
  return choice;
}

Result<std::unique_ptr<Detector>> make_detector(const DetectorChoice& choice, const DetectorConfig& config) {
  prepare_process();
  const auto row = find_row(choice.name);
  if (!row) return tl::unexpected(unknown(choice.name));
  return row->make(choice, config);
}

std::string digest_without_weights(std::string_view name, int revision) { return to_hex(sha256(fmt::format("{}/{}", name, revision))); }

std::string digest_of(const DetectorChoice& choice) {
  const DetectorTraits* row = find_detector(choice.name);
  if (row == nullptr) return "none";
  if (row->weights.empty()) return digest_without_weights(row->name, row->revision);
  const auto* entry = find_weights(row->weights);
  return entry == nullptr ? "none" : entry->sha256;
}

Result<Weights> weights_of(const DetectorChoice& choice) {
  const DetectorTraits* row = find_detector(choice.name);
  const auto* entry = row == nullptr ? nullptr : find_weights(row->weights);
  if (entry == nullptr) return fail(ErrorKind::kInternal, fmt::format("{} has no weights in the manifest", choice.name));
  auto bytes = read_weights(choice.weights_path, *entry);
  if (!bytes) return tl::unexpected(bytes.error());
  return Weights{std::move(*bytes), entry->sha256};
}

}  // namespace kanhu::models
