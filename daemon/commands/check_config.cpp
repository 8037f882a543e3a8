// SPDX-License-Identifier: MIT
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sysexits.h>

#include "config/json.hpp"
#include "config/load.hpp"
#include "daemon/admin/here.hpp"
#include "daemon/commands/commands.hpp"

namespace kanhu {
namespace {

struct CheckOptions {
  std::string file = default_config_path();
  bool json = false, here = false;
};

int refuse(const std::string& path, std::size_t problems, const char* where) {
  fmt::print(stderr, "{}: refused{}, {} problem{}\n", path, where, problems, problems == 1 ? "" : "s");
  return EX_CONFIG;
}

int check(const CheckOptions& options) {
  const std::string& path = options.file;
  const auto checked = check_config_file(path);
  for (const Problem& problem : checked.problems) fmt::print(stderr, "{}\n", to_string(problem));
  if (!checked.config) return refuse(path, checked.problems.size(), "");
  const auto here = look_here(checked, path);
  for (const HereFault& fault : here) {
    Problem said = fault.problem;
    if (!options.here) said.message.insert(0, "warning: ");
    fmt::print(stderr, "{}\n", to_string(said));
  }
  for (const Problem& warning : checked.warnings)
    fmt::print(stderr, "{}\n", to_string(Problem{warning.file, warning.line, warning.column, "warning: " + warning.message}));
  if (options.here && !here.empty()) return refuse(path, here.size(), " here");
  if (options.json) {
    fmt::print("{}\n", config_json(*checked.config).dump(2));
    return EX_OK;
  }
  std::size_t cameras = 0, sensors = 0;
  for (const FacilityConfig& facility : checked.config->facilities)
    for (const CameraConfig& source : facility.cameras) ++(source.sensor ? sensors : cameras);
  const auto missing = std::count_if(here.begin(), here.end(), [](const HereFault& fault) { return fault.kind == PlaceKind::kSecret; });
  fmt::print("{}: good: {} facilities, {} cameras, {}{} secrets missing, digest {}\n", path, checked.config->facilities.size(), cameras,
             sensors > 0 ? fmt::format("{} sensors, ", sensors) : "", missing, checked.config->digest);
  return EX_OK;
}

}  // namespace

void add_check_config(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("check-config", "Check a configuration and name every problem as file:line:column");
  command->footer(
      "What is wrong on any machine is refused (exit code 78). What only this machine or user lacks (a folder, a secret, a free port)\n"
      "is a warning, and refused with --here, as kanhu run would find it: check as the user that will run it.");
  auto options = std::make_shared<CheckOptions>();
  command->add_option("file", options->file, "Configuration file")->capture_default_str();
  command->add_flag("--json", options->json, "Print the effective values (secrets by name only)");
  command->add_flag("--here", options->here, "It is to run on this machine, as this user: what is lacking here is refused");
  command->callback([&chosen, options] { chosen = [options] { return check(*options); }; });
}

}  // namespace kanhu
