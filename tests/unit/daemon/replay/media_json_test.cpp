// SPDX-License-Identifier: MIT
// What a command and its worker say to each other about foreign media.
#include "daemon/replay/media_json.hpp"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "daemon/replay/media_worker.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {
namespace {

EnrolmentShot shot_of(int dimension) {
  EnrolmentShot shot;
  shot.from = "amy1.png";
  shot.made.quality = {61.25, 0.1 + 0.2, -12.5, 3, 0.5, 128, 41, 0.25, 1.0 / 3};
  shot.made.taken = wall_from_microseconds(1'790'000'000'123'456);
  for (int i = 0; i < dimension; ++i) shot.made.embedding.push_back(static_cast<float>(1 / std::sqrt(dimension)));
  return shot;
}

Json json_of(const std::string& text) { return parse_json(text, relay::kMostTaskBytes).value(); }

TEST_CASE("shots for enrolment come back from a worker to the bit") {
  EnrolmentShots shots;
  shots.good.push_back(shot_of(128));
  shots.refused.push_back("b.png: no face in it");
  const auto back = shots_from(answer_of(shots), 128);
  REQUIRE(back);
  REQUIRE(back->good.size() == 1);
  CHECK(back->good[0].from == "amy1.png");
  CHECK(back->good[0].made == shots.good[0].made);
  CHECK(back->refused == shots.refused);
}

TEST_CASE("what a worker says of a camera comes back as it was, picture and all") {
  ingest::ProbeReport report;
  report.steps = {{"connect", true, "port 554 answers"}, {"describe", false, "wrong user or password"}};
  report.error = Error{ErrorKind::kUnauthorized, "wrong user or password"};
  report.transport = Transport::kUdp;
  report.format.codec = Codec::kMjpeg;
  report.format.width = 640;
  report.measured_frames_per_second = 24.975;
  report.clock_offset = std::chrono::milliseconds(-31);
  report.warmth.emplace(ingest::ProbeReport::Warmth{20.5, 22, 36.6});
  auto pixels = std::make_shared<const std::vector<std::uint8_t>>(16, 200);
  ImageView image;
  image.width = image.height = 4;
  image.planes[0] = {pixels->data(), 4};
  report.picture.emplace("c", "run", 0, MediaTime{}, CaptureTime{}, MonoTime{}, image, pixels);
  const auto probed = probed_from(answer_of(report));
  REQUIRE(probed);
  const ingest::ProbeReport* back = &probed->report;
  REQUIRE(back->steps.size() == 2);
  CHECK(back->steps[1].detail == "wrong user or password");
  CHECK(back->error->kind == ErrorKind::kUnauthorized);
  CHECK(back->transport == Transport::kUdp);
  CHECK(back->format.codec == Codec::kMjpeg);
  CHECK(back->measured_frames_per_second == 24.975);
  CHECK(back->clock_offset == std::chrono::milliseconds(-31));
  CHECK(back->warmth->warmest_c == 36.6);
  CHECK(probed->picture_png.substr(1, 3) == "PNG");
}

TEST_CASE("a worker that was taken over can neither put words on a terminal's screen nor templates of another shape into a gallery") {
  EnrolmentShots shots;
  shots.good.push_back(shot_of(128));
  CHECK_FALSE(shots_from(answer_of(shots), 512));
  shots.good[0].made.embedding[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(shots_from(answer_of(shots), 128));
  shots.good[0].made.embedding.assign(128, 7.0F);
  CHECK_FALSE(shots_from(answer_of(shots), 128));
  shots.good.assign(6, shot_of(128));
  CHECK_FALSE(shots_from(answer_of(shots), 128));
  ingest::ProbeReport report;
  report.steps = {{"connect", true, "\x1b]0;owned\x07\nok"}};
  CHECK(probed_from(answer_of(report))->report.steps[0].detail == "?]0;owned??ok");
  CHECK(plain_words("冯 \xc2\x9b"
                    "31m \xff") == "冯 ?31m ?");
  for (const char* nonsense : {"", "{}", "[]", "null\n", R"({"steps":7})", R"({"good":[{}],"refused":[]})", "{"}) {
    CHECK_FALSE(probed_from(nonsense));
    CHECK_FALSE(shots_from(nonsense, 128));
    CHECK_FALSE(picture_from(nonsense));
  }
}

TEST_CASE("a picture comes back from a worker pixel for pixel, and not when its size is another than it says") {
  models::PictureFile picture;
  picture.pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  picture.view.format = PixelFormat::kBgr24;
  picture.view.width = picture.view.height = 2;
  picture.view.planes[0] = {picture.pixels.data(), 6};
  const std::string answer = answer_of(picture);
  const auto back = picture_from(answer);
  REQUIRE(back);
  CHECK(back->pixels == picture.pixels);
  CHECK(back->view.width == 2);
  CHECK(back->view.planes[0].data == back->pixels.data());
  CHECK_FALSE(picture_from(answer + "x"));
  CHECK_FALSE(picture_from("{\"width\":1000000000,\"height\":1000000000,\"channels\":3}\n"));
  CHECK_FALSE(picture_from("{\"width\":-2,\"height\":-2,\"channels\":3}\n123456789012"));
}

TEST_CASE("a task reaches its worker whatever bytes path and password are made of") {
  ProbeTask probe;
  probe.stream.url = "rtsp://10.0.0.5/live";
  probe.credential = {"us\"er", Secret("p\xff\n@ss")};
  probe.patience = std::chrono::seconds(7);
  const auto sent = relay::decode(relay::encode(relay::Task{task_body(probe)}));
  REQUIRE(sent);
  const ProbeTask back = probe_task_from(json_of(std::get<relay::Task>(*sent).body));
  CHECK(back.stream == probe.stream);
  CHECK(back.credential == probe.credential);
  CHECK(back.patience == probe.patience);
  EnrolTask enrol;
  enrol.detector.name = "yunet";
  enrol.path = "/tmp/\xe9t\xe9.jpg";
  enrol.name = "x";
  enrol.inter_pupil_px = 33.5;
  enrol.is_clip = true;
  const EnrolTask again = enrol_task_from(json_of(task_body(enrol)));
  CHECK(again.path == enrol.path);
  CHECK(again.detector == enrol.detector);
  CHECK(again.inter_pupil_px == 33.5);
  CHECK(again.is_clip);
}

TEST_CASE("paths that do not fit into one message are told by their folders") {
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back("/pictures/of/somebody/" + std::to_string(i) + ".jpg");
  CHECK(paths_to_read(many) == std::vector<std::string>{"/pictures/of/somebody"});
  for (int i = 0; i < 2000; ++i) many.push_back("/pictures/of/somebody/else/" + std::to_string(i) + "/a.jpg");
  CHECK(paths_to_read(many) == std::vector<std::string>{"/"});
  CHECK(paths_to_read({"/a/../b.mp4"}) == std::vector<std::string>{"/b.mp4"});
}

}  // namespace
}  // namespace kanhu
