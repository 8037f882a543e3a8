#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sysexits.h>

#include "config/json.hpp"
#include "config/load.hpp"
#include "config/secrets.hpp"
#include "daemon/commands.hpp"

namespace kanhu {
namespace {

// Secrets that cameras name and that cannot be read here; each once. Not a fault of the file: systemd hands a service
// secrets that nobody else sees.
std::vector<std::string> missing_secrets(const Config& config) {
  std::vector<std::string> missing;
  std::set<std::string> seen;
  for (const BrokerConfig& broker : config.brokers) {
    if (broker.credential.empty() || !seen.insert(broker.credential).second) continue;
    if (auto secret = load_secret(broker.credential, config.gateway.secrets_dir); !secret)
      missing.push_back(fmt::format("broker {}: {}", broker.id, secret.error().message));
  }
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      for (StreamRole role : {StreamRole::kMain, StreamRole::kSub}) {
        const StreamConfig* stream = stream_for(camera, role);
        if (stream == nullptr || stream->credential.empty() || !seen.insert(stream->credential).second) continue;
        if (auto secret = load_secret(stream->credential, config.gateway.secrets_dir); !secret)
          missing.push_back(fmt::format("camera {}: {}", camera.id, secret.error().message));
      }
    }
  }
  return missing;
}

int check(const std::string& path, bool json) {
  auto checked = check_config_file(path);
  for (const Problem& problem : checked.problems) fmt::print(stderr, "{}\n", to_string(problem));
  if (!checked.config) {
    fmt::print(stderr, "{}: refused, {} problem{}\n", path, checked.problems.size(), checked.problems.size() == 1 ? "" : "s");
    return EX_CONFIG;
  }
  const auto missing = missing_secrets(*checked.config);
  for (const std::string& secret : missing) fmt::print(stderr, "{}: warning: {}\n", path, secret);
  if (json) {
    fmt::print("{}\n", config_json(*checked.config).dump(2));
    return EX_OK;
  }
  std::size_t cameras = 0, sensors = 0;
  for (const FacilityConfig& facility : checked.config->facilities)
    for (const CameraConfig& source : facility.cameras) ++(source.sensor ? sensors : cameras);
  fmt::print("{}: good: {} facilities, {} cameras, {}{} secrets missing, digest {}\n", path, checked.config->facilities.size(), cameras,
             sensors > 0 ? fmt::format("{} sensors, ", sensors) : "", missing.size(), checked.config->digest);
  return EX_OK;
}

}  // namespace

void add_check_config(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("check-config", "Check a configuration and name every problem as file:line:column");
  auto path = std::make_shared<std::string>(default_config_path());
  auto json = std::make_shared<bool>(false);
  command->add_option("file", *path, "Configuration file")->capture_default_str();
  command->add_flag("--json", *json, "Print the effective values (secrets by name only)");
  command->callback([&chosen, path, json] { chosen = [path, json] { return check(*path, *json); }; });
}

}  // namespace kanhu
