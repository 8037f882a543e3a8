// SPDX-License-Identifier: MIT
// kanhu bench events: how fast, how late and how completely events reach a subscriber on this machine and disk.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.hpp"
#include "bench/events/events.hpp"
#include "daemon/commands/commands.hpp"

namespace kanhu {
namespace {

struct EventsBenchCommand {
  bench::EventsBenchOptions options;
  bool json = false, quick = false;
};

int bench_events_command(EventsBenchCommand& command) {
  log::init(log::Level::kOff);
  if (command.quick) {
    command.options.seconds = 1;
    command.options.events = 20'000;
    command.options.kills = 2;
  }
  const bool watched = ::isatty(STDERR_FILENO) == 1;
  const auto measured = bench::bench_events(command.options, [watched](const std::string& now) {
    if (watched) fmt::print(stderr, "\r\033[K{}", now);
  });
  if (watched) fmt::print(stderr, "\r\033[K");
  if (!measured) return report(measured.error());
  if (command.json) {
    fmt::print("{}\n", report_json(*measured).dump(2));
  } else {
    fmt::print("{}", report_text(*measured));
  }
  return measured->account.lost == 0 && measured->account.misordered == 0 ? EX_OK : 1;
}

}  // namespace

void add_bench_events(CLI::App& bench, Command& chosen) {
  auto* events = bench.add_subcommand("events", "Journal, live stream and catch-up on this machine and disk, beside other brokers");
  auto command = std::make_shared<EventsBenchCommand>();
  events->add_flag("--json", command->json, "As JSON");
  events->add_flag("--quick", command->quick, "A second of each, 20,000 events, 2 kills");
  events->add_option("--dir", command->options.folder, "A folder on the disk to be measured (default: the one for temporary files)");
  events->add_option("--seconds", command->options.seconds, "Of accepting, and of each latency")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  events->add_option("--events", command->options.events, "To catch up with")->check(CLI::Range(100, 100'000'000))->capture_default_str();
  events->add_option("--kills", command->options.kills, "kill -9 of the gateway, and of each peer; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  events->add_option("--store-hours", command->options.store_hours, "Of a cut line at 50 events a second; 72 h are 13 million events")
      ->check(CLI::Range(0.0, 720.0));
  events->add_option("--peer", command->options.peers, "nats, mosquitto, all (those installed) or none")
      ->check(CLI::IsMember({"nats", "mosquitto", "all", "none"}))
      ->capture_default_str();
  events->callback([&chosen, command] { chosen = [command] { return bench_events_command(*command); }; });
}

}  // namespace kanhu
