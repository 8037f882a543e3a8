// SPDX-License-Identifier: MIT
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/secrets.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/quiet_terminal.hpp"
#include "daemon/commands/whereabouts.hpp"

namespace kanhu {
namespace {

int set(const std::string& name, const std::string& user, std::string dir, const std::string& config_path) {
  if (dir.empty()) {
    WhereOptions where;
    where.config = config_path;
    const auto found = find_whereabouts(where, Needs::kSecrets);
    if (!found) return report(found.error());
    dir = found->config.gateway.secrets_dir;
  }
  Credential credential;
  credential.user = user;
  std::string password;
  if (::isatty(STDIN_FILENO)) std::cerr << "Password for " << user << " (not shown): ";
  {
    QuietTerminal quiet;
    std::getline(std::cin, password);
  }
  credential.password = Secret(password);
  std::fill(password.begin(), password.end(), '\0');
  if (credential.password.empty()) return report({ErrorKind::kInvalidArgument, "no password came on standard input; nothing was written"});
  if (auto stored = store_secret(name, dir, credential); !stored) return report(stored.error());
  const std::string path = dir + "/" + name;
  if (auto given = hand_to_owner(path); !given) return report(given.error());
  fmt::print("{} written; a running gateway takes it with SIGHUP (systemctl reload kanhu)\n", path);
  return EX_OK;
}

}  // namespace

void add_secret(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("secret", "Keep camera passwords outside the configuration");
  command->require_subcommand(1);
  auto* set_command = command->add_subcommand("set", "Write a secret; the password comes from standard input, without echo");
  struct Options {
    std::string name, user, dir, config = default_config_path();
  };
  auto options = std::make_shared<Options>();
  set_command->add_option("name", options->name, "What cameras name as `credential`")->required();
  set_command->add_option("--user", options->user, "User name at the camera")->required();
  set_command->add_option("--dir,--secrets-dir", options->dir, "Folder to write to (default: gateway.secrets_dir of the configuration)");
  set_command->add_option("-c,--config", options->config, "Configuration file")->capture_default_str();
  set_command->callback(
      [&chosen, options] { chosen = [options] { return set(options->name, options->user, options->dir, options->config); }; });
}

}  // namespace kanhu
