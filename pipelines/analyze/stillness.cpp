// SPDX-License-Identifier: MIT
#include "pipelines/analyze/stillness.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace kanhu::analyze {
namespace {

constexpr std::chrono::minutes kStaticAfter{2};
constexpr std::chrono::seconds kRememberedFor{30};
constexpr std::size_t kMostPlaces = 64;
constexpr double kStays = 0.25;     // of its width
constexpr double kSameSize = 1.25;  // ratio of widths
constexpr double kSameLook = 0.15;
constexpr double kSamePlace = 0.3;  // IoU of a face that comes back
constexpr int kCells = 8;

bool stays(const Box& before, const Box& now) {
  const double dx = now.x + now.width / 2 - before.x - before.width / 2;
  const double dy = (now.y + now.height / 2 - before.y - before.height / 2) * before.width / std::max(before.height, 1e-9);
  const double ratio = now.width / std::max(before.width, 1e-9);
  return std::hypot(dx, dy) <= kStays * before.width && ratio < kSameSize && ratio > 1 / kSameSize;
}

}  // namespace

std::vector<float> look_of(const ImageView& image, const Box& box) {
  const int left = std::clamp(static_cast<int>(box.x * image.width), 0, image.width);
  const int top = std::clamp(static_cast<int>(box.y * image.height), 0, image.height);
  const int right = std::clamp(static_cast<int>((box.x + box.width) * image.width), 0, image.width);
  const int bottom = std::clamp(static_cast<int>((box.y + box.height) * image.height), 0, image.height);
  if (right - left < kCells || bottom - top < kCells || image.format == PixelFormat::kCentiCelsius) return {};
  const int step = image.format == PixelFormat::kBgr24 ? 3 : 1;
  const int offset = image.format == PixelFormat::kBgr24 ? 1 : 0;
  std::vector<float> cells;
  cells.reserve(kCells * kCells);
  for (int row = 0; row < kCells; ++row) {
    const int y0 = top + (bottom - top) * row / kCells;
    const int y1 = top + (bottom - top) * (row + 1) / kCells;
    for (int column = 0; column < kCells; ++column) {
      const int x0 = left + (right - left) * column / kCells;
      const int x1 = left + (right - left) * (column + 1) / kCells;
      std::uint64_t sum = 0;
      for (int y = y0; y < y1; ++y) {
        const std::uint8_t* line = image.planes[0].data + static_cast<std::ptrdiff_t>(y) * image.planes[0].stride + offset;
        for (int x = x0; x < x1; ++x) sum += line[x * step];
      }
      cells.push_back(static_cast<float>(sum) / static_cast<float>((y1 - y0) * (x1 - x0)));
    }
  }
  float mean = 0;
  for (float cell : cells) mean += cell;
  mean /= static_cast<float>(cells.size());
  float spread = 0;
  for (float cell : cells) spread += (cell - mean) * (cell - mean);
  spread = std::max(1.F, std::sqrt(spread / static_cast<float>(cells.size())));
  for (float& cell : cells) cell = (cell - mean) / spread;
  return cells;
}

double difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size() || a.empty()) return 2;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i] - b[i]) * static_cast<double>(a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

bool Stillness::look(const ImageView& image, Track& track, MediaTime now) {
  FaceMemory& face = track.face;
  if (!face.still_since) {
    face.place = track.box;
    face.look = look_of(image, face.place);
    face.still_since = now;
    // Somebody walked by in front of one who sits.
    face.has_moved = std::any_of(living_.begin(), living_.end(), [&](const Place& place) {
      return now - place.left <= kRememberedFor && intersection_over_union(place.box, track.box) >= kSamePlace;
    });
    return false;
  }
  if (face.has_moved) return false;
  if (!stays(face.place, track.box)) {
    face.has_moved = true;
    const bool was = std::exchange(face.is_static, false);
    return was;
  }
  std::vector<float> look = look_of(image, face.place);
  if (difference(look, face.look) > kSameLook) {
    // Another light, or a face that moved a little: what is known of it begins anew, in this place.
    face.look = std::move(look);
    face.still_since = now;
    return std::exchange(face.is_static, false);
  }
  if (face.is_static || now - *face.still_since < kStaticAfter) return false;
  face.is_static = true;
  return true;
}

void Stillness::forget(const Track& track, MediaTime now) {
  while (!living_.empty() && (now - living_.front().left > kRememberedFor || living_.size() >= kMostPlaces)) living_.pop_front();
  if (track.face.has_moved) living_.push_back({track.box, now});
}

}  // namespace kanhu::analyze
