// SPDX-License-Identifier: MIT
#include "tests/support/simulator/simulator.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "models/faces/painted.hpp"
#include "tests/support/simulator/scene.hpp"
#include "tests/support/simulator/viewer.hpp"

using namespace kanhu;
using namespace kanhu::simulator;

namespace {

std::unique_ptr<Simulator> running(const std::vector<std::string>& cameras) {
  Options options;
  for (const std::string& text : cameras) options.cameras.push_back(parse_camera(text).value());
  auto started = Simulator::start(std::move(options));
  REQUIRE(started.has_value());
  return std::move(*started);
}

// Pulls pictures until one satisfies `wanted`; false when 60 have not.
template <typename Wanted>
bool eventually(Viewer& viewer, Wanted wanted) {
  for (int i = 0; i < 60; ++i) {
    const auto picture = viewer.next();
    if (!picture) return false;
    if (wanted(*picture)) return true;
  }
  return false;
}

Grey settled(Viewer& viewer, int pictures) {
  Grey last;
  for (int i = 0; i < pictures; ++i) last = viewer.next().value_or(Grey{});
  return last;
}

}  // namespace

TEST_CASE("A schedule gives one visit a period, after its offset") {
  const CameraSpec spec = parse_camera("name=a,period=20,visible=8,offset=3").value();
  CHECK_FALSE(scheduled_visit(spec, 2.9).present);
  CHECK(scheduled_visit(spec, 3.1).present);
  CHECK(scheduled_visit(spec, 10.9).present);
  CHECK_FALSE(scheduled_visit(spec, 11.1).present);
  const Visit second = scheduled_visit(spec, 24);
  CHECK(second.present);
  CHECK(second.number == 1);
  CHECK(second.since_seconds == Approx(1));
  CHECK(second.left_seconds == Approx(7));
}

TEST_CASE("A camera's description is refused with its key and what was expected") {
  CHECK(parse_camera("name=a,scene=wlak").error().message ==
        "scene: \"wlak\" is none of walk, crowd, thermal, empty, empty-noisy, ir-cut, lamp, exposure");
  CHECK(parse_camera("name=a,colour=red").error().message == "colour: no such key");
  CHECK_FALSE(parse_camera("scene=walk").has_value());
  CHECK_FALSE(parse_camera("name=a,size=641x360").has_value());
  CHECK_FALSE(parse_camera("name=a,fps=ten").has_value());
  CHECK(parse_camera("name=a,rtcp=skew:-3600").value().rtcp_skew_seconds == -3600);
}

TEST_CASE("The painted face is the same for the same seed and another one for another") {
  const auto painted = [](std::uint32_t seed) {
    std::vector<std::uint8_t> pixels(3 * 160 * 160, 120);
    models::paint_face_bgr(pixels.data(), 160, 160, 3 * 160, {80, 80, 90, seed, true});
    return pixels;
  };
  CHECK(painted(1) == painted(1));
  CHECK(painted(1) != painted(2));
}

TEST_CASE("Every scene and codec can be watched, and shows what it says") {
  const auto simulator = running({"name=walk,person=out", "name=h265,codec=h265,person=out", "name=mjpeg,codec=mjpeg,person=out",
                                  "name=bframes,bframes=2,person=out", "name=warm,scene=thermal,person=out", "name=empty,scene=empty",
                                  "name=noisy,scene=empty-noisy", "name=ir,scene=ir-cut", "name=lamp,scene=lamp",
                                  "name=gain,scene=exposure", "name=crowd,scene=crowd,person=out"});
  for (const std::string name : {"walk", "h265", "mjpeg", "bframes", "crowd"}) {
    INFO(name);
    Viewer viewer(simulator->url(name), name == "h265" || name == "mjpeg" ? name : "h264");
    const auto empty = viewer.next();
    REQUIRE(empty.has_value());
    CHECK(empty->width == 640);
    CHECK(empty->height == 360);
    REQUIRE(simulator->person(name, PersonMode::kIn).has_value());
    CHECK(eventually(viewer, [&](const Grey& picture) { return mean_difference(picture, *empty) > 6; }));
    REQUIRE(simulator->person(name, PersonMode::kOut).has_value());
    CHECK(eventually(viewer, [&](const Grey& picture) { return mean_difference(picture, *empty) < 3; }));
  }
  for (const std::string name : {"empty", "noisy", "ir", "lamp", "gain"}) {
    INFO(name);
    Viewer viewer(simulator->url(name), "h264");
    const auto picture = viewer.next();
    REQUIRE(picture.has_value());
    CHECK(picture->mean() > 30);
  }
  Viewer viewer(simulator->url("warm"), "h264");
  const auto cold = viewer.next();
  REQUIRE(cold.has_value());
  CHECK(cold->brightest() < 140);
  REQUIRE(simulator->person("warm", PersonMode::kIn).has_value());
  CHECK(eventually(viewer, [](const Grey& picture) { return picture.brightest() > 185; }));
}

TEST_CASE("A sub-stream shows the same scene in its own size") {
  const auto simulator = running({"name=a,person=in,size=640x360,sub=320x180"});
  Viewer main(simulator->url("a"), "h264");
  Viewer sub(simulator->url("a-sub"), "h264");
  const Grey large = settled(main, 30);
  const Grey small = settled(sub, 30);
  CHECK(large.width == 640);
  CHECK(small.width == 320);
  CHECK(large.mean() == Approx(small.mean()).margin(4));
}

TEST_CASE("A dropped camera ends its streams and takes no new one until it is restored") {
  const auto simulator = running({"name=a", "name=b"});
  Viewer watching(simulator->url("a"), "h264");
  Viewer neighbour(simulator->url("b"), "h264");
  REQUIRE(watching.next().has_value());
  REQUIRE(neighbour.next().has_value());
  CHECK(simulator->connections("a") == 1);
  CHECK(simulator->command("drop a") == "ok drop a");
  CHECK_FALSE(watching.wait_for_end().empty());
  Viewer refused(simulator->url("a"), "h264");
  CHECK_FALSE(refused.wait_for_end().empty());
  CHECK(neighbour.next().has_value());
  CHECK(simulator->command("restore a") == "ok restore a");
  Viewer again(simulator->url("a"), "h264");
  CHECK(again.next().has_value());
}

TEST_CASE("A stalled camera sends nothing, keeps its connection, answers new ones, and goes on when resumed") {
  const auto simulator = running({"name=a"});
  Viewer watching(simulator->url("a"), "h264");
  REQUIRE(watching.next().has_value());
  CHECK(simulator->command("stall a") == "ok stall a");
  while (watching.next(0.7)) {
  }  // what was on its way
  CHECK_FALSE(watching.next(1).has_value());
  CHECK(simulator->connections("a") == 1);
  Viewer late(simulator->url("a"), "h264");
  CHECK_FALSE(late.next(1.5).has_value());
  CHECK(simulator->connections("a") == 2);
  CHECK(simulator->command("resume a") == "ok resume a");
  CHECK(watching.next().has_value());
  CHECK(late.next().has_value());
}

TEST_CASE("A frozen camera repeats one picture, a black one shows darkness") {
  const auto simulator = running({"name=a,codec=mjpeg,scene=empty-noisy"});
  Viewer viewer(simulator->url("a"), "mjpeg");
  const auto first = viewer.next();
  const auto second = viewer.next();
  REQUIRE((first && second));
  CHECK(mean_difference(*first, *second) > 0.5);
  simulator->command("freeze a");
  const Grey frozen = settled(viewer, 8);
  CHECK(mean_difference(frozen, viewer.next().value_or(Grey{})) == 0);
  simulator->command("unfreeze a");
  CHECK(eventually(viewer, [&](const Grey& picture) { return mean_difference(picture, frozen) > 0.5; }));
  simulator->command("black a");
  CHECK(eventually(viewer, [](const Grey& picture) { return picture.mean() < 24; }));
  simulator->command("unblack a");
  CHECK(eventually(viewer, [](const Grey& picture) { return picture.mean() > 60; }));
}

TEST_CASE("A size changes inside a running session, a codec with the next one") {
  const auto simulator = running({"name=a"});
  Viewer viewer(simulator->url("a"), "h264");
  REQUIRE(viewer.next().value_or(Grey{}).width == 640);
  CHECK(simulator->command("size a 800x600") == "ok size a");
  CHECK(eventually(viewer, [](const Grey& picture) { return picture.width == 800 && picture.height == 600; }));
  CHECK(simulator->command("codec a h265") == "ok codec a");
  CHECK_FALSE(viewer.wait_for_end().empty());
  Viewer again(simulator->url("a"), "h265");
  CHECK(again.next().value_or(Grey{}).width == 800);
}

TEST_CASE("A corrupted stream keeps coming but no longer decodes to the picture that was painted") {
  const auto simulator = running({"name=a,codec=mjpeg,scene=empty"});
  Viewer viewer(simulator->url("a"), "mjpeg");
  const auto clean = viewer.next();
  REQUIRE(clean.has_value());
  CHECK(simulator->command("corrupt a 1") == "ok corrupt a");
  CHECK(eventually(viewer, [&](const Grey& picture) { return mean_difference(picture, *clean) > 4; }));
}

TEST_CASE("A camera without bandwidth answers SETUP with 453") {
  const auto simulator = running({"name=a"});
  simulator->command("status453 a on");
  const auto setup = fmt::format("SETUP {}/stream=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1", simulator->url("a"));
  const auto describe = fmt::format("DESCRIBE {} RTSP/1.0", simulator->url("a"));
  const auto refused = rtsp_dialogue(simulator->port(), {describe, setup});
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].starts_with("RTSP/1.0 200"));
  CHECK(refused[1].starts_with("RTSP/1.0 453"));
  simulator->command("status453 a off");
  CHECK(rtsp_dialogue(simulator->port(), {describe, setup}).back().starts_with("RTSP/1.0 200"));
}

TEST_CASE("Cameras ask for their own password, by the scheme they are told") {
  const auto simulator =
      running({"name=b,user=demo,password=pa ss:wörd,auth=basic", "name=d,user=demo,password=other,auth=digest", "name=open"});
  const auto describe = [&](const std::string& name) {
    return rtsp_dialogue(simulator->port(), {fmt::format("DESCRIBE {} RTSP/1.0", simulator->url(name))}).front();
  };
  const std::string basic = describe("b");
  CHECK(basic.starts_with("RTSP/1.0 401"));
  CHECK(basic.find("WWW-Authenticate: Basic") != std::string::npos);
  CHECK(basic.find("Digest") == std::string::npos);
  const std::string digest = describe("d");
  CHECK(digest.starts_with("RTSP/1.0 401"));
  CHECK(digest.find("WWW-Authenticate: Digest") != std::string::npos);
  CHECK(digest.find("Basic") == std::string::npos);
  CHECK(describe("open").starts_with("RTSP/1.0 200"));

  CHECK(Viewer(simulator->url("b"), "h264", "demo", "pa ss:wörd").next().has_value());
  Viewer right(simulator->url("d"), "h264", "demo", "other");
  CHECK(right.next().has_value());
  CHECK(Viewer(simulator->url("d"), "h264", "demo", "pa ss:wörd").wait_for_end() == "Unauthorized");
  CHECK(simulator->command("password d fresh") == "ok password d");
  CHECK_FALSE(right.wait_for_end().empty());
  CHECK(Viewer(simulator->url("d"), "h264", "demo", "fresh").next().has_value());
  CHECK(simulator->command("password open fresh") == "error open asks for no password");
}

TEST_CASE("A command that cannot be done says why") {
  const auto simulator = running({"name=a"});
  CHECK(simulator->command("drop nowhere") == "error there is no camera called \"nowhere\"");
  CHECK(simulator->command("person a sideways") == "error \"sideways\" is none of auto, in, out");
  CHECK(simulator->command("person a in nobody") == "error \"nobody\" is no visitor: a number from 0 to 1000000");
  CHECK(simulator->command("size a 801x600") == "error the width must be a multiple of 8, the height of 2");
  CHECK(simulator->command("corrupt a 2") == "error expected a share of packets from 0 to 1");
  CHECK(simulator->command("explode a").starts_with("error no command \"explode\""));
  CHECK(simulator->command("list").starts_with("ok a walk h264 640x360 person=auto"));
}
