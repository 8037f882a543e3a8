#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "config/json.hpp"
#include "config/load.hpp"
#include "daemon/commands.hpp"

namespace kanhu {
namespace {

int check(const std::string& path, bool json) {
  auto checked = check_config_file(path);
  for (const Problem& problem : checked.problems) fmt::print(stderr, "{}\n", to_string(problem));
  if (!checked.config) {
    fmt::print(stderr, "{}: refused, {} problem{}\n", path, checked.problems.size(), checked.problems.size() == 1 ? "" : "s");
    return EX_CONFIG;
  }
  if (json) {
    fmt::print("{}\n", config_json(*checked.config).dump(2));
    return EX_OK;
  }
  std::size_t cameras = 0;
  for (const FacilityConfig& facility : checked.config->facilities) cameras += facility.cameras.size();
  fmt::print("{}: good: {} facilities, {} cameras, digest {}\n", path, checked.config->facilities.size(), cameras, checked.config->digest);
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
