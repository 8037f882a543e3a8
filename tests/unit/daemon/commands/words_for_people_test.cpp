// SPDX-License-Identifier: MIT
// What people and Prometheus read: the feed, the status line, the metrics, the counters behind them.
#include <catch2/catch.hpp>

#include "daemon/commands/watch/feed.hpp"
#include "daemon/http/metrics_server.hpp"
#include "daemon/http/metrics_text.hpp"
#include "daemon/query/camera_stats.hpp"
#include "pipelines/publish/client/answer.hpp"

namespace kanhu {
namespace {

Json face_event() {
  return {{"time", "2026-11-24T03:12:24.512345Z"},
          {"type", "kanhu.face.appeared"},
          {"data",
           {{"phase", "start"},
            {"severity", "info"},
            {"facility", {{"id", "fuxing"}}},
            {"camera", {{"id", "entrance"}}},
            {"zone", "lobby"},
            {"score", 0.9312},
            {"clip", {{"id", "csztl2f2aaaaaaaaaaaaaaaaaa"}, {"status", "pending"}}}}}};
}

TEST_CASE("a line of the feed says where, what and the clip, without colour unless asked") {
  const std::string line = feed_line(face_event(), false);
  CHECK_THAT(line, Catch::Contains("fuxing/entrance") && Catch::Contains("face.appeared") && Catch::Contains("zone lobby") &&
                       Catch::Contains("score 0.93") && Catch::Contains("clip csztl2f2 pending"));
  CHECK(line.find('\033') == std::string::npos);
  CHECK(feed_line(face_event(), true).find("\033[32m") != std::string::npos);
}

TEST_CASE("whatever answers a command, it gets words and no exception") {
  const auto error = [](const char* text) { return publish::error_of_answer(parse_json(text, 4096, 32).value(), "tcp://127.0.0.1:5557"); };
  CHECK_FALSE(error(R"({"ok":true})"));
  for (const char* foreign :
       {"null", "7", "[]", R"("ok")", "{}", R"({"ok":null})", R"({"ok":"true"})", R"({"ok":1})", R"({"okay":true})"}) {
    CAPTURE(foreign);
    REQUIRE(error(foreign));
    CHECK(error(foreign)->message.find("no answer of Kanhu") != std::string::npos);
  }
  for (const char* vague : {R"({"ok":false})", R"({"ok":false,"error":7})", R"({"ok":false,"error":{"kind":[],"message":{}}})"}) {
    CAPTURE(vague);
    REQUIRE(error(vague));
    CHECK(error(vague)->message == "the gateway answers with an error");
  }
  const auto told = error(R"({"ok":false,"error":{"kind":"not_found","message":"no such\u001b[31m clip"}})");
  REQUIRE(told);
  CHECK(told->kind == ErrorKind::kNotFound);
  CHECK(told->message.find('\033') == std::string::npos);
}

TEST_CASE("a line of the feed says whose face it is, in the opaque ref") {
  Json event = face_event();
  event["data"]["person"] = {{"decision", "recognized"}, {"person_ref", "jj5ohnsjy7t7v7s4zefs5ca3fz"}};
  CHECK_THAT(feed_line(event, false), Catch::Contains(", recognized jj5ohnsj,"));
  event["data"]["person"] = {{"decision", "uncertain"}, {"reason", "near_threshold"}};
  CHECK_THAT(feed_line(event, false), Catch::Contains("uncertain (near_threshold)"));
}

TEST_CASE("a line of the feed tells an end from an incident that is no longer followed, in old journals too") {
  Json event = face_event();
  event["data"]["phase"] = "end";
  event["type"] = "kanhu.face.left";
  event["data"]["end_reason"] = "left";
  CHECK_THAT(feed_line(event, false), Catch::Contains("ended: left"));
  event["data"]["end_reason"] = "gateway_stopped";
  CHECK_THAT(feed_line(event, false), Catch::Contains("no longer followed: gateway_stopped"));
  event["type"] = "kanhu.camera.offline";
  CHECK_THAT(feed_line(event, false), Catch::Contains("camera.offline") && Catch::Contains("no longer followed: gateway_stopped"));
}

TEST_CASE("an event of another shape still makes a line") {
  for (const Json& odd : {Json(), Json::array(), Json{{"data", 5}}, Json{{"time", "yesterday"}, {"type", 7}, {"data", {{"clip", "no"}}}}}) {
    CHECK_NOTHROW(feed_line(odd, false));
  }
}

TEST_CASE("the status line counts cameras, frames, events, gaps, drops and CPU; nothing else throws") {
  const Json info{{"gateway", {{"cameras_up", 5}, {"cameras", 6}}},
                  {"publish", {{"queue_drops", 1}}},
                  {"cameras", {{"a", {{"frames_per_second", 4.5}, {"frames_dropped", 2}}}, {"b", {{"frames_per_second", 5.0}}}}}};
  CHECK(status_line(info, {31, 0}, 41.4) == "cameras 5/6 up, 9.5 frames/s analysed, 31 events, 0 gaps, 3 drops, CPU 41 %");
  CHECK_NOTHROW(status_line(Json::object(), {}, 0));
}

relay::CameraReport stats(std::uint64_t packets, std::uint64_t frames) {
  relay::CameraReport stats;
  stats.camera = "hall";
  stats.packets = packets;
  stats.frames_analysed = frames;
  stats.bytes = packets * 1000;
  return stats;
}

TEST_CASE("counters go on when a restarted worker begins again at 0, and rates come from the two newest") {
  CameraStats stats_of_cameras;
  const auto at = [](int s) { return MonoTime(std::chrono::seconds(s)); };
  stats_of_cameras.update(stats(100, 50), at(1));
  stats_of_cameras.update(stats(120, 55), at(2));
  CHECK(stats_of_cameras.rows(at(2)).at("hall").packets_per_second == Approx(20));
  CHECK(stats_of_cameras.rows(at(4)).at("hall").frames_per_second == Approx(5));
  CHECK(stats_of_cameras.rows(at(4)).at("hall").kilobits_per_second == Approx(160));
  CHECK(stats_of_cameras.rows(at(9)).at("hall").frames_per_second == 0);
  stats_of_cameras.update(stats(10, 4), at(4));
  CHECK(stats_of_cameras.rows(at(4)).at("hall").total.packets == 130);
  CHECK(stats_of_cameras.rows(at(4)).at("hall").total.frames_analysed == 59);
  stats_of_cameras.forget("hall");
  CHECK(stats_of_cameras.rows(at(4)).empty());
}

TEST_CASE("metrics are Prometheus text with a label a camera, whatever is missing") {
  const Json info{{"gateway", {{"build", "1"}, {"uptime_s", 2.5}, {"cameras_up", 1}, {"cameras", 2}}},
                  {"cameras", {{"hall", {{"packets", 7}}}, {"rest", {{"packets", 8}}}}},
                  {"latency", {{"analysis", {{"p50_ms", 10.0}, {"p99_ms", 20.0}}}}},
                  {"workers", Json::array({Json{{"restarts", 3}}})}};
  const std::string text = metrics_text(info);
  CHECK_THAT(text, Catch::Contains("kanhu_cameras_up 1") && Catch::Contains("kanhu_camera_packets_total{camera=\"hall\"} 7") &&
                       Catch::Contains("kanhu_camera_packets_total{camera=\"rest\"} 8") &&
                       Catch::Contains("# TYPE kanhu_cameras_up gauge") && Catch::Contains("kanhu_worker_restarts_total{worker=\"0\"} 3") &&
                       Catch::Contains("stage=\"analysis\""));
  CHECK_NOTHROW(metrics_text(Json()));
}

TEST_CASE("the metrics server tells readiness apart from being alive, and refuses an address that is none") {
  CHECK_FALSE(MetricsServer::open(
      "nonsense", [] { return Json(); }, [] { return true; }));
  auto server = MetricsServer::open(
      "127.0.0.1:0", [] { return Json(); }, [] { return false; });
  REQUIRE(server);
  CHECK((*server)->endpoint().rfind("http://127.0.0.1:", 0) == 0);
}

}  // namespace
}  // namespace kanhu
