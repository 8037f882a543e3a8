// SPDX-License-Identifier: MIT
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "pipelines/relay/channel.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu::relay {
namespace {

template <typename T>
T round_trip(const T& message) {
  auto back = decode(encode(message));
  REQUIRE(back);
  REQUIRE(std::holds_alternative<T>(*back));
  return std::get<T>(*back);
}

Observation presence() {
  Observation observation;
  observation.source = "entrance";
  observation.run = "00ff";
  observation.time = wall_from_microseconds(1'790'000'000'123'456);
  observation.clock = ClockSource::kRtcp;
  observation.clock_offset = std::chrono::microseconds(-31'000);
  observation.arrived = observation.time + std::chrono::microseconds(31'000);
  observation.clock_uncertainty = std::chrono::microseconds(500);
  observation.pts = MediaTime(std::chrono::nanoseconds(12'345'678'901));
  observation.ordinal = 7;
  observation.arrival = MonoTime(std::chrono::nanoseconds(99));
  observation.models = "abc";
  observation.body = PresenceObservation{"lobby", Presence::kPresent, "", 2, 0.8125, 0.6, 1.0, "face"};
  return observation;
}

TEST_CASE("what a worker says of its work, of an answer and what it may read keep every word") {
  const auto stats = round_trip(WorkerReport{7, false, {{"hall", false, 3100}, {"yard", true, 12'000}}, 41});
  CHECK(stats.handled == 41);
  REQUIRE(stats.at_work.size() == 2);
  CHECK(stats.at_work[0].camera == "hall");
  CHECK(stats.at_work[1].closing);
  CHECK(stats.at_work[1].processor_ms == 12'000);
  CHECK_FALSE(decode(encode(WorkerReport{7, false, std::vector<WorkerReport::AtWork>(kMostAtWork + 1), 0})));
  CHECK(round_trip(SourceConnected{"hall", StreamRole::kSub}).role == StreamRole::kSub);
  Setup setup;
  setup.files = {"/srv/\xff\xfe.mp4", "/dev/video0"};
  CHECK(round_trip(setup).files == setup.files);
}

TEST_CASE("an observation of each kind crosses the socket unchanged") {
  Observation sent = presence();
  SECTION("presence") {
    const auto got = round_trip(Observed{sent}).observation;
    CHECK(got.source == sent.source);
    CHECK(got.time == sent.time);
    CHECK(got.clock == sent.clock);
    CHECK(got.clock_offset == sent.clock_offset);
    CHECK(got.arrived == sent.arrived);
    CHECK(got.pts == sent.pts);
    CHECK(got.arrival == sent.arrival);
    const auto& body = std::get<PresenceObservation>(got.body);
    CHECK(body.zone == "lobby");
    CHECK(body.state == Presence::kPresent);
    CHECK(body.score == 0.8125);
    CHECK(body.count == 2);
  }
  SECTION("health") {
    HealthObservation health;
    health.set(HealthFact::kConnected, Truth::kFalse);
    health.error = ErrorKind::kUnauthorized;
    health.cause = "wrong user or password";
    health.last_packet = wall_from_microseconds(5);
    sent.body = health;
    CHECK(std::get<HealthObservation>(round_trip(Observed{sent}).observation.body) == health);
  }
  SECTION("track") {
    TrackObservation track;
    track.phase = Phase::kEnd;
    track.id = 3;
    track.box = {0.1, 0.2, 0.3, 0.4};
    track.score = 1.0 / 3;
    track.end_reason = "left";
    sent.body = track;
    const auto got = std::get<TrackObservation>(round_trip(Observed{sent}).observation.body);
    CHECK(got.phase == Phase::kEnd);
    CHECK(got.box == track.box);
    CHECK(got.score == track.score);
    CHECK(got.end_reason == "left");
  }
  SECTION("track with figures of its face") {
    TrackObservation track;
    track.quality = FaceQuality{41.5, 0.5, -12, 3, 1, 120, 40, 0.25, 0.75};
    track.is_static = true;
    sent.body = track;
    const auto got = std::get<TrackObservation>(round_trip(Observed{sent}).observation.body);
    CHECK(got.quality == track.quality);
    CHECK(got.is_static);
  }
  SECTION("face") {
    FaceShotObservation shot{3, {0.1, 0.2, 0.3, 0.4}, {60, 0.9, 0, 0, 0, 128, 50, 0, 0.9}, {}, "digest"};
    for (int i = 0; i < 512; ++i) shot.embedding.push_back(std::sin(static_cast<float>(i)) / 23);
    sent.body = shot;
    const auto got = std::get<FaceShotObservation>(round_trip(Observed{sent}).observation.body);
    CHECK(got.track == 3);
    CHECK(got.box == shot.box);
    CHECK(got.quality == shot.quality);
    CHECK(got.embedding == shot.embedding);
    CHECK(got.embedder == "digest");
  }
  SECTION("contact") {
    sent.body = ContactObservation{true};
    CHECK(std::get<ContactObservation>(round_trip(Observed{sent}).observation.body).open);
  }
  SECTION("tick") {
    sent.body = TickObservation{};
    CHECK(std::holds_alternative<TickObservation>(round_trip(Observed{sent}).observation.body));
  }
}

TEST_CASE("a worker can say neither who somebody is nor send a face of any size") {
  Observation sent = presence();
  sent.body = IdentityObservation{1, IdentityDecision::kRecognized, "", "somebody", 1, 0, 1, 5, 1, "", ""};
  CHECK_FALSE(decode(encode(Observed{sent})));
  FaceShotObservation shot;
  shot.embedding.assign(2049, 0.25F);
  sent.body = shot;
  CHECK_FALSE(decode(encode(Observed{sent})));
}

TEST_CASE("statistics with full histograms fit into one message") {
  CameraReport stats;
  stats.camera = std::string(32, 'c');
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) stats.wait.add(std::chrono::nanoseconds(random() % 70'000'000'000));
  stats.work = stats.wait;
  stats.packets = 1ull << 52;
  REQUIRE(encode(stats).size() < kLargestMessage);
  const auto got = round_trip(stats);
  CHECK(got.packets == stats.packets);
  CHECK(got.wait.count() == stats.wait.count());
  CHECK(got.wait.quantile(0.99) == stats.wait.quantile(0.99));
}

TEST_CASE("credentials reach the worker whatever characters they hold") {
  Assign assign;
  assign.camera.id = "office";
  assign.credentials["c"] = {"us:er", Secret("p@ss:/% \"\\ 密码")};
  const auto got = round_trip(assign);
  CHECK(got.credentials.at("c").password == assign.credentials.at("c").password);
  CHECK(got.camera == assign.camera);
  CHECK_FALSE(got.is_private);
  assign.is_private = true;
  CHECK(round_trip(assign).is_private);
  assign.file_digest = "0a";
  CHECK(round_trip(assign).file_digest == "0a");
}

TEST_CASE("a command's task and the parts of its answer cross the socket, and no part is larger than a message") {
  CHECK(round_trip(Task{std::string(kMostTaskBytes, '"')}).body.size() == kMostTaskBytes);
  CHECK(encode(Task{std::string(kMostTaskBytes, '"')}).size() < kLargestMessage);
  TaskPart part{100'000, 45'000, std::string(kMostPartBytes, '\xff')};
  CHECK(encode(part).size() < kLargestMessage);
  const auto got = round_trip(part);
  CHECK(got.total == part.total);
  CHECK(got.offset == part.offset);
  CHECK(got.bytes == part.bytes);
  part.bytes += 'x';
  CHECK_FALSE(decode(encode(part)));
  CHECK(round_trip(TaskFailed{{ErrorKind::kUnsupported, "no"}}).why.kind == ErrorKind::kUnsupported);
  CHECK(round_trip(TaskMoved{7}).steps == 7);
  Setup setup;
  setup.files = {"/tmp/\xe9t\xe9.jpg", "/b"};
  CHECK(round_trip(setup).files == setup.files);
}

TEST_CASE("a sensor's message crosses the socket whatever its bytes are, and no part is larger than a message") {
  SensorMessage message;
  message.broker = "b";
  message.topic = "kanhu/f1/array";
  message.bytes = std::string(kMostPartBytes, '\xff');
  message.is_last = false;
  message.payload = 256 * 1024;
  message.retained = true;
  message.mono = MonoTime(std::chrono::nanoseconds(123'456'789));
  message.wall = wall_from_microseconds(1'790'000'000'123'456);
  message.messages = 7;
  message.total_bytes = 1ull << 52;
  message.overtaken = 3;
  REQUIRE(encode(message).size() < kLargestMessage);
  const auto got = round_trip(message);
  CHECK(got.bytes == message.bytes);
  CHECK(got.topic == message.topic);
  CHECK_FALSE(got.is_last);
  CHECK(got.payload == message.payload);
  CHECK(got.retained);
  CHECK(got.mono == message.mono);
  CHECK(got.wall == message.wall);
  CHECK(got.messages == 7);
  CHECK(got.total_bytes == message.total_bytes);
  CHECK(got.overtaken == 3);
  CHECK_FALSE(round_trip(BrokerState{"b", "", std::nullopt}).why);
  CHECK(round_trip(BrokerState{"b", "t", Error{ErrorKind::kUnauthorized, "no"}}).why->kind == ErrorKind::kUnauthorized);
  CHECK(round_trip(SensorsRound{9}).number == 9);
}

TEST_CASE("bytes that are no message are named corrupt and never throw") {
  for (const char* bytes : {"", "{", "[]", "{}", R"({"is":"nonsense"})", R"({"is":"observed"})", R"({"is":"open","camera":"a","role":7})",
                            R"({"is":"worker_stats","progress":-1,"idle":"no"})"}) {
    auto got = decode(bytes);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == ErrorKind::kCorrupt);
  }
  std::mt19937 random(7);
  const std::string good = encode(Observed{presence()});
  for (int round = 0; round < 5000; ++round) {
    std::string bad = good;
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) bad[random() % bad.size()] = static_cast<char>(random());
    (void)decode(bad);
  }
}

TEST_CASE("the death of one end is seen as end of file by the other") {
  auto pair = Channel::make_pair();
  REQUIRE(pair);
  auto& [ours, theirs] = *pair;
  REQUIRE(theirs->send(Hello{kSchema, "1.2.3"}));
  theirs.reset();
  auto hello = ours->receive();
  REQUIRE(hello);
  CHECK(std::get<Hello>(*hello).build == "1.2.3");
  auto end = ours->receive();
  REQUIRE_FALSE(end);
  CHECK(end.error().kind == ErrorKind::kClosed);
  CHECK(ours->send(Drain{}).error().kind == ErrorKind::kClosed);
}

TEST_CASE("what may be left out is left out when the other end does not read") {
  auto pair = Channel::make_pair();
  REQUIRE(pair);
  Result<void> sent;
  for (int i = 0; i < 100'000 && sent; ++i) sent = pair->first->try_send(LogLine{1, "test", std::string(1000, 'x')});
  REQUIRE_FALSE(sent);
  CHECK(sent.error().kind == ErrorKind::kTimeout);
  CHECK(pair->second->receive());
}

TEST_CASE("a picture is asked for and comes in parts that fit a message") {
  const AskPicture ask{0xfedcba9876543210ull, "hall", 640, "fuxing/2026/11/26/abc", wall_from_microseconds(1'790'000'000'123'456),
                       ClockSource::kRtcp};
  const auto asked = round_trip(ask);
  CHECK(asked.id == ask.id);
  CHECK(asked.camera == ask.camera);
  CHECK(asked.max_width == 640);
  CHECK(asked.clip == ask.clip);
  CHECK(asked.at == ask.at);
  CHECK(asked.clock == ClockSource::kRtcp);

  PicturePart part;
  part.id = ask.id;
  part.captured = wall_from_microseconds(5);
  part.arrival = wall_from_microseconds(6);
  part.width = 4096;
  part.height = 2304;
  part.total = 4u << 20;
  part.offset = (4u << 20) - kMostPartBytes;
  for (std::size_t i = 0; i < kMostPartBytes; ++i) part.bytes.push_back(static_cast<char>(i * 7));
  CHECK(encode(part).size() <= kLargestMessage);
  const auto got = round_trip(part);
  CHECK(got.bytes == part.bytes);
  CHECK(got.total == part.total);
  CHECK(got.offset == part.offset);
  CHECK(got.captured == part.captured);
  CHECK(got.arrival == part.arrival);

  const auto failed = round_trip(PictureFailed{ask.id, {ErrorKind::kNoKeyFrame, "not yet"}});
  CHECK(failed.id == ask.id);
  CHECK(failed.why.kind == ErrorKind::kNoKeyFrame);
  CHECK(failed.why.message == "not yet");
}

TEST_CASE("a picture's part that cannot be is refused") {
  PicturePart part;
  part.bytes = "x";
  Json json = Json::parse(encode(part));
  REQUIRE(decode(json.dump()));
  for (const Json& wrong : {Json(""), Json("?"), Json("eA"), Json(7), Json(std::string(60'004, 'A'))}) {
    json["bytes"] = wrong;
    CHECK_FALSE(decode(json.dump()));
  }
  json["bytes"] = "eA==";
  for (const char* key : {"id", "total", "offset", "width", "captured"}) {
    Json spoiled = json;
    spoiled[key] = "7";
    CHECK_FALSE(decode(spoiled.dump()));
    spoiled.erase(key);
    CHECK_FALSE(decode(spoiled.dump()));
  }
}

}  // namespace
}  // namespace kanhu::relay
