// SPDX-License-Identifier: MIT
#include "bench/events/events.hpp"

#include <filesystem>
#include <utility>

#include "base/file_io.hpp"
#include "bench/events/accepting.hpp"
#include "bench/events/broker.hpp"
#include "bench/events/burdens.hpp"
#include "bench/events/catching_up.hpp"
#include "bench/events/killing.hpp"
#include "bench/events/rig.hpp"

namespace kanhu::bench {
namespace {

// A folder of its own for each measurement, so that none reads another's journal.
Result<std::string> fresh(FileIo& io, const WorkFolder& work, const char* name) {
  std::string path = work.path() + "/" + name;
  if (auto made = io.make_directories(path); !made) return tl::unexpected(made.error());
  return path;
}

void forget(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace

Result<EventsReport> bench_events(const EventsBenchOptions& options, const EventsProgress& progress) {
  EventsReport report;
  auto launcher = GatewayLauncher::make();  // before there are threads
  if (!launcher) return tl::unexpected(launcher.error());
  const auto io = make_posix_file_io();
  auto work = WorkFolder::make(options.folder);
  if (!work) return tl::unexpected(work.error());
  report.folder = options.folder.empty() ? std::filesystem::temp_directory_path().string() : options.folder;
  const EventId id{std::string(32, '0'), 1, 1};
  report.event_bytes = static_cast<double>(sample_body(sample_event(1), id).size() + sample_body(sample_event(2), id).size()) / 2;

  const auto measured = [&](const char* name, auto measure) -> Result<void> {
    auto folder = fresh(*io, **work, name);
    if (!folder) return tl::unexpected(folder.error());
    auto done = measure(*folder);
    forget(*folder);
    return done;
  };
  progress("accepting");
  const auto accepting = [&](bool composed, std::optional<AcceptFigures>& into) {
    return measured("accept", [&](const std::string& folder) {
      return measure_accepting(*io, folder, options.seconds, composed, report.account).map([&](AcceptFigures figures) {
        into = std::move(figures);
      });
    });
  };
  auto done = accepting(false, report.accept);
  if (done) done = accepting(true, report.composed);
  progress("accept to received");
  if (done)
    done = measured("latency", [&](const std::string& folder) -> Result<void> {
      RigOptions rig_options;
      rig_options.folder = folder;
      auto rig = EventsRig::open(*io, rig_options);
      if (!rig) return tl::unexpected(rig.error());
      return measure_latency(*io, **rig, folder, options.seconds, report.account).map([&](const LatencyFigures& figures) {
        report.latency = figures;
      });
    });
  if (done)
    done = measured("catch-up", [&](const std::string& folder) {
      return measure_catch_up(*io, folder, options.events, options.seconds, report.account, progress)
          .map([&](const CatchUpReport& figures) { report.catch_up = figures; });
    });
  progress("subscribers who burden");
  if (done)
    done = measured("burdens", [&](const std::string& folder) {
      return measure_burdens(*io, folder, options.seconds, report.account).map([&](std::vector<BurdenFigures> figures) {
        report.burdens = std::move(figures);
      });
    });
  if (done && options.store_hours > 0)
    done = measured("store", [&](const std::string& folder) {
      return measure_store(*io, folder, options.store_hours, report.account, progress).map([&](const StoreFigures& figures) {
        report.store = figures;
      });
    });
  if (done && options.kills > 0)
    done = measured("kill", [&](const std::string& folder) {
      return measure_killing(*io, **launcher, folder, options.kills, report.account, progress).map([&](const KillFigures& figures) {
        report.kill = figures;
      });
    });
  if (!done) return tl::unexpected(done.error());
  report.peers = measure_peers(options, (*work)->path(), report.left_out, progress);
  return report;
}

}  // namespace kanhu::bench
