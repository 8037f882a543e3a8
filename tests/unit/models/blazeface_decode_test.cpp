#include "models/blazeface_decode.hpp"

#include <limits>
#include <vector>

#include <catch2/catch.hpp>

using namespace kanhu;
using namespace kanhu::models;

namespace {

struct Tensors {
  std::vector<float> scores = std::vector<float>(kBlazeFaceAnchors, -100.F);
  std::vector<float> values = std::vector<float>(static_cast<std::size_t>(kBlazeFaceAnchors) * kBlazeFaceValues, 0.F);

  // A face of `size` px around the middle of the anchor's cell, with every point at the cell's middle.
  void face(std::size_t anchor, float logit, float size) {
    scores[anchor] = logit;
    values[anchor * kBlazeFaceValues + 2] = size;
    values[anchor * kBlazeFaceValues + 3] = size;
  }
};

FaceCandidate candidate(double score, Box box) { return {score, box, {}}; }

}  // namespace

TEST_CASE("anchors of the fine grid lie in the middle of 16 px cells, two a cell, those of the coarse grid of 32 px cells, six a cell") {
  Tensors tensors;
  tensors.face(2 * (16 * 3 + 5), 10, 32);      // row 3, column 5: 88, 56
  tensors.face(512 + 6 * (8 * 7 + 1), 5, 64);  // row 7, column 1: 48, 240
  std::vector<FaceCandidate> faces;
  decode_blazeface(tensors.scores, tensors.values, {0, 0, 256, 256}, 256, 256, 0.6, faces);
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].box.x * 256 == Approx(88 - 16));
  CHECK(faces[0].box.y * 256 == Approx(56 - 16));
  CHECK(faces[0].box.width * 256 == Approx(32));
  CHECK(faces[0].score == Approx(0.9999546));
  CHECK(faces[0].points[5].x * 256 == Approx(88));
  CHECK(faces[1].box.x * 256 == Approx(48 - 32));
  CHECK(faces[1].box.y * 256 == Approx(240 - 32));
}

TEST_CASE("a letterboxed picture maps back to its own fractions") {
  Tensors tensors;
  tensors.face(2 * (16 * 8 + 8), 10, 25.6F);  // 136, 136 of the input
  std::vector<FaceCandidate> faces;
  const Patch whole{0, 0, 640, 360};  // scaled by 0.4 to 256 x 144, 56 px black above
  CHECK(whole.scaled_height() == 144);
  CHECK(whole.top() == 56);
  decode_blazeface(tensors.scores, tensors.values, whole, 640, 360, 0.6, faces);
  REQUIRE(faces.size() == 1);
  CHECK(faces[0].points[0].x * 640 == Approx(136 / 0.4));
  CHECK(faces[0].points[0].y * 360 == Approx((136 - 56) / 0.4));
  CHECK(faces[0].box.width * 640 == Approx(64));
  CHECK(faces[0].box.height * 360 == Approx(64));
}

TEST_CASE("a tile maps back to the whole picture") {
  Tensors tensors;
  tensors.face(0, 10, 16);  // 8, 8 of the input
  std::vector<FaceCandidate> faces;
  decode_blazeface(tensors.scores, tensors.values, {280, 0, 360, 360}, 640, 360, 0.6, faces);
  REQUIRE(faces.size() == 1);
  CHECK(faces[0].points[0].x * 640 == Approx(280 + 8 * 360 / 256.0));
  CHECK(faces[0].points[0].y * 360 == Approx(8 * 360 / 256.0));
}

TEST_CASE("scores below the least, and numbers that are none, are no faces") {
  Tensors tensors;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  tensors.face(0, 0.39F, 30);  // 0.596
  tensors.face(10, nan, 30);
  tensors.face(20, 9, nan);
  tensors.face(30, 9, infinite);
  tensors.face(40, 9, -3);
  std::vector<FaceCandidate> faces;
  decode_blazeface(tensors.scores, tensors.values, {0, 0, 256, 256}, 256, 256, 0.6, faces);
  CHECK(faces.empty());
}

TEST_CASE("overlapping candidates become one, averaged by their scores; others stay, in order of score") {
  const auto faces = suppress_weighted(
      {candidate(0.6, {0.11, 0.1, 0.2, 0.2}), candidate(0.7, {0.6, 0.6, 0.1, 0.1}), candidate(0.9, {0.1, 0.1, 0.2, 0.2})});
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].score == 0.9);
  CHECK(faces[0].box.x == Approx((0.9 * 0.1 + 0.6 * 0.11) / 1.5));
  CHECK(faces[1].box == Box{0.6, 0.6, 0.1, 0.1});
}

TEST_CASE("the half of a face that a tile shows does not become a second face") {
  const auto faces = suppress_weighted({candidate(0.95, {0.4, 0.4, 0.2, 0.2}), candidate(0.7, {0.52, 0.45, 0.08, 0.1})});
  CHECK(faces.size() == 1);
}

TEST_CASE("a candidate without area ends the suppression too") {
  CHECK(suppress_weighted({candidate(0.9, {0.5, 0.5, 0, 0}), candidate(0.8, {0.5, 0.5, 0, 0})}).size() == 2);
}

TEST_CASE("tiles: none where the whole picture shows the smallest face, two squares in 16:9, never more than allowed, never outside") {
  CHECK(plan_patches(256, 144, 10, 7).size() == 1);
  CHECK(plan_patches(640, 360, 40, 3).size() == 1);
  const auto wide = plan_patches(640, 360, 20, 3);
  REQUIRE(wide.size() == 3);
  CHECK(wide[1].x == 0);
  CHECK(wide[2].x == 280);
  CHECK(wide[2].width == 360);
  CHECK(plan_patches(1280, 720, 20, 3).size() == 3);
  const auto most = GENERATE(1, 2, 3, 5, 7, 13);
  for (const auto& [width, height] : {std::pair{640, 360}, {1920, 1080}, {360, 640}, {4096, 20}, {257, 257}, {1, 900}, {4096, 2304}}) {
    const auto patches = plan_patches(width, height, 12, most);
    CHECK(static_cast<int>(patches.size()) <= most);
    for (const auto& patch : patches) {
      CHECK(patch.x >= 0);
      CHECK(patch.y >= 0);
      CHECK(patch.width >= 1);
      CHECK(patch.x + patch.width <= width);
      CHECK(patch.y + patch.height <= height);
      CHECK(patch.left() + patch.scaled_width() <= kBlazeFaceInput);
      CHECK(patch.top() + patch.scaled_height() <= kBlazeFaceInput);
    }
  }
}

TEST_CASE("tiles leave no gap and neighbours share a fifth") {
  const auto patches = plan_patches(1920, 1080, 12, 13);
  REQUIRE(patches.size() > 2);
  for (std::size_t i = 2; i < patches.size(); ++i) {
    if (patches[i].y != patches[i - 1].y) continue;
    CHECK(patches[i].x - patches[i - 1].x <= 0.8 * patches[i].width + 1);
  }
  CHECK(patches.back().x + patches.back().width == 1920);
  CHECK(patches.back().y + patches.back().height == 1080);
}
