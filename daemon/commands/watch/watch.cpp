// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "config/checks.hpp"
#include "config/load.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/events/events.hpp"
#include "daemon/commands/events/local_time.hpp"
#include "daemon/commands/gateway_address.hpp"
#include "daemon/commands/query_client.hpp"
#include "daemon/commands/watch/feed.hpp"
#include "daemon/commands/watch/silence.hpp"
#include "pipelines/publish/client/gap_check.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

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

std::string topic_of(const std::string& facility) {
  if (facility.empty()) return "kanhu1/";
  return facility.back() == '*' ? "kanhu1/" + facility.substr(0, facility.size() - 1) : "kanhu1/" + facility + "/";
}

bool selected(const WatchOptions& options, const std::string& topic) {
  const auto parts = topic_parts(topic);
  return parts && matches(options.facility, parts->facility) && matches(options.camera, parts->source) &&
         matches(options.type, parts->type);
}

std::string stream_of(const std::string& topic) { return topic_parts(topic).value_or(TopicParts{}).facility; }

// A filter that can match nothing looks like a quiet day: say so. Types may be newer than this program, so it only warns.
void warn_of_filters(const WatchOptions& options) {
  const auto warn = [](const std::string& text) { fmt::print(stderr, "kanhu: warning: {}\n", text); };
  if (!options.type.empty()) {
    constexpr std::string_view kFamilies[] = {"access",  "camera", "clip",      "contact",  "face",
                                              "gateway", "ir",     "occupancy", "presence", "site"};
    const std::string family = options.type.substr(0, options.type.find('.'));
    if (family.back() != '*' && std::find(std::begin(kFamilies), std::end(kFamilies), family) == std::end(kFamilies))
      warn(fmt::format("no type of this version matches {}; they begin with {}.", options.type, fmt::join(kFamilies, "., ")));
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

// What has been shown and up to where, live and fetched alike.
class Watch {
 public:
  explicit Watch(const WatchOptions& options)
      : options_(options),
        silence_(
            options.live,
            [&options] {
              return cause_of_silence({options.live, options.query, options.keys});
            },
            std::chrono::steady_clock::now()) {}

  int follow(publish::Subscriber& subscriber);
  // Everything that is kept behind `place_`; events before `since` are passed over. False: nobody answered.
  bool fetch(std::optional<WallTime> since);

 private:
  bool done() const { return interrupted != 0 || (options_.count > 0 && shown_ >= options_.count); }
  void show(const std::string& topic, const std::string& payload);
  // About the feed itself. Who reads JSON gets it apart from the events.
  void note(const std::string& text);
  void take(const publish::LiveMessage& message);
  void enter(const std::string& epoch, std::uint64_t seq);
  // Live or fetched, each once.
  bool is_first(const std::string& stream, const Json& header);
  void show_status();
  // To standard error when it has gone quiet, or has ended being so.
  void mind_silence(bool heard);

  const WatchOptions& options_;
  Feed feed_{stdout};
  QuietLine silence_;
  GapCheck gaps_;
  CpuMeter cpu_;
  std::string epoch_;                                 // empty: nothing came yet
  std::uint64_t seq_ = 0;                             // fetch behind this
  std::uint64_t fetched_ = 0;                         // up to this everything was fetched, or was before we came
  std::map<std::string, std::uint64_t> last_, sure_;  // by stream: stream_seq that came last, and seq up to which nothing is missing
  bool asked_ = false;                                // the journal, for what was missed last
  std::set<std::string> over_;                        // epochs that were left
  std::uint64_t shown_ = 0, lost_ = 0;
};

void Watch::show(const std::string& topic, const std::string& payload) {
  if (done() || !selected(options_, topic)) return;
  ++shown_;
  if (options_.json) return feed_.line(payload);
  const auto event = parse_json(payload);
  feed_.line(event ? feed_line(*event, feed_.is_terminal()) : "! " + event.error().message);
}

void Watch::note(const std::string& text) {
  if (options_.json) return fmt::print(stderr, "kanhu: {}\n", text);
  feed_.line("! " + text);
}

void Watch::enter(const std::string& epoch, std::uint64_t seq) {
  if (epoch == epoch_) {
    seq_ = std::max(seq_, seq);
    return;
  }
  if (!epoch_.empty()) over_.insert(epoch_);
  over_.erase(epoch);
  epoch_ = epoch;
  seq_ = fetched_ = seq;
  last_.clear();
  sure_.clear();
}

bool Watch::is_first(const std::string& stream, const Json& header) {
  enter(header.value("epoch", ""), header.value("seq", std::uint64_t{0}));
  const auto number = header.value("stream_seq", std::uint64_t{0});
  return number > std::exchange(last_[stream], std::max(last_[stream], number));
}

bool Watch::fetch(std::optional<WallTime> since) {
  while (!done()) {
    Json request{{"v", 1}, {"request", "fetch"}, {"max_events", 2000}};
    if (!epoch_.empty()) request.update({{"epoch", epoch_}, {"after", seq_}});
    const auto page = publish::query(options_.query, request, std::chrono::milliseconds(5000), options_.keys);
    const auto refused = page ? error_of_answer(*page, options_.query) : std::optional(page.error());
    if (refused) {
      note("what was missed cannot be fetched: " + refused->message);
      return false;
    }
    for (const Json& gap : page->at("gaps")) {
      const auto from = gap.at("from").get<std::uint64_t>(), to = gap.at("to").get<std::uint64_t>();
      const std::string numbers = to == 0 ? fmt::format("what there was from {} on", from) : fmt::format("{} to {}", from, to);
      note(fmt::format("{} of epoch {} will not come: {}", numbers, gap.value("epoch", ""), gap.value("reason", "")));
      lost_ += to >= from ? to - from + 1 : 1;
    }
    for (const Json& event : page->at("events")) {
      const auto time = parse_utc(event.at("payload").value("time", ""));
      if (!is_first(stream_of(event.at("topic").get<std::string>()), event.at("header"))) continue;
      if (since && time && *time < *since) continue;
      show(event.at("topic").get<std::string>(), canonical_json(event.at("payload")));
    }
    enter(page->at("next").at("epoch").get<std::string>(), page->at("next").at("after").get<std::uint64_t>());
    if (page->at("complete").get<bool>()) {
      fetched_ = seq_;
      return true;
    }
  }
  return true;
}

void Watch::take(const publish::LiveMessage& message) {
  if (over_.contains(message.header.value("epoch", ""))) return;  // waited here while the rest of its epoch was fetched, and the next
  // Every stream is checked before filters apply: a filter must not hide a gap.
  const auto verdict = gaps_.look(message);
  if (verdict.new_epoch) note("the gateway was restarted: a new epoch begins");
  if (verdict.missed > 0) note(fmt::format("{} of {} did not come live", verdict.missed, verdict.stream));
  // Whether the epoch before was heard to its end only the journal knows.
  if (verdict.missed > 0 || verdict.new_epoch) {
    if (verdict.missed > 0) sure_.try_emplace(verdict.stream);
    // From where any stream may lack something: what this one lacks tells nothing of the others.
    for (const auto& [stream, sure] : sure_) seq_ = std::min(seq_, std::max(sure, fetched_));
    const bool fetched = !options_.query.empty() && !epoch_.empty() && fetch(std::nullopt);
    if (!fetched && verdict.missed > 0) note("and are missing here");
    if (!fetched) lost_ += verdict.missed;
    asked_ = fetched;
  }
  if (verdict.open && !asked_) {
    note("and the epoch before ended on a full disk: what else of it is missing here is not known");
    ++lost_;
  }
  const std::string stream = stream_of(message.topic);
  const auto seq = message.header.value("seq", std::uint64_t{0});
  const bool first = verdict.is_event && is_first(stream, message.header);
  if (epoch_.empty()) enter(message.header.value("epoch", ""), seq);
  if (message.header.value("epoch", "") == epoch_ && message.header.value("stream_seq", std::uint64_t{0}) >= last_[stream])
    sure_[stream] = seq;
  if (!first) return;
  show(message.topic, message.payload);
}

void Watch::show_status() {
  if (auto answer = publish::query(options_.query, {{"v", 1}, {"request", "info"}}, std::chrono::milliseconds(500), options_.keys)) {
    if (!answer->value("ok", false)) return;  // not for this key
    const Json info = answer->value("info", Json::object());
    feed_.status(status_line(info, {gaps_.totals().events, lost_}, cpu_.percent(info)), false);
  } else {
    feed_.status("the gateway does not answer", false);
  }
}

void Watch::mind_silence(bool heard) {
  const auto now = std::chrono::steady_clock::now();
  const std::string clock = fmt::format("{:%H:%M:%S}", fmt::localtime(std::time(nullptr)));
  if (const auto words = heard ? silence_.heard(now, clock) : silence_.nothing(now, clock)) feed_.aside("kanhu: " + *words);
}

int Watch::follow(publish::Subscriber& subscriber) {
  auto status_due = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!done()) {
    auto message = subscriber.receive(std::chrono::milliseconds(200));
    if (!message) {
      if (message.error().kind != ErrorKind::kCorrupt) return report(message.error());
      note(message.error().message);
      continue;
    }
    mind_silence(message->has_value());
    if (*message) take(**message);
    if (!options_.json && feed_.is_terminal() && std::chrono::steady_clock::now() >= status_due) {
      status_due += std::chrono::seconds(2);
      show_status();
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
  // The heartbeat is everybody's: who does not hear it is not connected, however quiet a facility is.
  const std::vector<std::string> topics{topic_of(options.facility), "kanhu1/-/-/heartbeat/"};
  auto subscriber = publish::Subscriber::connect(options.live, topics, options.keys);
  if (!subscriber) return report(subscriber.error());
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  Watch watch(options);
  // It listens already: what comes meanwhile is shown after the past, once.
  if (since && !watch.fetch(since)) return EX_UNAVAILABLE;
  return watch.follow(**subscriber);
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
