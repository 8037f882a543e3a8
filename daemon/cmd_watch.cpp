#include <csignal>
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "daemon/commands.hpp"
#include "daemon/feed.hpp"
#include "daemon/gap_check.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {
namespace {

struct Options {
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

bool selected(const Options& options, const std::string& topic) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t slash; (slash = topic.find('/', at)) != std::string::npos; at = slash + 1) parts.push_back(topic.substr(at, slash - at));
  return parts.size() == 4 && matches(options.facility, parts[1]) && matches(options.camera, parts[2]) && matches(options.type, parts[3]);
}

int follow(const Options& options, publish::Subscriber& subscriber) {
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

int watch(Options options) {
  if (options.live.empty()) {
    auto endpoints = endpoints_of(options.config);
    if (!endpoints) return report(endpoints.error());
    options.live = endpoints->value("live", "");
    options.query = endpoints->value("query", "");
  }
  std::vector<std::string> topics;
  topics.push_back(options.facility.empty() ? "kanhu1/" : "kanhu1/" + options.facility + "/");
  auto subscriber = publish::Subscriber::connect(options.live, topics);
  if (!subscriber) return report(subscriber.error());
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  return follow(options, **subscriber);
}

}  // namespace

void add_watch(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("watch", "Subscribe and print events as they come; says so when one was missed");
  auto options = std::make_shared<Options>();
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
