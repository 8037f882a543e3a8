// SPDX-License-Identifier: MIT
#include "tests/support/demo/demo.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/file_io.hpp"
#include "config/secrets.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu::demo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kStopPatience = seconds(15);
constexpr auto kStartPatience = seconds(20);    // to the first message of a gateway just started
constexpr auto kCamerasPatience = seconds(12);  // to the cameras being up; the plan begins then at the latest
constexpr auto kEnrolPatience = seconds(20);
constexpr auto kHeadsPatience = milliseconds(1500);  // every stream has had a head by then

volatile std::sig_atomic_t signals = 0;

std::string clock_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  ::localtime_r(&time, &local);
  const auto tenths = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000 / 100;
  return fmt::format("{:%H:%M:%S}.{}", local, tenths);
}

}  // namespace

void count_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { signals = signals + 1; };  // without SA_RESTART: waiting calls return
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Demo::Demo(Options options) : options_(std::move(options)), feed_(stdout) {
  config_path_ = options_.run_dir + "/kanhu.yaml";
  log_path_ = options_.run_dir + "/kanhu.log";
  with_plan_ = options_.duration_seconds == 0 || seconds(options_.duration_seconds) >= kPlanNeeds;
}

int Demo::run() {
  begun_ = Clock::now();
  auto played = set_the_stage();
  if (played) played = play();
  const bool interrupted = signals > 0;
  if (!played) {
    fmt::print(stderr, "kanhu-demo: {}\n", played.error().message);
    if (!gateway_) return 69;
    faults_.push_back(played.error().message);
  }
  stop();
  return sum_up(interrupted);
}

void Demo::planned(const std::string& words) {
  feed_.line(fmt::format("{}  {}{:<18}{} {}", clock_text(), feed_.is_terminal() ? "\033[1m" : "", "(planned)",
                         feed_.is_terminal() ? "\033[0m" : "", words));
}

Result<void> Demo::set_the_stage() {
  if (auto prepared = prepare_folder(options_.run_dir); !prepared) return prepared;
  auto demo_yaml = read_text(options_.config);
  if (!demo_yaml) return tl::make_unexpected(demo_yaml.error());

  ChildSpec spec{options_.simulator, {"--demo", "--port", "0", "--die-with-parent"}, {}, options_.run_dir + "/simulator.log", true};
  if (!options_.faces.empty()) spec.arguments.insert(spec.arguments.end(), {"--faces", options_.faces});
  auto simulator = Child::start(spec);
  if (!simulator) return tl::make_unexpected(simulator.error());
  simulator_ = std::move(*simulator);
  const auto greeting = simulator_->hear(seconds(20));
  unsigned port = 0;
  if (!greeting || std::sscanf(greeting->c_str(), "listening on 127.0.0.1:%u", &port) != 1 || port == 0 || port > 65535)
    return fail(ErrorKind::kClosed, fmt::format("the camera simulator did not start; see {}", spec.log));

  auto ports = choose_ports();
  if (!ports) return tl::make_unexpected(ports.error());
  ports_ = *ports;
  ports_.rtsp = static_cast<std::uint16_t>(port);
  auto config = stage_config(*demo_yaml, ports_);
  if (!config) return fail(config.error().kind, fmt::format("{}: {}", options_.config, config.error().message));
  if (auto written = write_text(config_path_, *config); !written) return written;
  const Credential wrong{"demo", Secret(kWrongPassword)};
  if (auto stored = store_secret("demo-office", options_.run_dir + "/secrets", wrong); !stored) return stored;
  if (with_plan_) {
    // Who comes and goes there is the plan's affair, not the schedule's.
    for (const char* line : {"person entrance out", "person bath out"}) {
      if (auto done = command(line); !done) return done;
    }
  }
  auto subscriber = publish::Subscriber::connect(fmt::format("tcp://127.0.0.1:{}", ports_.live), {});
  if (!subscriber) return tl::make_unexpected(subscriber.error());
  subscriber_ = std::move(*subscriber);
  print_head();
  return start_gateway();
}

Result<void> Demo::start_gateway() {
  ChildSpec spec{options_.kanhu, {"run", "--config", config_path_}, {}, log_path_, false};
  if (!options_.models.empty()) spec.environment.emplace_back("KANHU_MODELS", options_.models);
  auto gateway = Child::start(spec);
  if (!gateway) return tl::make_unexpected(gateway.error());
  gateway_ = std::move(*gateway);
  gateway_started_ = Clock::now();
  first_message_ = {};
  return {};
}

Result<void> Demo::command(const std::string& line) {
  if (auto said = simulator_->say(line); !said) return said;
  auto answer = simulator_->hear(seconds(5));
  if (!answer) return fail(answer.error().kind, fmt::format("the simulator does not answer \"{}\": {}", line, answer.error().message));
  if (answer->rfind("ok", 0) != 0) return fail(ErrorKind::kInvalidArgument, fmt::format("the simulator answers \"{}\": {}", line, *answer));
  return {};
}

Result<void> Demo::play() {
  planned("the secret of the office's camera holds a wrong password");
  for (;;) {
    listen(milliseconds(100));
    const auto now = Clock::now();
    if (auto well = look_after(now); !well) return well;
    if (with_plan_) advance_plan(now);
    await_enrolment(milliseconds(0));
    show_status(now);
    if (signals > 0 || std::ferror(stdout) != 0 || is_time_to_end(now)) return {};
  }
}

Result<void> Demo::look_after(Clock::time_point now) {
  if (auto end = gateway_->ended(milliseconds(0))) {
    return fail(ErrorKind::kClosed, fmt::format("the gateway ended by itself ({}); see {}", describe_end(*end), log_path_));
  }
  if (auto end = simulator_->ended(milliseconds(0))) {
    return fail(ErrorKind::kClosed, fmt::format("the camera simulator ended by itself ({})", describe_end(*end)));
  }
  if (first_message_ == Clock::time_point{} && now - gateway_started_ > kStartPatience)
    return fail(ErrorKind::kTimeout, fmt::format("the gateway says nothing; see {}", log_path_));
  return {};
}

void Demo::listen(milliseconds patience) {
  auto message = subscriber_->receive(patience);
  for (; message && *message; message = subscriber_->receive(milliseconds(0))) {
    gaps_.look(**message);
    auto received = ledger_.received(**message);
    if (!received) {
      faults_.push_back("a message not of the contract: " + received.error().message);
      continue;
    }
    if (first_message_ == Clock::time_point{}) {
      first_message_ = Clock::now();
      catch_up_at_ = first_message_ + kHeadsPatience;
    }
    if (!received->is_new) continue;
    if (const auto event = parse_json(received->event.body)) feed_.line(feed_line(*event, feed_.is_terminal()));
  }
  if (!message) faults_.push_back("the subscription: " + message.error().message);
  if (catch_up_at_ && Clock::now() >= *catch_up_at_) {
    catch_up_at_.reset();
    catch_up(true);
  }
}

// What was journalled while nobody listened.
void Demo::catch_up(bool print) {
  const auto files = make_posix_file_io();
  const auto read = journal::read_journal(*files, options_.run_dir + "/journal", [&](const journal::JournalRecord& record) {
    const auto fresh = ledger_.journalled(record);
    if (!fresh) faults_.push_back("the journal: " + fresh.error().message);
    if (fresh && *fresh && print) {
      if (const auto event = parse_json(record.body)) feed_.line(feed_line(*event, feed_.is_terminal()) + "  [from the journal]");
    }
    return true;
  });
  if (!read) faults_.push_back("the journal: " + read.error().message);
}

void Demo::advance_plan(Clock::time_point now) {
  const Events events = ledger_.events();
  const auto since_begin = std::chrono::duration_cast<milliseconds>(now - begun_);
  if (!plan_.has_begun() && first_message_ != Clock::time_point{}) {
    constexpr std::array kCameras{"entrance", "canteen", "bath", "hall", "rest"};
    const bool all =
        std::all_of(kCameras.begin(), kCameras.end(), [&](const char* id) { return !of(events, "camera.online", id).empty(); });
    if (all || now - first_message_ > kCamerasPatience) plan_.begin(since_begin);
  }
  if (const PlanItem* item = plan_.due(since_begin, events)) perform(*item);
  progress_.reached = plan_.reached();
}

void Demo::perform(const PlanItem& item) {
  if (!item.words.empty()) planned(item.words);
  if (item.step == Step::kCableIn) note_hall_state();
  if (item.step == Step::kEnrol) begin_enrolment();
  if (item.step == Step::kAgainIn) await_enrolment(kEnrolPatience);
  if (item.step == Step::kKill) {
    gateway_->signal(SIGKILL);
    gateway_->ended(seconds(5));
    feed_.status("the gateway starts again", false);
    listen(milliseconds(0));
    ledger_.killed();
    // The visitor leaves while nobody looks.
    if (auto done = command("person entrance out"); !done) faults_.push_back(done.error().message);
    if (auto started = start_gateway(); !started) faults_.push_back(started.error().message);
  }
  for (const std::string& line : item.commands) {
    if (auto done = command(line); !done) faults_.push_back(done.error().message);
  }
  if (item.step == Step::kDone && options_.duration_seconds == 0) {
    // An entrance to which nobody comes any more is a picture that never changes.
    if (auto done = command("person entrance auto"); !done) faults_.push_back(done.error().message);
    feed_.line("");
    feed_.line("Everything planned has happened; the feed goes on until Ctrl-C, which then accounts for every event and clip.");
    print_next_steps(true);
    feed_.line("");
  }
}

// As an administrator does: key, then `kanhu gallery enroll` with a recording of whoever agreed.
void Demo::begin_enrolment() {
  if (const std::string why = why_nobody_is_compared(options_.kanhu, options_.models); options_.faces.empty() || !why.empty()) {
    planned("nobody is enrolled: " + (why.empty() ? "painted people are nobody" : why));
    return;
  }
  progress_.enrols = true;
  const Events events = ledger_.events(), faces = of(events, "face.appeared", "entrance", 0);
  const ClipWord clip = faces.empty() ? ClipWord{} : clip_of(events, faces.front()->subject);
  planned("that person agreed and is enrolled from the clip: kanhu gallery enroll --clip");
  if (clip.path.empty()) return faults_.push_back("there is no clip to enrol anybody from");
  ChildSpec spec{options_.kanhu, {"gallery", "key", "--config", config_path_}, {}, log_path_, false};
  auto key = Child::start(spec);
  const auto end = key ? key->ended(seconds(10)) : std::nullopt;
  if (!end || *end != 0) return faults_.push_back("kanhu gallery key has made no key; see " + log_path_);
  const std::string name_file = options_.run_dir + "/name.txt";
  if (auto written = write_text(name_file, "演示访客\n"); !written) return faults_.push_back(written.error().message);
  spec.arguments = {
      "gallery", "enroll",         "--config", config_path_,  "--facility", "fuxing", "--consent-by",
      "demo",    "--consent-text", "demo-1",   "--name-file", name_file,    "--clip", options_.run_dir + "/clips/" + clip.path};
  if (!options_.models.empty()) spec.environment.emplace_back("KANHU_MODELS", options_.models);
  spec.talks = true;
  auto enrolment = Child::start(spec);
  if (!enrolment) return faults_.push_back(enrolment.error().message);
  enrolment_ = std::move(*enrolment);
}

void Demo::await_enrolment(milliseconds patience) {
  if (!enrolment_) return;
  const auto end = enrolment_->ended(patience);
  if (!end && patience == milliseconds(0)) return;
  ::unlink((options_.run_dir + "/name.txt").c_str());  // a name stands in the gallery alone
  const auto said = enrolment_->hear(milliseconds(200));
  if (end && *end == 0 && said) {
    planned("enrolled: " + *said);
    progress_.enrolled = said->substr(0, said->find(' '));
  } else {
    faults_.push_back(fmt::format("kanhu gallery enroll: {}; see {}", end ? describe_end(*end) : "takes too long", log_path_));
  }
  enrolment_.reset();
}

void Demo::note_hall_state() {
  const auto answer = publish::query(fmt::format("tcp://127.0.0.1:{}", ports_.query), {{"v", 1}, {"request", "state"}}, milliseconds(2000));
  if (!answer || !answer->contains("state")) return;
  for (const Json& presence : (*answer)["state"].value("presences", Json::array())) {
    if (presence.value("source", "") == "hall") progress_.hall_state = presence.value("state", "");
  }
}

void Demo::show_status(Clock::time_point now) {
  if (first_message_ == Clock::time_point{} || now < status_due_) return;
  status_due_ = now + (feed_.is_terminal() ? seconds(1) : seconds(10));
  const auto answer = publish::query(fmt::format("tcp://127.0.0.1:{}", ports_.query), {{"v", 1}, {"request", "info"}}, milliseconds(300));
  if (!answer || !answer->contains("info") || !(*answer)["info"].contains("gateway")) return;
  const Json& info = (*answer)["info"];
  const auto& totals = gaps_.totals();
  feed_.status(status_line(info, {totals.events, totals.gaps}, cpu_.percent(info)), true);
}

bool Demo::is_time_to_end(Clock::time_point now) {
  if (options_.duration_seconds == 0 || now - begun_ < seconds(options_.duration_seconds)) return false;
  if (!with_plan_ || plan_.is_done()) return true;
  // Each step has its patience, so this ends too.
  if (!said_overtime_)
    feed_.line("The time is over, but the plan is not: this machine is busy. It goes on until everything planned was tried.");
  said_overtime_ = true;
  return false;
}

void Demo::stop() {
  if (gateway_) {
    feed_.status("", false);
    feed_.line("Stopping: the gateway finishes what it has begun.");
    gateway_->signal(SIGTERM);
    const auto until = Clock::now() + kStopPatience;
    const int asked = signals;
    std::optional<int> end;
    while (!(end = gateway_->ended(milliseconds(0))) && Clock::now() < until && signals < asked + 1) listen(milliseconds(50));
    if (!end) {
      faults_.push_back("the gateway did not stop in time and was killed");
      gateway_->signal(SIGKILL);
      end = gateway_->ended(seconds(5));
    }
    stopped_in_order_ = end && *end == 0;
    if (!stopped_in_order_ && end) faults_.push_back("the gateway ended with " + describe_end(*end));
    listen(milliseconds(300));
    catch_up(false);
  }
  if (simulator_ && !simulator_->ended(milliseconds(0)) && simulator_->say("quit")) simulator_->ended(seconds(5));
  simulator_.reset();
}

}  // namespace kanhu::demo
