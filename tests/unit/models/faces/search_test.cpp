// SPDX-License-Identifier: MIT
#include "models/faces/search.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "models/faces/blazeface.hpp"
#include "models/faces/yunet.hpp"
#include "models/images/changed_regions.hpp"
#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using namespace kanhu::models;
using test::Picture;

namespace {

// A grid as the network gives it, with nothing in it.
struct Tensors {
  int columns, rows, anchors;
  std::vector<float> scores = std::vector<float>(static_cast<std::size_t>(columns * rows * anchors), -100.F);
  std::vector<float> values = std::vector<float>(static_cast<std::size_t>(columns * rows * anchors * 16), 0.F);

  // A face of `size` px around the middle of the cell, with every point there.
  void face(int anchor, int row, int column, float logit, float size) {
    const int cells = columns * rows, cell = row * columns + column;
    scores[static_cast<std::size_t>(anchor * cells + cell)] = logit;
    for (const int which : {2, 3}) values[static_cast<std::size_t>((anchor * 16 + which) * cells + cell)] = size;
  }
  BlazeFaceGrid grid() const { return {columns, rows, anchors, scores.data(), values.data()}; }
};

FaceCandidate candidate(double score, Box box) { return {score, box, {}, 0}; }
MediaTime at(int milliseconds) { return MediaTime(std::chrono::milliseconds(milliseconds)); }

// Sees one face wherever the picture is white, and counts what it was shown.
struct WhiteSpots final : FaceNetwork {
  struct Shown {
    Look look;
    int picture_width;
  };
  explicit WhiteSpots(std::vector<Shown>& shown, double score) : shown_(shown), score_(score) {}
  void find(const cv::Mat& pixels, const Look& look, int width, int height, double score_min, std::vector<FaceCandidate>& into) override {
    shown_.push_back({look, width});
    double x = 0, y = 0, count = 0;
    for (int row = 0; row < pixels.rows; ++row) {
      for (int column = 0; column < pixels.cols; ++column) {
        if (pixels.at<cv::Vec3b>(row, column)[0] < 200) continue;
        x += column, y += row, ++count;
      }
    }
    // The second look, in which a face is larger, is as sure as the first.
    if (count == 0 || score_ < score_min) return;
    x /= count, y /= count;
    const double side = std::sqrt(count);
    const std::array<Point, 6> points{Point{x - side / 4, y}, {x + side / 4, y}, {x, y + 1}, {x, y + 2}, {x, y}, {x, y}};
    into.push_back(to_candidate(score_, {x, y}, side, side, points, look, width, height));
  }
  std::vector<Shown>& shown_;
  double score_;
};

Picture spot(int x, int y, int side = 40) {
  Picture picture(PixelFormat::kGray8, 640, 360, 60);
  for (int row = y; row < y + side; ++row) std::fill_n(picture.row(0, row) + x, side, std::uint8_t{250});
  return picture;
}

}  // namespace

TEST_CASE("BlazeFace's anchors lie in the middle of their cells, whatever the size of the input") {
  Tensors fine{28, 16, 2}, coarse{14, 8, 6};
  fine.face(1, 3, 5, 10, 32);   // 88, 56 of 448 x 256
  coarse.face(4, 7, 1, 5, 64);  // 48, 240
  const Look look{{}, 448, 256};
  std::vector<FaceCandidate> faces;
  decode_blazeface(fine.grid(), look, 448, 256, 0.6, faces);
  decode_blazeface(coarse.grid(), look, 448, 256, 0.6, faces);
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].box.x * 448 == Approx(88 - 16));
  CHECK(faces[0].box.y * 256 == Approx(56 - 16));
  CHECK(faces[0].box.width * 448 == Approx(32));
  CHECK(faces[0].score == Approx(0.9999546));
  CHECK(faces[0].points[5].x * 448 == Approx(88));
  CHECK(faces[0].seen_px == 32);
  CHECK(faces[1].box.x * 448 == Approx(48 - 32));
  CHECK(faces[1].box.y * 256 == Approx(240 - 32));
}

TEST_CASE("what a look shows maps back to the picture, scaled, shifted and turned") {
  Tensors tensors{2, 2, 2};
  tensors.face(0, 0, 1, 10, 8);  // 24, 8
  const auto face_in = [&](const Look& look) {
    std::vector<FaceCandidate> faces;
    decode_blazeface(tensors.grid(), look, 640, 360, 0.6, faces);
    REQUIRE(faces.size() == 1);
    return faces[0];
  };
  const auto shifted = face_in({{2, 0, 100, 50}, 32, 32});
  CHECK(shifted.points[0].x * 640 == Approx(148));
  CHECK(shifted.points[0].y * 360 == Approx(66));
  CHECK(shifted.box.width * 640 == Approx(16));
  const auto turned = face_in({{0, 2, 100, 50}, 32, 32});  // by a right angle
  CHECK(turned.points[0].x * 640 == Approx(100 - 16));
  CHECK(turned.points[0].y * 360 == Approx(50 + 48));
  CHECK(turned.box.height * 360 == Approx(16));
}

TEST_CASE("scores below the least, and numbers that are none, are no faces") {
  Tensors tensors{8, 8, 2};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  tensors.face(0, 0, 0, 0.39F, 30);  // 0.596
  tensors.face(0, 1, 0, nan, 30);
  tensors.face(0, 2, 0, 9, nan);
  tensors.face(0, 3, 0, 9, std::numeric_limits<float>::infinity());
  tensors.face(0, 4, 0, 9, -3);
  std::vector<FaceCandidate> faces;
  decode_blazeface(tensors.grid(), {{}, 128, 128}, 128, 128, 0.6, faces);
  CHECK(faces.empty());
}

TEST_CASE("YuNet's cells count from their corners, sizes are logarithms, and the mouth is the middle of its corners") {
  std::vector<float> classes(4 * 2, 0), objects(8, 0), boxes(32, 0), points(80, 0);
  const int cell = 4 * 1 + 2;
  classes[cell] = 0.9F, objects[cell] = 0.8F;
  const float box[]{0.5F, 0.25F, std::log(2.F), std::log(3.F)};
  std::copy(box, box + 4, boxes.begin() + 4 * cell);
  const float five[]{0, 0, 1, 0, 0.5F, 0.5F, 0, 1, 1, 2};
  std::copy(five, five + 10, points.begin() + 10 * cell);
  std::vector<FaceCandidate> faces;
  decode_yunet(classes.data(), objects.data(), boxes.data(), points.data(), 16, {{}, 64, 32}, 64, 32, 0.6, faces);
  REQUIRE(faces.size() == 1);
  CHECK(faces[0].score == Approx(std::sqrt(0.72)));
  CHECK((faces[0].box.x + faces[0].box.width / 2) * 64 == Approx(2.5 * 16));
  CHECK((faces[0].box.y + faces[0].box.height / 2) * 32 == Approx(1.25 * 16));
  CHECK(faces[0].box.width * 64 == Approx(32));
  CHECK(faces[0].box.height * 32 == Approx(48));
  CHECK(faces[0].points[1].x * 64 == Approx(3 * 16));
  CHECK(faces[0].points[3].x * 64 == Approx(2.5 * 16));
  CHECK(faces[0].points[3].y * 32 == Approx(2.5 * 16));
  boxes[4 * cell + 2] = 1000;
  std::vector<FaceCandidate> none;
  decode_yunet(classes.data(), objects.data(), boxes.data(), points.data(), 16, {{}, 64, 32}, 64, 32, 0.6, none);
  CHECK(none.empty());
}

TEST_CASE("overlapping candidates become one, averaged by their scores; others stay, in order of score") {
  const auto faces = suppress_weighted(
      {candidate(0.6, {0.11, 0.1, 0.2, 0.2}), candidate(0.7, {0.6, 0.6, 0.1, 0.1}), candidate(0.9, {0.1, 0.1, 0.2, 0.2})});
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].score == 0.9);
  CHECK(faces[0].box.x == Approx((0.9 * 0.1 + 0.6 * 0.11) / 1.5));
  CHECK(faces[1].box == Box{0.6, 0.6, 0.1, 0.1});
}

TEST_CASE("half a face that a look's border shows does not become a second face, and one without area ends the suppression too") {
  CHECK(suppress_weighted({candidate(0.95, {0.4, 0.4, 0.2, 0.2}), candidate(0.7, {0.52, 0.45, 0.08, 0.1})}).size() == 1);
  CHECK(suppress_weighted({candidate(0.9, {0.5, 0.5, 0, 0}), candidate(0.8, {0.5, 0.5, 0, 0})}).size() == 2);
}

TEST_CASE("looks cover the whole picture in steps of 32 px, large enough for the smallest face and no larger than allowed") {
  FaceSearchOptions options;
  for (const double smallest : {12., 20., 60.}) {
    options.smallest_px = smallest;
    for (const auto& [width, height] : {std::pair{640, 360}, {1920, 1080}, {360, 640}, {4096, 20}, {257, 257}, {1, 900}, {92, 112}}) {
      INFO(width << "x" << height << ", " << smallest << " px");
      const auto looks = full_looks(width, height, options);
      REQUIRE_FALSE(looks.empty());
      for (const auto& look : looks) {
        CHECK(look.width % 32 == 0);
        CHECK(look.height % 32 == 0);
        CHECK(look.to_picture({0, 0}).x <= 1e-9);
        CHECK(look.to_picture({0, 0}).y <= 1e-9);
        CHECK(look.to_picture({static_cast<double>(look.width), 0}).x >= width - 1e-9);
        CHECK(look.to_picture({0, static_cast<double>(look.height)}).y >= height - 1e-9);
      }
      // Rounded up to 32 px a side, and never so small that nothing is seen.
      const auto& fine = looks.front();
      CHECK((fine.width - 32.0) * (fine.height - 32.0) <= options.most_pixels);
    }
  }
  options.smallest_px = 20;
  const auto looks = full_looks(640, 360, options);
  REQUIRE(looks.size() == 2);
  CHECK(20 / looks[0].to_picture.scale() >= 0.9 * options.smallest_input_px);
  CHECK(full_looks(92, 112, options).size() == 1);
}

TEST_CASE("a second look shows the face upright, in the middle, at two fifths of its side") {
  FaceCandidate face = candidate(0.5, {0.4, 0.4, 0.1, 0.1 * 640 / 360});
  face.points[0] = {0.42, 0.42};
  face.points[1] = {0.42 + 0.03, 0.42 + 0.03 * 640 / 360};  // turned by 45 degrees
  const Look look = second_look(face, 640, 360, 96);
  const auto seen = inverse(look.to_picture);
  const Point middle = seen({0.45 * 640, (0.4 + 0.05 * 640 / 360) * 360});
  CHECK(middle.x == Approx(48));
  CHECK(middle.y == Approx(48));
  const Point right = seen({face.points[0].x * 640, face.points[0].y * 360}), left = seen({face.points[1].x * 640, face.points[1].y * 360});
  CHECK(right.y == Approx(left.y));
  CHECK(left.x > right.x);
  CHECK(look.to_picture.scale() == Approx(64 / (0.4 * 96)));
}

TEST_CASE("a full look at the first picture and then once a second; in between only where something changed, and at known faces") {
  std::vector<WhiteSpots::Shown> shown;
  const auto detector = make_face_search(std::make_unique<WhiteSpots>(shown, 0.8), {"spots", "face", ""}, {});
  const auto state = detector->make_state();
  const auto looks_of = [&](const Picture& picture, int milliseconds) {
    shown.clear();
    const auto found = detector->detect(picture.view(), at(milliseconds), *state).detections.size();
    double pixels = 0;
    for (const auto& one : shown) pixels += one.look.width * one.look.height;
    return std::pair(found, pixels);
  };
  const auto [found, full] = looks_of(spot(100, 100), 0);
  CHECK(found == 1);
  const auto [still, small] = looks_of(spot(100, 100), 200);  // nothing changed: the face is looked at again, alone
  CHECK(still == 1);
  CHECK(shown.size() == 1);
  CHECK(small < 0.2 * full);
  const auto [moved, window] = looks_of(spot(130, 100), 400);
  CHECK(moved == 1);
  CHECK(window < 0.75 * full);
  CHECK(looks_of(spot(130, 100), 1000).second >= 0.9 * full);
  CHECK(looks_of(spot(130, 100), 1200).second < 0.2 * full);
  CHECK(looks_of(spot(130, 100), 100).second >= 0.9 * full);  // time runs backwards
  CHECK(looks_of(Picture(PixelFormat::kGray8, 640, 360, 60), 300).first == 0);
  CHECK(looks_of(Picture(PixelFormat::kGray8, 640, 360, 60), 500).second == 0);
}

TEST_CASE("a weak candidate is looked at again, and one that stays weak is no face") {
  std::vector<WhiteSpots::Shown> shown;
  const auto weak = make_face_search(std::make_unique<WhiteSpots>(shown, 0.4), {"spots", "face", ""}, {});
  const auto state = weak->make_state();
  CHECK(weak->detect(spot(100, 100).view(), at(0), *state).detections.empty());
  CHECK(shown.size() == 3);
}

TEST_CASE("what changed is found, another scene and a change all over are a full look, a lamp is none") {
  ChangedRegions changed;
  using Part = ChangedRegions::Part;
  CHECK(changed.next(spot(100, 100).view(), at(0)).part == Part::kAll);
  CHECK(changed.next(spot(100, 100).view(), at(100)).part == Part::kNothing);
  const auto moved = changed.next(spot(110, 100).view(), at(200));
  REQUIRE(moved.part == Part::kWindow);
  CHECK(moved.window.contains(cv::Point(100, 100)));
  CHECK(moved.window.contains(cv::Point(149, 139)));
  CHECK((moved.window & cv::Rect(0, 0, 640, 360)) == moved.window);
  CHECK(changed.next(spot(500, 300).view(), at(300)).part == Part::kAll);  // from one end to the other
  CHECK(changed.next(Picture(PixelFormat::kGray8, 640, 360, 61).view(), at(400)).part == Part::kWindow);
  CHECK(changed.next(Picture(PixelFormat::kGray8, 640, 360, 90).view(), at(500)).part == Part::kNothing);
  CHECK(changed.next(Picture(PixelFormat::kGray8, 320, 180, 90).view(), at(600)).part == Part::kAll);
}
