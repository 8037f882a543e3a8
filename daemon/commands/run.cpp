// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <memory>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "base/log.hpp"
#include "config/load.hpp"
#include "daemon/admin/here.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/gateway/gateway.hpp"

namespace kanhu {
namespace {

void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

// Many subscribers, or third parties with many connections, must not take the files that the journal needs.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// What `kanhu check-config --here` refuses: said here too; refused where nothing could be done without it. EX_OK, or the exit code: a
// port or a disk may be there at the next try, which the service manager makes; an allow-list is somebody's work.
int lacking_here(const LoadReport& checked, const std::string& path) {
  int code = EX_OK;
  for (const HereFault& fault : look_here(checked, path)) {
    if (!fault.stops_run) {
      log::warning("config", "{}", to_string(fault.problem));
      continue;
    }
    fmt::print(stderr, "kanhu: {}\n", to_string(fault.problem));
    code = fault.kind == PlaceKind::kAllowList || code == EX_CONFIG ? EX_CONFIG : EX_UNAVAILABLE;
  }
  return code;
}

int run(const std::string& path) {
  block_signals();
  raise_open_files();
  auto checked = check_config_file(path);
  if (!checked.config) return report(error_of(checked));
  if (const int code = lacking_here(checked, path); code != EX_OK) return code;
  auto gateway = Gateway::open(std::make_shared<const Config>(std::move(*checked.config)), path);
  if (!gateway) return report(gateway.error());
  return (*gateway)->run();
}

}  // namespace

void add_run(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("run", "Run the gateway until SIGTERM; SIGHUP reads the configuration again");
  auto path = std::make_shared<std::string>(default_config_path());
  auto level = std::make_shared<std::string>("info");
  command->add_option("-c,--config", *path, "Configuration file")->capture_default_str();
  command->add_option("--log-level", *level, "debug, info, warning or error")->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->callback([&chosen, path, level] {
    chosen = [path, level] {
      log::init(*level == "debug"     ? log::Level::kDebug
                : *level == "warning" ? log::Level::kWarning
                : *level == "error"   ? log::Level::kError
                                      : log::Level::kInfo);
      return run(*path);
    };
  });
}

}  // namespace kanhu
