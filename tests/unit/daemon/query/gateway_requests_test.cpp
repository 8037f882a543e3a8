// SPDX-License-Identifier: MIT
// Everything that can be asked of a gateway, about an event of every type, with odd and with mutated parameters: each is answered, and
// none costs the gateway anything.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <signal.h>
#include <zmq.hpp>

#include "base/digest.hpp"
#include "base/fault.hpp"
#include "config/load.hpp"
#include "daemon/gateway/gateway.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("kanhu-requests-" + random_id())).string();
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string config_text(const std::string& folder) {
  return "version: 1\n"
         "gateway: {id: gw, data_dir: " +
         folder + "/data, secrets_dir: " + folder +
         "/secrets, sources_per_worker: 0}\n"
         "publish: {live: \"tcp://127.0.0.1:0\", query: \"tcp://127.0.0.1:0\"}\n"
         "metrics: {listen: \"\"}\n"
         "facilities:\n"
         "  - id: f1\n"
         "    class: street_centre\n"
         "    zones: [{id: lobby}, {id: bath, private: true}]\n"
         "    cameras:\n"
         "      - {id: hall, main: {url: \"rtsp://127.0.0.1:1/x\"}, detector: {name: blazeface}, zones: [{zone: lobby}]}\n"
         "      - {id: warm, main: {url: \"rtsp://127.0.0.1:1/y\"}, detector: {name: thermal}, zones: [{zone: bath}]}\n"
         "      - {id: off, enabled: false, main: {url: \"rtsp://127.0.0.1:1/z\"}, detector: {name: none}}\n";
}

EventDraft draft_of(const std::string& type, Phase phase, const std::string& source, Json clip) {
  EventDraft draft;
  const bool of_gateway = type.starts_with("gateway.");
  draft.facility = of_gateway ? "-" : "f1";
  draft.source = of_gateway ? "-" : source;
  draft.type = type;
  draft.phase = phase;
  draft.subject = content_id({type, source, std::to_string(static_cast<int>(phase)), canonical_json(clip)});
  draft.time = SystemClock().wall();
  draft.data = {{"phase", to_string(phase)}, {"severity", "info"}};
  if (!clip.is_null()) draft.data["clip"] = std::move(clip);
  return draft;
}

// Every type, and clips of every form, also such as nobody should have written.
std::vector<EventDraft> drafts() {
  std::vector<EventDraft> all;
  for (const rules::EventType& type : rules::kEventTypes) {
    const Phase phases[] = {Phase::kStart, Phase::kUpdate, Phase::kEnd, Phase::kPoint};
    const auto* first =
        std::find_if(std::begin(phases), std::end(phases), [&](Phase each) { return rules::phase_allowed(type.name, each); });
    REQUIRE(first != std::end(phases));
    all.push_back(draft_of(std::string(type.name), *first, "hall", nullptr));
  }
  const std::string clip = content_id({"clip"});
  for (const Json& odd : {Json{{"id", clip}, {"status", "pending"}, {"start", "2026-11-26T10:41:13.120000Z"}, {"end", "x"}},
                          Json{{"status", "missing"}, {"reason", "not_recorded"}}, Json{{"id", 7}, {"status", "complete"}},
                          Json{{"id", nullptr}}, Json("a word"), Json::array({1, 2}), Json{{"id", ""}, {"reason", Json::object()}}})
    all.push_back(draft_of("face.updated", Phase::kUpdate, "hall", odd));
  all.push_back(draft_of("presence.absent", Phase::kPoint, "warm", nullptr));
  all.push_back(draft_of("presence.absent", Phase::kPoint, "gone", nullptr));
  return all;
}

// A folder with a journal of them, as an earlier gateway leaves it; their ids.
std::vector<std::string> make_journal(const std::string& folder) {
  const auto files = make_posix_file_io();
  const SystemClock clock;
  std::filesystem::create_directories(folder + "/data/journal");
  JournalConfig config;
  config.reserve_bytes = 0;
  config.segment_bytes = 1 << 20;
  auto journal = journal::Journal::open(
      *files, clock, folder + "/data/journal", config,
      [](const EventDraft& draft, const EventId& id) { return rules::event_body(draft, id, "gw", {}); }, nullptr,
      [](journal::Committed) {});
  REQUIRE(journal);
  std::vector<std::string> ids;
  for (EventDraft& draft : drafts()) ids.push_back((*journal)->accept(std::move(draft)).text());
  (*journal)->flush();
  return ids;
}

struct Running {
  Folder folder;
  std::vector<std::string> ids = make_journal(folder.path);
  std::unique_ptr<Gateway> gateway;
  std::string endpoint;

  Running() {
    // As cmd_run does: only the control thread takes signals.
    sigset_t taken;
    sigemptyset(&taken);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&taken, signal);
    ::pthread_sigmask(SIG_BLOCK, &taken, nullptr);
    const std::string path = folder.path + "/kanhu.yaml";
    std::ofstream(path) << config_text(folder.path);
    auto config = load_config(path);
    if (!config) FAIL(config.error().message);
    auto opened = Gateway::open(std::make_shared<const Config>(std::move(*config)), path);
    if (!opened) FAIL(opened.error().message);
    gateway = std::move(*opened);
    std::ifstream file(folder.path + "/data/endpoints.json");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    endpoint = parse_json(text)->at("query").get<std::string>();
  }

  // The answer to `request`; what is told to come again comes again.
  Json ask(const Json& request) {
    for (;;) {
      auto given = publish::query_bytes(endpoint, request, 30s);
      INFO(request.dump());
      REQUIRE(given);
      const Json error = given->json.value("error", Json::object());
      const double wait_s = error.value("retry_after_s", 0.0);
      if (wait_s <= 0) return given->json;
      std::this_thread::sleep_for(std::chrono::duration<double>(wait_s));
    }
  }
};

bool well_formed(const Json& answer) {
  if (!answer.is_object() || answer.value("v", 0) != 1 || !answer.contains("ok") || !answer["ok"].is_boolean()) return false;
  if (answer["ok"] == true) return true;
  return answer.contains("error") && answer["error"].is_object() && answer["error"].value("kind", "internal") != "internal";
}

std::size_t faults_so_far() {
  std::size_t sum = 0;
  for (const faults::Count& each : faults::counts()) sum += each.times;
  return sum;
}

const std::vector<Json>& odd_values() {
  static const std::vector<Json> values{nullptr,
                                        true,
                                        false,
                                        0,
                                        1,
                                        -1,
                                        7.5,
                                        1e300,
                                        std::int64_t{1} << 53,
                                        UINT64_MAX,
                                        INT64_MIN,
                                        "",
                                        "-",
                                        "*",
                                        "f1",
                                        "hall",
                                        "../../etc/passwd",
                                        std::string(3, '\0'),
                                        std::string(5'000, 'a'),
                                        "门",
                                        "\xf0\x9f\x98\x80",
                                        Json::array(),
                                        Json::array({nullptr}),
                                        Json::object(),
                                        Json::array({Json::array({Json::array()})}),
                                        Json{{"id", Json::object()}},
                                        std::string(32, '0') + ":1",
                                        std::string(32, 'f') + ":9007199254740991",
                                        std::string(32, '0') + ":0",
                                        std::string(32, 'g') + ":1"};
  return values;
}

}  // namespace

TEST_CASE("whatever is asked about an event of whatever type is answered, and nothing fails inside") {
  Running running;
  const std::size_t before = faults_so_far();
  for (const std::string& id : running.ids) {
    const Json answer = running.ask({{"v", 1}, {"request", "picture"}, {"event", id}});
    INFO(id << ": " << answer.dump());
    CHECK(well_formed(answer));
    CHECK(answer["ok"] == false);  // no camera gives a picture here
  }
  // One of each in this gateway's own epoch: `state` knows what it restored.
  const Json page = running.ask({{"v", 1}, {"request", "fetch"}});
  REQUIRE(well_formed(page));
  CHECK(page["events"].size() > running.ids.size() / 2);
  for (const char* request : {"state", "info", "look"}) CHECK(well_formed(running.ask({{"v", 1}, {"request", request}})));
  CHECK(faults_so_far() == before);
}

TEST_CASE("no request, however mutated, goes without an answer or ends anything") {
  Running running;
  const std::size_t before = faults_so_far();
  std::mt19937 random(20261130);
  const auto pick = [&](const auto& all) { return all[random() % all.size()]; };
  const std::vector<std::string> names{"state", "info", "look", "fetch", "picture", "clip", "", "picture ", "act"};
  const std::vector<std::string> members{"camera", "event",      "max_width", "id",      "offset", "length", "part",    "source", "epoch",
                                         "after",  "max_events", "max_bytes", "streams", "types",  "v",      "request", "unknown"};
  zmq::context_t context(1);
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::rcvtimeo, 30'000);
  socket.set(zmq::sockopt::linger, 0);
  socket.connect(running.endpoint);
  for (int i = 0; i < 1'500; ++i) {
    Json request{{"v", 1}, {"request", pick(names)}};
    for (std::size_t more = random() % 4; more > 0; --more) request[pick(members)] = pick(odd_values());
    std::string text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (random() % 8 == 0) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 16 == 0) text.resize(random() % text.size());
    INFO(i << ": " << text);
    REQUIRE(socket.send(zmq::buffer(text), zmq::send_flags::none));
    zmq::message_t frame;
    REQUIRE(socket.recv(frame));
    const auto answer = parse_json(frame.to_string_view(), 8u << 20, 32);
    REQUIRE(answer);
    CHECK(well_formed(*answer));
    while (frame.more()) REQUIRE(socket.recv(frame));
  }
  CHECK(faults_so_far() == before);
  CHECK(running.ask({{"v", 1}, {"request", "state"}})["ok"] == true);
}

}  // namespace kanhu
