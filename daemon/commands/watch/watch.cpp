// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "config/checks.hpp"
#include "config/load.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/events/events.hpp"
#include "daemon/commands/events/local_time.hpp"
#include "daemon/commands/gateway_address.hpp"
#include "daemon/commands/watch/feed.hpp"
#include "daemon/commands/watch/silence.hpp"
#include "pipelines/publish/client/follower.hpp"
#include "pipelines/publish/client/gap_check.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu {
namespace {

struct WatchOptions : PeerOptions {
  std::optional<publish::ClientKeys> keys;
  std::string facility, camera, type, since, time_zone;
  bool json = false;
  std::uint64_t count = 0;
};

volatile std::sig_atomic_t interrupted = 0;

// `presence.*` and `presence.started` both select; empty selects all.
bool matches(const std::string& wanted, const std::string& value) {
  if (wanted.empty() || wanted == value) return true;
  return wanted.back() == '*' && value.rfind(wanted.substr(0, wanted.size() - 1), 0) == 0;
}

bool selected(const WatchOptions& options, const std::string& topic) {
  const auto parts = topic_parts(topic);
  return parts && matches(options.facility, parts->facility) && matches(options.camera, parts->source) &&
         matches(options.type, parts->type);
}

// A filter that can match nothing looks like a quiet day: say so. Types may be newer than this program, so it only warns.
void warn_of_filters(const WatchOptions& options) {
  const auto warn = [](const std::string& text) { fmt::print(stderr, "kanhu: warning: {}\n", text); };
  if (!options.type.empty()) {
    const bool known = std::any_of(rules::kEventTypes.begin(), rules::kEventTypes.end(),
                                   [&](const rules::EventType& type) { return matches(options.type, std::string(type.name)); });
    if (!known) {
      std::set<std::string_view> families;
      for (const rules::EventType& type : rules::kEventTypes) families.insert(type.name.substr(0, type.name.find('.')));
      warn(fmt::format("no type of this version matches {}; they begin with {}.", options.type, fmt::join(families, "., ")));
    }
  }
  if (options.query.empty() || (options.facility.empty() && options.camera.empty())) return;
  const auto answer = publish::query(options.query, {{"v", 1}, {"request", "state"}}, std::chrono::milliseconds(2000), options.keys);
  if (!answer || !answer->contains("state")) return;
  bool facility = options.facility.empty() || options.facility == "-";
  bool camera = options.camera.empty() || options.camera == "-";
  for (const Json& one : answer->at("state").value("facilities", Json::array())) {
    facility = facility || matches(options.facility, one.value("id", ""));
    for (const Json& source : one.value("cameras", Json::array())) camera = camera || matches(options.camera, source.value("id", ""));
  }
  const char* or_key = options.keys ? ", or our key has no right to it" : "";
  if (!facility) warn(fmt::format("this gateway has no facility {}{}", kanhu::quoted(options.facility), or_key));
  if (!camera) warn(fmt::format("this gateway has no camera {}{}", kanhu::quoted(options.camera), or_key));
}

// Shows what is selected of what a follower gives.
class Watch {
 public:
  Watch(const WatchOptions& options, std::optional<WallTime> since)
      : options_(options),
        since_(since),
        silence_(
            options.live,
            [&options] {
              return cause_of_silence({options.live, options.query, options.keys});
            },
            std::chrono::steady_clock::now()) {}

  int follow(publish::Follower& follower);

 private:
  using Follower = publish::Follower;
  bool done() const { return interrupted != 0 || (options_.count > 0 && shown_ >= options_.count); }
  void show(const Follower::Event& event);
  void tell(const Follower::Gap& gap);
  // About the feed itself. Who reads JSON gets it apart from the events.
  void note(const std::string& text);
  void show_status(const Follower& follower);
  // To standard error when it has gone quiet, or has ended being so.
  void mind_silence(bool heard);

  const WatchOptions& options_;
  const std::optional<WallTime> since_;
  Feed feed_{stdout};
  QuietLine silence_;
  CpuMeter cpu_;
  std::uint64_t shown_ = 0, lost_ = 0;
};

void Watch::show(const Follower::Event& event) {
  if (!selected(options_, event.topic)) return;
  const auto payload = parse_json(event.payload);
  if (event.fetched && since_ && payload) {
    const auto time = parse_utc(payload->value("time", ""));
    if (time && *time < *since_) return;
  }
  ++shown_;
  if (options_.json) return feed_.line(event.payload);
  feed_.line(payload ? feed_line(*payload, feed_.is_terminal()) : "! " + payload.error().message);
}

void Watch::tell(const Follower::Gap& gap) {
  if (gap.reason == "not_fetched") {
    note("and are missing here");
    for (const Json& stream : gap.streams) lost_ += stream.value("missed", std::uint64_t{1});
    return;
  }
  lost_ += gap.last >= gap.first && gap.last > 0 ? gap.last - gap.first + 1 : 1;
  if (gap.reason == "unknown_end") return note("the epoch before ended on a full disk: what else of it is missing here is not known");
  const std::string numbers =
      gap.last == 0 ? fmt::format("what there was from {} on", gap.first) : fmt::format("{} to {}", gap.first, gap.last);
  note(fmt::format("{} of epoch {} will not come: {}", numbers, gap.epoch, gap.reason));
}

void Watch::note(const std::string& text) {
  if (options_.json) return fmt::print(stderr, "kanhu: {}\n", text);
  feed_.line("! " + text);
}

void Watch::show_status(const Follower& follower) {
  if (auto answer = publish::query(options_.query, {{"v", 1}, {"request", "info"}}, std::chrono::milliseconds(500), options_.keys)) {
    if (!answer->value("ok", false)) return;  // not for this key
    const Json info = answer->value("info", Json::object());
    feed_.status(status_line(info, {follower.live_totals().events, lost_}, cpu_.percent(info)), false);
  } else {
    feed_.status("the gateway does not answer", false);
  }
}

void Watch::mind_silence(bool heard) {
  const auto now = std::chrono::steady_clock::now();
  const std::string clock = fmt::format("{:%H:%M:%S}", fmt::localtime(std::time(nullptr)));
  if (const auto words = heard ? silence_.heard(now, clock) : silence_.nothing(now, clock)) feed_.aside("kanhu: " + *words);
}

int Watch::follow(Follower& follower) {
  auto status_due = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  bool past = since_.has_value();  // nothing was given yet of what it asked for
  for (std::uint64_t heard = 0; !done();) {
    auto item = follower.next(std::chrono::milliseconds(200));
    if (!item) {
      if (item.error().kind != ErrorKind::kCorrupt) return report(item.error());
      note(item.error().message);
      continue;
    }
    const bool came = std::exchange(heard, follower.heard()) != follower.heard();
    if (came || !*item) mind_silence(came);
    if (*item) {
      const auto* unanswered = std::get_if<Follower::Unanswered>(&**item);
      if (past && unanswered) {
        note("what was before cannot be fetched: " + unanswered->error.message);
        return EX_UNAVAILABLE;
      }
      past = false;
      std::visit(
          Overloaded{[&](const Follower::Event& event) { show(event); }, [&](const Follower::Gap& gap) { tell(gap); },
                     [&](const Follower::Missed& missed) { note(fmt::format("{} of {} did not come live", missed.count, missed.stream)); },
                     [&](const Follower::Restarted&) { note("the gateway was restarted: a new epoch begins"); },
                     [&](const Follower::Unanswered& journal) {
                       note(fmt::format("what was missed cannot be fetched{}: {}", journal.is_final ? "" : " yet", journal.error.message));
                     }},
          **item);
    }
    if (!options_.json && feed_.is_terminal() && std::chrono::steady_clock::now() >= status_due) {
      status_due += std::chrono::seconds(2);
      show_status(follower);
    }
  }
  return lost_ == 0 ? EX_OK : 1;
}

// In whose time `--since` is read and events are shown. Empty: of this machine, and a time needs its offset.
std::string zone_of(const WatchOptions& options) {
  if (!options.time_zone.empty()) return options.time_zone;
  if (!options.live.empty()) return {};  // a gateway elsewhere: our configuration says nothing of it
  const auto config = load_config(options.config);
  if (!config) return {};
  const FacilityConfig* facility = config->facility(options.facility);
  return facility ? facility->time_zone : common_zone_of(*config);
}

int watch(WatchOptions options) {
  if (!options.time_zone.empty()) {
    if (const std::string fault = time_zone_fault(options.time_zone); !fault.empty())
      return report({ErrorKind::kInvalidArgument, "--time-zone: " + fault});
  }
  const std::string zone = zone_of(options);
  if (!zone.empty()) enter_zone(zone);
  std::optional<WallTime> since;
  if (!options.since.empty()) {
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto time = parse_time_argument("--since", options.since, zone, TimeEdge::kFirst, now);
    if (!time) return report(time.error());
    since = *time;
  }
  auto peer = find_peer(options);
  if (!peer) return report(peer.error());
  options.live = peer->live;
  options.query = peer->query;
  options.keys = std::move(peer->keys);
  if (options.type.rfind("kanhu.", 0) == 0) options.type.erase(0, 6);  // as it stands in events
  warn_of_filters(options);
  publish::Follower::Options follow{options.live, options.query, {}, {}, options.keys};
  // Where the facility is a pattern, all are followed and some are shown.
  if (!options.facility.empty() && options.facility.back() != '*') follow.facilities = {options.facility};
  if (since) follow.after = publish::Follower::Place{};
  auto follower = publish::Follower::connect(std::move(follow));
  if (!follower) return report(follower.error());
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  return Watch(options, since).follow(**follower);
}

}  // namespace

void add_watch(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("watch", "Subscribe and print events as they come; says so when one was missed");
  auto options = std::make_shared<WatchOptions>();
  add_peer_options(*command, *options, PeerSockets::kBoth);
  command->add_option("--facility", options->facility, "Only this facility");
  command->add_option("--camera", options->camera, "Only this camera");
  command->add_option("--type", options->type, "Only this type, such as face.appeared or presence.*");
  command->add_option(
      "--since", options->since,
      "First what happened since then: a time such as 2026-11-26T08:00, with or without an offset, a length such as 10m, 2h or "
      "1d, or start for everything that is kept");
  command->add_option("--time-zone", options->time_zone,
                      "Times without an offset, and times that are shown, are in this zone, such as Asia/Shanghai. Left out: that of the "
                      "facilities in the configuration; with --live that of this machine is shown, and --since needs an offset");
  command->add_option("--count", options->count, "End after this many events");
  command->add_flag("--json", options->json, "One CloudEvents JSON object a line, as it came");
  command->callback([&chosen, options] { chosen = [options] { return watch(*options); }; });
}

}  // namespace kanhu
