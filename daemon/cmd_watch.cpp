#include <algorithm>
#include <csignal>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include "base/text.hpp"
#include "daemon/commands.hpp"
#include "daemon/feed.hpp"
#include "daemon/gap_check.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {
namespace {

struct WatchOptions {
  std::string config = default_config_path(), live, query, facility, camera, type;
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
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t slash; (slash = topic.find('/', at)) != std::string::npos; at = slash + 1) parts.push_back(topic.substr(at, slash - at));
  return parts.size() == 4 && matches(options.facility, parts[1]) && matches(options.camera, parts[2]) && matches(options.type, parts[3]);
}

// A filter that can match nothing looks like a quiet day: say so. Types may be newer than this program, so it only warns.
void warn_of_filters(const WatchOptions& options) {
  const auto warn = [](const std::string& text) { fmt::print(stderr, "kanhu: warning: {}\n", text); };
  if (!options.type.empty()) {
    constexpr std::string_view kFamilies[] = {"camera", "clip", "face", "gateway", "presence", "site"};
    const std::string family = options.type.substr(0, options.type.find('.'));
    if (family.back() != '*' && std::find(std::begin(kFamilies), std::end(kFamilies), family) == std::end(kFamilies))
      warn(fmt::format("no type of this version matches {}; they begin with {}.", options.type, fmt::join(kFamilies, "., ")));
  }
  if (options.query.empty() || (options.facility.empty() && options.camera.empty())) return;
  const auto answer = publish::query(options.query, {{"v", 1}, {"request", "state"}}, std::chrono::milliseconds(2000));
  if (!answer || !answer->contains("state")) return;
  bool facility = options.facility.empty() || options.facility == "-";
  bool camera = options.camera.empty() || options.camera == "-";
  for (const Json& one : answer->at("state").value("facilities", Json::array())) {
    facility = facility || matches(options.facility, one.value("id", ""));
    for (const Json& source : one.value("cameras", Json::array())) camera = camera || matches(options.camera, source.value("id", ""));
  }
  if (!facility) warn(fmt::format("this gateway has no facility {}", kanhu::quoted(options.facility)));
  if (!camera) warn(fmt::format("this gateway has no camera {}", kanhu::quoted(options.camera)));
}

int follow(const WatchOptions& options, publish::Subscriber& subscriber) {
  Feed feed(stdout);
  GapCheck gaps;
  CpuMeter cpu;
  std::uint64_t shown = 0;
  auto status_due = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!interrupted && (options.count == 0 || shown < options.count)) {
    auto message = subscriber.receive(std::chrono::milliseconds(200));
    if (!message) {
      if (message.error().kind != ErrorKind::kCorrupt) return report(message.error());
      feed.line("! " + message.error().message);
      continue;
    }
    if (*message) {
      const auto verdict = gaps.look(**message);
      // Every stream is checked before filters apply: a filter must not hide a gap.
      if (verdict.new_epoch) feed.line("! the gateway was restarted: a new epoch begins");
      if (verdict.missed > 0) feed.line(fmt::format("! {} events of {} were missed on the way here", verdict.missed, verdict.stream));
      if (verdict.is_event && !verdict.duplicate && selected(options, (*message)->topic)) {
        ++shown;
        const auto event = options.json ? Result<Json>(Json()) : parse_json((*message)->payload);
        feed.line(options.json ? (*message)->payload : event ? feed_line(*event, feed.is_terminal()) : "! " + event.error().message);
      }
    }
    if (!options.json && feed.is_terminal() && std::chrono::steady_clock::now() >= status_due) {
      status_due += std::chrono::seconds(2);
      if (auto answer = publish::query(options.query, {{"v", 1}, {"request", "info"}}, std::chrono::milliseconds(500))) {
        const Json info = answer->value("info", Json::object());
        feed.status(status_line(info, {gaps.totals().events, gaps.totals().gaps}, cpu.percent(info)), false);
      } else {
        feed.status("the gateway does not answer", false);
      }
    }
  }
  return gaps.totals().gaps == 0 ? EX_OK : 1;
}

int watch(WatchOptions options) {
  if (options.live.empty()) {
    auto endpoints = endpoints_of(options.config);
    if (!endpoints) return report(endpoints.error());
    options.live = endpoints->value("live", "");
    options.query = endpoints->value("query", "");
  }
  if (options.type.rfind("kanhu.", 0) == 0) options.type.erase(0, 6);  // as it stands in events
  warn_of_filters(options);
  const std::vector<std::string> topics{topic_of(options.facility)};
  auto subscriber = publish::Subscriber::connect(options.live, topics);
  if (!subscriber) return report(subscriber.error());
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  return follow(options, **subscriber);
}

}  // namespace

void add_watch(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("watch", "Subscribe and print events as they come; says so when one was missed");
  auto options = std::make_shared<WatchOptions>();
  command->add_option("-c,--config", options->config, "Configuration of the gateway, to find its sockets")->capture_default_str();
  command->add_option("--live", options->live, "Live endpoint instead, such as tcp://127.0.0.1:5556");
  command->add_option("--query", options->query, "Query endpoint, for the status line")->needs("--live");
  command->add_option("--facility", options->facility, "Only this facility");
  command->add_option("--camera", options->camera, "Only this camera");
  command->add_option("--type", options->type, "Only this type, such as face.appeared or presence.*");
  command->add_option("--count", options->count, "End after this many events");
  command->add_flag("--json", options->json, "One CloudEvents JSON object a line, as it came");
  command->callback([&chosen, options] { chosen = [options] { return watch(*options); }; });
}

}  // namespace kanhu
