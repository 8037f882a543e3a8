// SPDX-License-Identifier: MIT
#include "daemon/worker/worker.hpp"

#include <csignal>
#include <memory>

#include "daemon/commands/commands.hpp"

namespace kanhu {

void add_worker(CLI::App& app, Command& chosen) {
  // Started by the gateway only: its socket is descriptor 3. In no help text.
  auto* command = app.add_subcommand("worker", "")->group("");
  command->add_option("number");
  command->callback([&chosen] {
    chosen = [] {
      // All are sent to the whole group by a terminal or the service manager: the gateway drains its workers itself.
      std::signal(SIGHUP, SIG_IGN);
      std::signal(SIGINT, SIG_IGN);
      std::signal(SIGTERM, SIG_IGN);
      std::signal(SIGPIPE, SIG_IGN);
      return run_worker(std::make_unique<relay::Channel>(3), true);
    };
  });
}

}  // namespace kanhu
