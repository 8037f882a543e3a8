// SPDX-License-Identifier: MIT
#include "bench/faces/drawings.hpp"

#include <catch2/catch.hpp>

using namespace kanhu;
using namespace kanhu::bench;

namespace {

// Sees every picture as the same: what is drawn points along the first axis.
class OneAxis final : public models::FaceEmbedder {
 public:
  const models::EmbedderInfo& info() const override { return info_; }
  Result<std::vector<float>> embed(const ImageView&, std::span<const Point>) override { return std::vector<float>{1, 0}; }

 private:
  models::EmbedderInfo info_{"one-axis", "", 2};
};

Shot face(std::size_t person, float x, float y) {
  Shot shot;
  shot.person = person;
  shot.found = true;
  shot.embedding = {x, y};
  return shot;
}

}  // namespace

TEST_CASE("who is like drawings is counted among those with enough shots") {
  OneAxis embedder;
  const auto check = models::DrawingCheck::make(embedder);
  REQUIRE(check);
  ShotSet set;
  set.set = "people";
  set.has_people = true;
  for (int i = 0; i < 3; ++i) {
    set.shots.push_back(face(0, 1, 0));             // drawn
    set.shots.push_back(face(1, 0, 1));             // somebody
    if (i < 2) set.shots.push_back(face(2, 1, 0));  // too few
  }
  set.shots.push_back(Shot{});  // not found
  const auto counted = count_drawings(set, *check, 0.94);
  REQUIRE(counted);
  CHECK(counted->refused.of == 2);
  CHECK(counted->refused.hits == 1);
  CHECK(counted->highest == Approx(1));
  set.has_people = false;
  CHECK_FALSE(count_drawings(set, *check, 0.94));
}
