// SPDX-License-Identifier: MIT
#include "config/load.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/detectors.hpp"
#include "config/endpoint.hpp"
#include "config/json.hpp"
#include "config/load_facility.hpp"
#include "config/load_sensor.hpp"
#include "config/place_checks.hpp"
#include "config/table/section_io.hpp"
#include "config/text_file.hpp"
#include "config/yaml/section.hpp"
#include "config/yaml/tree.hpp"

namespace kanhu {

namespace {

constexpr std::string_view kClipEvents[] = {"face.appeared", "presence.started", "camera.frozen", "camera.dark"};
constexpr std::string_view kClasses[] = {"street_centre", "community_station", "town_centre", "mutual_aid_point"};

// A folder or file of this machine; relative to the configuration's own folder, so that it means the same from everywhere.
void read_path(Section& section, PlaceKind kind, std::string_view key, const std::filesystem::path& base, std::string& into) {
  std::string text;
  if (section.text(key, text, 1024)) {
    if (text.empty() && !into.empty())
      section.reading().refuse(section.mark(key), fmt::format("{}: a path expected, such as {}", key, into));
    if (!text.empty()) into = (base / text).lexically_normal().string();
    if (into.size() > 1 && into.back() == '/') into.pop_back();
  }
  section.reading().note(kind, std::string(key), into, section.mark(key));
}

void read_gateway(Section section, const std::filesystem::path& base, GatewayConfig& into) {
  into.data_dir = kDefaultDataDir;
  into.secrets_dir = kDefaultSecretsDir;
  section.required("id", "a short name of this gateway, unique in the district");
  section.identifier("id", into.id);
  read_path(section, PlaceKind::kDataDir, "data_dir", base, into.data_dir);
  read_path(section, PlaceKind::kSecretsDir, "secrets_dir", base, into.secrets_dir);
  read_path(section, PlaceKind::kModelsDir, "models_dir", base, into.models_dir);
  table::read_rows(section, into);
  section.reading().note(PlaceKind::kWorker, "worker_memory_bytes", {}, section.mark("worker_memory_bytes"));
  section.finish();
}

void read_publish(Section section, const std::filesystem::path& base, PublishConfig& into) {
  table::read_rows(section, into);
  read_path(section, PlaceKind::kAllowList, "access", base, into.access);
  const auto endpoint = [&](std::string_view key, std::string& value) {
    const bool said = section.text(key, value, 256);
    section.reading().note(PlaceKind::kEndpoint, std::string(key), value, section.mark(key));
    if (!said) return;
    const Endpoint checked = check_endpoint(value);
    if (!checked.fault.empty()) {
      section.reading().refuse(section.mark(key), fmt::format("{}: {}", key, checked.fault));
    } else if (!checked.loopback && into.access.empty() && !into.plain_tcp_beyond_loopback) {
      section.reading().refuse(section.mark(key),
                               fmt::format("{}: this address is reached from other machines, and what is sent is neither encrypted nor "
                                           "restricted; name an allow-list (access: FILE), or say plain_tcp_beyond_loopback: true if "
                                           "that is meant",
                                           key));
    }
  };
  endpoint("live", into.live);
  endpoint("query", into.query);
  section.finish();
}

void read_journal(Section section, JournalConfig& into) {
  table::read_rows(section, into);
  if (into.most_bytes < 4 * into.segment_bytes) {
    section.reading().refuse(section.mark(section.has("most_bytes") ? "most_bytes" : "segment_bytes"),
                             "most_bytes: room for at least 4 segments expected");
  }
  section.finish();
}

void read_storage(Section section, StorageConfig& into) {
  table::read_rows(section, into);
  section.finish();
}

void read_metrics(Section section, MetricsConfig& into) {
  const bool said = section.text("listen", into.listen, 256);
  section.reading().note(PlaceKind::kListen, "metrics.listen", into.listen, section.mark("listen"));
  if (said) {
    const Endpoint checked = check_listen(into.listen);
    if (!checked.fault.empty()) {
      section.reading().refuse(section.mark("listen"), fmt::format("listen: {}", checked.fault));
    } else if (!checked.loopback) {
      section.reading().refuse(section.mark("listen"), "listen: metrics are served on this machine only (127.0.0.1, [::1] or localhost)");
    }
  }
  section.finish();
}

Config read_config(ConfigReading& reading, const YamlNode* root, const std::filesystem::path& file) {
  const std::filesystem::path base = file.parent_path();
  Config config;
  const Mark top = root == nullptr ? Mark{1, 1} : root->mark;
  Section section(reading, root, top, "");
  int version = 1;
  section.required("version", "version: 1");
  section.integer("version", version, 1, 1);
  read_gateway(section.section("gateway"), base, config.gateway);
  read_publish(section.section("publish"), base, config.publish);
  read_journal(section.section("journal"), config.journal);
  read_storage(section.section("clips_storage"), config.storage);
  read_metrics(section.section("metrics"), config.metrics);
  CameraDefaults defaults;
  read_defaults(section.section("defaults"), defaults);
  read_mqtt(section.section("mqtt"), base, config.brokers);
  SeenIds seen;
  section.required("facilities", "a list of at least one facility");
  section.list("facilities", [&](const YamlNode* node, Mark where, const std::string& path) {
    config.facilities.push_back(read_facility(Section(reading, node, where, path), defaults, config.brokers, seen));
  });
  if (section.has("facilities") && config.facilities.empty() && reading.problems.empty()) {
    reading.refuse(section.mark("facilities"), "facilities: at least one facility expected");
  }
  section.finish();
  if (reading.keys == nullptr) check_places(reading, config, file.string());
  return config;
}

}  // namespace

std::string to_string(const Problem& problem) {
  // Of the file as a whole: "cannot read the configuration FILE: why" names it already.
  const bool named = problem.message.find(fmt::format(" {}: ", problem.file)) != std::string::npos;
  if (problem.line == 0) return named ? problem.message : fmt::format("{}: {}", problem.file, problem.message);
  return fmt::format("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message);
}

Error error_of(const LoadReport& report) {
  std::string message = to_string(report.problems.front());
  if (const std::size_t more = report.problems.size() - 1; more > 0) message += fmt::format(" (and {} more)", more);
  return {ErrorKind::kInvalidConfig, std::move(message)};
}

LoadReport check_config(std::string_view text, const std::string& filename) {
  LoadReport report;
  YamlTree tree = read_yaml(text);
  ConfigReading reading;
  reading.problems = std::move(tree.problems);
  // A text that YAML refuses gives half a tree, and faults in that would be faults of the half.
  if (reading.problems.empty()) {
    std::error_code ignored;
    const auto file = std::filesystem::absolute(filename, ignored).lexically_normal();
    Config config = read_config(reading, &tree.root, file);
    if (reading.problems.empty()) {
      config.digest = config_digest(config);
      report.config = std::move(config);
      report.warnings = std::move(reading.warnings);
      report.places = std::move(reading.places);
    }
  }
  report.problems = std::move(reading.problems);
  for (std::vector<Problem>* list : {&report.problems, &report.warnings}) {
    for (Problem& problem : *list) problem.file = filename;
    std::stable_sort(list->begin(), list->end(),
                     [](const Problem& a, const Problem& b) { return std::pair(a.line, a.column) < std::pair(b.line, b.column); });
  }
  return report;
}

LoadReport check_config_file(const std::string& path) {
  const auto text = read_text_file(path, "configuration");
  if (text) return check_config(*text, path);
  LoadReport report;
  report.problems.push_back({path, 0, 0, text.error().message});
  return report;
}

Result<Config> parse_config(std::string_view text, const std::string& filename) {
  LoadReport report = check_config(text, filename);
  if (!report.config) return tl::unexpected(error_of(report));
  return std::move(*report.config);
}

Result<Config> load_config(const std::string& path) {
  LoadReport report = check_config_file(path);
  if (!report.config) return tl::unexpected(error_of(report));
  return std::move(*report.config);
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  ConfigReading reading;
  reading.keys = &keys;
  read_config(reading, nullptr, {});
  return keys;
}

std::span<const std::string_view> detector_names() {
  static const auto kNames = detectors_that(nullptr);
  return kNames;
}
std::span<const std::string_view> landmark_detector_names() {
  static const auto kNames = detectors_that([](const DetectorTraits& row) { return row.gives_eyes; });
  return kNames;
}
std::span<const std::string_view> clip_event_types() { return kClipEvents; }
std::span<const std::string_view> facility_classes() { return kClasses; }

}  // namespace kanhu
