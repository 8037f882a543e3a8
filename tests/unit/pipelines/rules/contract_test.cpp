// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "pipelines/rules/access_events.hpp"
#include "pipelines/rules/gateway_events.hpp"
#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {

namespace {

// Anything a camera may say, in any order, with workers dying and clips answered or not.
void anything(Bench& bench, std::uint32_t seed, int steps, bool to_the_end = true) {
  std::mt19937 random(seed);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<std::uint32_t>(n)); };
  const std::vector<std::string> ids{"c1", "c2", "c3"};
  const std::vector<std::string> reasons{"warm_up", "frozen", "too_warm", "starting"};
  double s = 1;
  for (int i = 0; i < steps; ++i) {
    s += pick(40) / 10.0;
    const std::string& id = ids[static_cast<std::size_t>(pick(3))];
    const double skew = pick(30) == 0 ? -20 : 0;
    switch (pick(14)) {
      case 0:
        bench.down(id, s + skew, pick(2) == 0 ? ErrorKind::kStalled : ErrorKind::kRefused);
        break;
      case 1:
      case 2:
        bench.up(id, s + skew);
        break;
      case 3:
      case 4:
        bench.face(id, s, Phase::kStart, static_cast<std::uint64_t>(1 + pick(3)), 0.6 + pick(40) / 100.0);
        break;
      case 5:
        bench.face(id, s, Phase::kUpdate, static_cast<std::uint64_t>(1 + pick(3)), 0.6 + pick(40) / 100.0, pick(2) == 0 ? "hall" : "");
        bench.identity(id, s, static_cast<std::uint64_t>(1 + pick(3)), static_cast<IdentityDecision>(pick(3)));
        break;
      case 6:
        bench.face(id, s + skew, Phase::kEnd, static_cast<std::uint64_t>(1 + pick(3)));
        break;
      case 7:
        bench.presence(id, s, Presence::kPresent, 1 + pick(3));
        break;
      case 8:
        bench.presence(id, s, Presence::kAbsent);
        break;
      case 9:
        bench.presence(id, s, Presence::kUnknown, 0, reasons[static_cast<std::size_t>(pick(4))]);
        break;
      case 11:
        bench.see(id, s, ThermalObservation{{ThermalKind::kRelative, 2, 2, 0, 5, {1, 2, 3, static_cast<std::uint8_t>(pick(9))}}, {}, {}});
        break;
      case 12:
        bench.see(id, s, ContactObservation{pick(2) == 0});
        break;
      case 10: {
        HealthObservation health = Bench::health(Truth::kTrue, Truth::kTrue, Truth::kTrue, pick(2) == 0 ? Truth::kFalse : Truth::kTrue);
        health.dark = pick(3) == 0;
        bench.see(id, s, health);
      } break;
      default:
        if (pick(6) == 0) {
          bench.rules.worker_lost({id}, at(s), "killed");
          bench.runs[id] = "run-" + std::to_string(i);
        } else if (!bench.record.requests.empty() && pick(2) == 0) {
          ClipRecord record;
          record.clip = bench.record.requests[static_cast<std::size_t>(pick(static_cast<int>(bench.record.requests.size())))].clip;
          record.status = pick(2) == 0 ? ClipStatus::kComplete : ClipStatus::kMissing;
          record.reason = record.status == ClipStatus::kMissing ? "disk_full" : "";
          record.from = at(s - 5);
          record.to = at(s);
          bench.rules.clip(record, at(s));
        }
        break;
    }
    bench.rules.advance(at(s));
  }
  if (!to_the_end) return;
  bench.rules.finish(at(s + 1), "gateway_stopped");
  for (int i = 0; i < 120; ++i) bench.rules.advance(at(s + 1 + i));
}

ConfigPtr three() {
  const std::vector<std::string> on{"face.appeared", "presence.started", "camera.offline", "presence.absent"};
  CameraConfig silent = camera("c3", on);
  silent.record.reset();
  CameraConfig first = camera("c1", on);
  first.faces.recognize = true;
  return config({facility("f1", {first, camera("c2", on)}), facility("f2", {silent})});
}

void check_contract(const Record& record) {
  struct Life {
    WallTime start{};
    std::optional<WallTime> update;
    bool ended = false;
  };
  std::map<std::string, Life> lives;
  std::map<std::string, std::string> clips;  // subject -> status
  for (const EventDraft& event : record.events) {
    INFO(event.type << " " << to_string(event.phase) << " " << event.subject);
    REQUIRE(phase_allowed(event.type, event.phase));
    REQUIRE(event.subject.size() == 26);
    if (event.data.contains("clip")) {
      const std::string status = event.data["clip"]["status"];
      if (event.type == "clip.updated" || event.phase == Phase::kStart || event.phase == Phase::kPoint) clips[event.subject] = status;
    }
    if (event.phase == Phase::kStart) {
      REQUIRE(lives.count(event.subject) == 0);
      lives[event.subject].start = event.time;
    } else if (event.phase == Phase::kUpdate) {
      Life& life = lives.at(event.subject);
      REQUIRE_FALSE(life.ended);
      const WallTime said = *parse_utc(event.data["times"]["decided"].get<std::string>());
      if (life.update) REQUIRE(said - *life.update >= seconds(5));
      life.update = said;
    } else if (event.phase == Phase::kEnd) {
      Life& life = lives.at(event.subject);
      REQUIRE_FALSE(life.ended);
      REQUIRE(event.time >= life.start);
      REQUIRE(event.data.contains("end_reason"));
      life.ended = true;
    }
  }
  for (const auto& [subject, life] : lives) REQUIRE(life.ended);
  for (const auto& [subject, status] : clips) REQUIRE(status != "pending");
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("whatever cameras say, starts and ends pair, updates are apart and every clip gets a final status") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Bench bench(three());
    anything(bench, seed, 400);
    REQUIRE(bench.record.events.size() > 50);
    check_contract(bench.record);
  }
}

TEST_CASE("the same calls give the same bytes") {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    Bench one(three());
    Bench two(three());
    anything(one, seed, 400);
    anything(two, seed, 400);
    REQUIRE(bodies(one.record) == bodies(two.record));
    REQUIRE(one.rules.state() == two.rules.state());
  }
}

TEST_CASE("a crash at any moment leaves every start with exactly one end and every clip with a last word") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Bench crashed(three());
    anything(crashed, seed, 20 + static_cast<int>(seed) * 7, false);
    Record whole = crashed.record;
    Rules rules(three(), whole);
    const WallTime again = at(1000 + seed);
    rules.restore(crashed.rules.open_incidents(), again);
    for (const ClipRequest& each : rules.pending_clips()) {
      ClipRecord record;
      record.clip = each.clip;
      record.status = ClipStatus::kMissing;
      record.reason = "gateway_restarted";
      rules.clip(record, again);
    }
    REQUIRE(rules.open_incidents().empty());
    check_contract(whole);
  }
}

TEST_CASE("an end claims that all is well again only for a reason that says so, whichever way the incident ended") {
  const auto check = [](const Record& record) {
    for (const EventDraft& event : record.events) {
      if (event.phase != Phase::kEnd) continue;
      const IncidentKind* kind = find_kind_of_type(event.type);
      REQUIRE(kind != nullptr);
      const std::string reason = event.data["end_reason"];
      INFO(event.type << " " << reason);
      REQUIRE(event.type == end_type(*kind, reason));
      if (kind->start != kind->end) REQUIRE((event.type == kind->end) == is_earned(*kind, reason));
      if (event.type == "presence.started") REQUIRE(event.data["state"] == "unknown");
    }
  };
  std::set<std::string> stopped, restarted;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Bench bench(three());
    anything(bench, seed, 120, false);
    Record again;
    Rules rules(three(), again);
    rules.restore(bench.rules.open_incidents(), at(2000));
    check(again);
    for (const EventDraft& event : again.events) restarted.insert(event.type);
    const std::size_t before = bench.record.events.size();
    bench.rules.finish(at(2000), "gateway_stopped");
    check(bench.record);
    for (std::size_t i = before; i < bench.record.events.size(); ++i) stopped.insert(bench.record.events[i].type);
  }
  for (const IncidentKind& kind : kIncidentKinds) {
    if (kind.start == kind.end || kind.start == "gateway.started") continue;
    INFO(kind.start);
    CHECK(stopped.count(std::string(kind.start)) == 1);
    CHECK(restarted.count(std::string(kind.start)) == 1);
    CHECK(stopped.count(std::string(kind.end)) == 0);
    CHECK(restarted.count(std::string(kind.end)) == 0);
  }
}

TEST_CASE("bodies are canonical, complete and at most 2 KiB, however long the names") {
  FacilityConfig wide = facility("f1", {camera("c1"), camera("c2")});
  wide.name = std::string(3000, 'x');
  for (CameraConfig& each : wide.cameras) each.name = std::string(1500, '\x01');
  Bench bench(config({wide}));
  bench.down("c1", 1, ErrorKind::kCorrupt, std::string(5000, '"'));
  bench.down("c2", 2);
  bench.face("c1", 3, Phase::kStart, 1);
  bench.up("c1", 4);
  bench.face("c1", 5, Phase::kStart, 2);
  for (const std::string& body : bodies(bench.record)) {
    REQUIRE(body.size() <= 2048);
    const auto parsed = parse_json(body);
    REQUIRE(parsed.has_value());
    REQUIRE(canonical_json(*parsed) == body);
    REQUIRE((*parsed)["specversion"] == "1.0");
    REQUIRE((*parsed)["data"]["provenance"]["config"] == to_hex(sha256("config")));
    REQUIRE_FALSE((*parsed)["data"]["provenance"].contains("gallery"));
  }
}

TEST_CASE("a clip of many parts and a site of many cameras fit an event") {
  std::vector<CameraConfig> many;
  for (int i = 0; i < 64; ++i) many.push_back(camera("camera-with-a-long-id-" + std::to_string(1000 + i), {"camera.offline"}));
  Bench bench(config({facility("f1", many)}));
  for (const CameraConfig& each : many) bench.down(each.id, 1);
  REQUIRE(bench.record.count("site.offline") == 1);
  ClipRecord record;
  record.clip = bench.record.requests.at(0).clip;
  record.status = ClipStatus::kPartial;
  record.reason = "format_changed";
  for (int i = 0; i < 40; ++i) {
    record.parts.push_back("facility/2026/09/21/" + record.clip + "." + std::to_string(i) + ".mp4");
    record.sha256.push_back(to_hex(sha256(record.parts.back())));
  }
  bench.rules.clip(record, at(10));
  CHECK(bench.record.last("clip.updated").data["clip"]["parts"] == 40);
  for (const std::string& body : bodies(bench.record)) REQUIRE(body.size() <= 2048);
}

TEST_CASE("the gateway's own events keep the table and its start is open until its end") {
  Record record;
  const std::string subject = gateway_subject("gw1", random_id());
  record.emit(gateway_started(subject, at(0), 2, 6));
  record.emit(gateway_config_changed("gw1", at(1), ConfigChange{"a", "b", 1, 2, 3}));
  record.emit(gateway_config_rejected("gw1", at(2), "a", Error{ErrorKind::kInvalidConfig, "kanhu.yaml:3:5: unknown key"}));
  record.emit(gateway_worker_restarted("gw1", at(3), {"c1", "c2"}, "killed by signal 9"));
  record.emit(gateway_journal_damaged("gw1", at(4), "00000001.seg", "chain hash differs"));
  record.emit(gateway_loss("gw1", at(5), "observations", 12, "queue full"));
  record.emit(gateway_journal_rewound("gw1", at(5), {std::string(32, 'a'), 977, 0}, {std::string(32, 'b'), 41, 0}));
  record.emit(gateway_events_lost("gw1", at(5), std::string(32, 'a'), 10'002, 10'102, 101, {{"f1", {5'001, 5'050}}}, "queue_full"));
  CHECK(record.events.back().data["events"]["streams"]["f1"]["to"] == 5'050);
  record.emit(gateway_events_lost("gw1", at(5), std::string(32, 'a'), 10'103, 0, 0, {}, "never_durable"));
  CHECK(record.events.back().data["events"]["to"] == 0);
  const ConfigPtr made = three();
  Rules rules(made, record);
  rules.note(record.events[0]);
  const Json open = rules.open_incidents();
  REQUIRE(open.size() == 1);
  Record after;
  Rules restarted(made, after);
  restarted.restore(open, at(9));
  REQUIRE(after.types() == Types{"gateway.started/end"});
  CHECK(after.events[0].subject == subject);
  record.emit(gateway_stopped(subject, at(0), at(6), "gateway_stopped"));
  rules.note(record.events.back());
  CHECK(rules.open_incidents().empty());
  for (const EventDraft& each : record.events) CHECK(phase_allowed(each.type, each.phase));
  for (const std::string& body : bodies(record)) CHECK(canonical_json(Json::parse(body)) == body);
}

TEST_CASE("the document's table of types is the code's") {
  const std::string page = read(KANHU_SOURCE_DIR "/docs/events.md");
  for (const EventType& type : kEventTypes) {
    std::string phases;
    for (const char letter : type.phases) {
      if (!phases.empty()) phases += "\\|";
      phases += letter == 's' ? "start" : letter == 'u' ? "update" : letter == 'e' ? "end" : "point";
    }
    const std::string row = "| `" + std::string(type.name) + "` | " + phases + " | " + to_string(type.severity) + " |";
    INFO(row);
    CHECK(page.find(row) != std::string::npos);
  }
}

TEST_CASE("a corpus of events and states is written for the schema test") {
  const char* folder = std::getenv("KANHU_EVENT_CORPUS");
  if (folder == nullptr) {
    SUCCEED("KANHU_EVENT_CORPUS is not set");
    return;
  }
  std::ofstream events(std::string(folder) + "/events.jsonl");
  std::ofstream states(std::string(folder) + "/states.jsonl");
  for (std::uint32_t seed = 100; seed < 106; ++seed) {
    Bench bench(three());
    states << canonical_json(bench.rules.state()) << "\n";
    bench.up("c1", -100);
    for (int i = 0; i < 10; ++i) {
      bench.face("c1", 2 * i - 99, Phase::kStart, static_cast<std::uint64_t>(100 + i));
      bench.face("c1", 2 * i - 98, Phase::kEnd, static_cast<std::uint64_t>(100 + i));
    }
    for (int i = 0; i < 15; ++i) {
      bench.see("c1", i - 75, ThermalObservation{{ThermalKind::kRadiometric, 2, 2, 2000, 5, {1, 2, 3, 4}}, {}, {}});
      bench.presence("c1", i - 75, Presence::kUnknown, 0, "too_warm");
    }
    bench.see("c1", -60, ContactObservation{true});
    bench.presence("c1", -59, Presence::kAbsent);
    bench.see("c1", -58, ContactObservation{false});
    for (int i = 0; i < 64; ++i) bench.see("c1", i * 0.01 - 57, ContactObservation{i % 2 == 0});
    anything(bench, seed, 300);
    const Access picture{
        "dashboard", "picture", "f1",  "c1", "0123456789abcdef0123456789abcdef:7", content_id({"clip"}), to_hex(sha256("jpeg")),
        81'234,      0,         at(-1)};
    bench.record.emit(access_given(*three(), picture, at(0)));
    bench.record.emit(
        access_given(*three(), {"", "clip", "f2", "c3", "", content_id({"clip"}), to_hex(sha256("part")), 1'000'000, 2, {}}, at(0)));
    bench.record.emit(access_given(*three(), {"", "look", "f1", "c1", "", "", "", 0, 0, {}}, at(0)));
    bench.record.emit(access_refused(*three(), {"dashboard", "clip", "-", "-", "", "", "", 0, 0, {}}, at(0), "the right is not given"));
    bench.record.emit(gateway_started(gateway_subject("gw1", "run"), at(0), 2, 6));
    bench.record.emit(gateway_config_changed("gw1", at(1), ConfigChange{"a", "b", 1, 2, 3}));
    bench.record.emit(gateway_config_rejected("gw1", at(2), "a", Error{ErrorKind::kInvalidConfig, "kanhu.yaml:3:5: unknown key"}));
    bench.record.emit(gateway_worker_restarted("gw1", at(3), {"c1", "c2"}, "killed by signal 9"));
    bench.record.emit(gateway_gallery_changed("gw1", at(4), "f1", 7, to_hex(sha256("gallery")), 40));
    bench.record.emit(gateway_gallery_rejected("gw1", at(4), "f1", "", Error{ErrorKind::kCorrupt, "f1.gallery: cut off"}));
    bench.record.emit(gateway_journal_damaged("gw1", at(4), "00000001.seg", "chain hash differs"));
    bench.record.emit(gateway_loss("gw1", at(5), "observations", 12, "queue full"));
    bench.record.emit(gateway_fault("gw1", at(5), "rules", 3, "std::bad_alloc"));
    bench.record.emit(gateway_journal_rewound("gw1", at(5), {std::string(32, 'a'), 977, 0}, {std::string(32, 'b'), 41, 0}));
    bench.record.emit(gateway_journal_rewound("gw1", at(5), {std::string(32, 'a'), 977, 0}, {}));
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> many;
    for (int i = 0; i < 40; ++i) many["a-facility-with-a-name-so-long-" + std::to_string(i)] = {1'000'000'000'001, 1'000'000'000'002};
    bench.record.emit(gateway_events_lost("gw1", at(5), std::string(32, 'a'), 10'002, 10'102, 101, many, "queue_full"));
    bench.record.emit(gateway_stopped(gateway_subject("gw1", "run"), at(0), at(6), "gateway_stopped"));
    for (const std::string& body : bodies(bench.record)) events << body << "\n";
    bench.down("c1", 5000);
    bench.presence("c2", 5001, Presence::kPresent, 1);
    states << canonical_json(bench.rules.state()) << "\n";
  }
  CHECK(events.good());
  CHECK(states.good());
}

}  // namespace kanhu::rules::test
