// SPDX-License-Identifier: MIT
#include "pipelines/analyze/face_watch.hpp"

#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using test::media;

namespace {

constexpr int kWidth = 640;
constexpr int kHeight = 360;

// Counts what it is asked, and takes no time. Thread: confined.
class CountingEmbedder final : public models::FaceEmbedder {
 public:
  const models::EmbedderInfo& info() const override { return info_; }
  Result<std::vector<float>> embed(const ImageView&, std::span<const Point>) override {
    ++asked;
    if (broken) return fail(ErrorKind::kInvalidArgument, "no face");
    return std::vector<float>{1, 0, 0, 0};
  }
  int asked = 0;
  bool broken = false;

 private:
  models::EmbedderInfo info_{"counting", std::string(64, 'e'), 4};
};

// A picture of stripes, in which everything is sharp; `eyes_px` apart at (x, y).
Frame stripes(std::int64_t at_ms) {
  return test::grey_frame(
      "door", "r", at_ms, [](int x, int y) { return static_cast<std::uint8_t>((x / 4 + y / 5) % 2 == 0 ? 70 : 170); }, kWidth, kHeight);
}

Track face(std::uint64_t id, double x, double y, double eyes_px) {
  Track track;
  track.id = id;
  track.label = "face";
  track.seen = track.confirmed = true;
  const double width = 2.2 * eyes_px;
  track.box = {(x - width / 2) / kWidth, (y - 0.45 * width) / kHeight, width / kWidth, 1.2 * width / kHeight};
  track.landmarks = {{(x - eyes_px / 2) / kWidth, y / kHeight},
                     {(x + eyes_px / 2) / kWidth, y / kHeight},
                     {x / kWidth, (y + 0.55 * eyes_px) / kHeight},
                     {x / kWidth, (y + 1.05 * eyes_px) / kHeight}};
  return track;
}

FacesConfig config(double shots_per_second = 2) { return {true, 32, shots_per_second, 2, 0.02}; }

struct Door {
  explicit Door(const FacesConfig& faces) : watch(faces) {}
  // One picture; the faces keep their memory from picture to picture.
  std::vector<FaceShotObservation> look(std::int64_t at_ms, const std::vector<Track>& now) {
    for (const Track& each : now) {
      const auto known = std::find_if(tracks.begin(), tracks.end(), [&](const Track& track) { return track.id == each.id; });
      if (known == tracks.end()) {
        tracks.push_back(each);
      } else {
        known->box = each.box;
        known->landmarks = each.landmarks;
      }
    }
    const Frame frame = stripes(at_ms);
    watch.measure(frame.image(), tracks, media(at_ms));
    auto shots = watch.shots(frame.image(), tracks, media(at_ms), &embedder);
    for (const auto& shot : shots) ++by_track[shot.track];
    return shots;
  }
  FaceWatch watch;
  CountingEmbedder embedder;
  std::vector<Track> tracks;
  std::map<std::uint64_t, int> by_track;
};

}  // namespace

TEST_CASE("a face that is large enough is measured and compared, a small one only measured") {
  Door door(config());
  const auto shots = door.look(0, {face(1, 200, 150, 48), face(2, 450, 150, 20)});
  REQUIRE(shots.size() == 1);
  CHECK(shots[0].track == 1);
  CHECK(shots[0].quality.inter_pupil_px == Approx(48).margin(0.5));
  CHECK(shots[0].quality.total > 0);
  CHECK(shots[0].embedder == std::string(64, 'e'));
  REQUIRE(door.tracks[1].face.best);
  CHECK(door.tracks[1].face.best->inter_pupil_px == Approx(20).margin(0.5));
  CHECK(door.watch.shed() == 0);
}

TEST_CASE("no more faces are compared a second than configured, and the rest is counted") {
  Door door(config(2));
  for (int picture = 0; picture < 80; ++picture) {
    std::vector<Track> crowd;
    // Everybody comes nearer all the time: each shot is better than the ones before.
    for (std::uint64_t id = 1; id <= 4; ++id) crowd.push_back(face(id, 80.0 + 140 * static_cast<double>(id - 1), 150, 36 + picture * 0.3));
    door.look(picture * 125, crowd);
  }
  const int seconds = 10;
  CHECK(door.embedder.asked <= 2 * seconds + 4);
  CHECK(door.embedder.asked >= 2 * seconds - 4);
  CHECK(door.watch.compared() == static_cast<std::uint64_t>(door.embedder.asked));
  CHECK(door.watch.shed() > 20);
  for (const auto& [track, shots] : door.by_track) CHECK(shots >= 4);
  CHECK(door.by_track.size() == 4);
}

TEST_CASE("a face that stays as it is gets five shots and no more") {
  Door door(config(20));
  for (int picture = 0; picture < 80; ++picture) door.look(picture * 125, {face(1, 200, 150, 48)});
  CHECK(door.embedder.asked == 5);
  CHECK(door.watch.shed() == 0);
}

TEST_CASE("two shots of one face lie apart in time") {
  Door door(config(20));
  std::vector<std::int64_t> times;
  for (int picture = 0; picture < 20; ++picture)
    if (!door.look(picture * 100, {face(1, 200, 150, 48)}).empty()) times.push_back(picture * 100);
  REQUIRE(times.size() == 5);
  for (std::size_t i = 1; i < times.size(); ++i) CHECK(times[i] - times[i - 1] >= 300);
}

TEST_CASE("a static face is compared no more") {
  Door door(config(20));
  door.look(0, {face(1, 200, 150, 48)});
  door.tracks[0].face.is_static = true;
  door.look(1000, {face(1, 200, 150, 48)});
  CHECK(door.embedder.asked == 1);
}

TEST_CASE("a camera that recognizes nobody embeds nothing, and neither does one without a network") {
  FacesConfig off = config();
  off.recognize = false;
  Door door(off);
  CHECK(door.look(0, {face(1, 200, 150, 48)}).empty());
  CHECK(door.embedder.asked == 0);
  Door without(config());
  const Frame frame = stripes(0);
  std::vector<Track> tracks{face(1, 200, 150, 48)};
  without.watch.measure(frame.image(), tracks, media(0));
  CHECK(without.watch.shots(frame.image(), tracks, media(0), nullptr).empty());
}

TEST_CASE("a network that fails costs shots, not the camera") {
  Door door(config(20));
  door.embedder.broken = true;
  CHECK(door.look(0, {face(1, 200, 150, 48)}).empty());
  door.embedder.broken = false;
  CHECK(door.look(1000, {face(1, 200, 150, 48)}).size() == 1);
}

TEST_CASE("a detector that gives no landmarks has its faces neither measured nor compared") {
  Door door(config());
  Track bare = face(1, 200, 150, 48);
  bare.landmarks.clear();
  CHECK(door.look(0, {bare}).empty());
  CHECK_FALSE(door.tracks[0].face.best);
}
