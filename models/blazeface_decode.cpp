#include "models/blazeface_decode.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace kanhu::models {
namespace {

constexpr double kOverlapIou = 0.3;
constexpr double kOverlapOfSmaller = 0.6;

// Face width in pixels of the network's input from which on it is found as a rule: recall 0.65 at 11 px, 0.88 at 14 px,
// 0.95 at 16 px, 1.00 at 20 px (docs/design/0003-detectors.md).
constexpr double kReliableWidth = 14;

struct Anchor {
  double x, y;  // centre, fraction of the input; all have size 1
};

std::array<Anchor, kBlazeFaceAnchors> make_anchors() {
  std::array<Anchor, kBlazeFaceAnchors> anchors{};
  std::size_t next = 0;
  for (const auto& [cells, per_cell] : {std::pair{16, 2}, std::pair{8, 6}}) {
    for (int cell = 0; cell < cells * cells; ++cell) {
      const int column = cell % cells, row = cell / cells;
      for (int copy = 0; copy < per_cell; ++copy) anchors[next++] = {(column + 0.5) / cells, (row + 0.5) / cells};
    }
  }
  return anchors;
}

bool overlap(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return false;
  const double common = width * height;
  return common >= kOverlapIou * (a.area() + b.area() - common) || common >= kOverlapOfSmaller * std::min(a.area(), b.area());
}

FaceCandidate weighted_mean(std::span<const FaceCandidate> group) {
  if (group.size() == 1) return group.front();
  FaceCandidate mean;
  double weight = 0;
  for (const auto& one : group) {
    weight += one.score;
    mean.score = std::max(mean.score, one.score);
    mean.box.x += one.score * one.box.x;
    mean.box.y += one.score * one.box.y;
    mean.box.width += one.score * one.box.width;
    mean.box.height += one.score * one.box.height;
    for (std::size_t i = 0; i < mean.points.size(); ++i) {
      mean.points[i].x += one.score * one.points[i].x;
      mean.points[i].y += one.score * one.points[i].y;
    }
  }
  mean.box = {mean.box.x / weight, mean.box.y / weight, mean.box.width / weight, mean.box.height / weight};
  for (auto& point : mean.points) point = {point.x / weight, point.y / weight};
  return mean;
}

// Starts of `count` windows of `side` spread evenly over `length`.
int start_of(int index, int count, int length, int side) { return count < 2 ? (length - side) / 2 : index * (length - side) / (count - 1); }

// Windows of `side` needed over `length` so that neighbours share a fifth: a face cut by one border is whole in the
// next one, or so large that the whole picture shows it. A fifth makes two squares of 16:9, a quarter would make three.
int windows(int length, int side) {
  if (length <= side) return 1;
  return 1 + static_cast<int>(std::ceil((length - side) / (0.8 * side) - 1e-9));
}

}  // namespace

std::vector<Patch> plan_patches(int width, int height, double smallest_px, int most_passes) {
  std::vector<Patch> patches{{0, 0, width, height}};
  const int longest = std::max(width, height);
  const int shortest = std::min(width, height);
  if (longest <= kBlazeFaceInput || smallest_px * kBlazeFaceInput >= kReliableWidth * longest) return patches;
  const double wanted = std::max<double>(smallest_px * kBlazeFaceInput / kReliableWidth, kBlazeFaceInput);
  int side = std::min(shortest, static_cast<int>(wanted));
  // Too many tiles: larger ones, in steps of a sixteenth; the short side is the largest square there is.
  const auto tiles = [&] { return windows(width, side) * windows(height, side); };
  while (1 + tiles() > most_passes && side < shortest) side = std::min(shortest, side + std::max(1, side / 16));
  if (1 + tiles() > most_passes) return patches;
  const int columns = windows(width, side);
  const int rows = windows(height, side);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      patches.push_back({start_of(column, columns, width, side), start_of(row, rows, height, side), side, side});
    }
  }
  return patches;
}

void decode_blazeface(std::span<const float> scores, std::span<const float> values, const Patch& patch, int width, int height,
                      double score_min, std::vector<FaceCandidate>& into) {
  static const auto anchors = make_anchors();
  const double input = kBlazeFaceInput;
  const auto to_picture = [&](double x, double y) {  // px of the input -> fractions of the picture
    return Point{(patch.x + (x - patch.left()) * patch.width / patch.scaled_width()) / width,
                 (patch.y + (y - patch.top()) * patch.height / patch.scaled_height()) / height};
  };
  for (std::size_t i = 0; i < kBlazeFaceAnchors; ++i) {
    const double score = 1 / (1 + std::exp(-std::clamp<double>(scores[i], -80, 80)));
    if (!(score >= score_min)) continue;  // also refuses NaN
    const auto value = values.subspan(i * kBlazeFaceValues, kBlazeFaceValues);
    if (!std::all_of(value.begin(), value.end(), [](float number) { return std::isfinite(number); })) continue;
    if (value[2] <= 0 || value[3] <= 0) continue;
    const double centre_x = value[0] + anchors[i].x * input;
    const double centre_y = value[1] + anchors[i].y * input;
    const Point first = to_picture(centre_x - value[2] / 2, centre_y - value[3] / 2);
    const Point last = to_picture(centre_x + value[2] / 2, centre_y + value[3] / 2);
    FaceCandidate face{score, {first.x, first.y, last.x - first.x, last.y - first.y}, {}};
    for (std::size_t point = 0; point < face.points.size(); ++point) {
      face.points[point] = to_picture(value[4 + 2 * point] + anchors[i].x * input, value[5 + 2 * point] + anchors[i].y * input);
    }
    into.push_back(face);
  }
}

std::vector<FaceCandidate> suppress_weighted(std::vector<FaceCandidate> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const FaceCandidate& a, const FaceCandidate& b) {
    return std::tuple(-a.score, a.box.x, a.box.y) < std::tuple(-b.score, b.box.x, b.box.y);
  });
  std::vector<FaceCandidate> kept;
  while (!candidates.empty()) {
    const Box best = candidates.front().box;
    const auto rest =
        std::stable_partition(candidates.begin(), candidates.end(), [&](const FaceCandidate& one) { return overlap(best, one.box); });
    // A degenerate best box does not even overlap itself; it still has to leave the list.
    const auto end = rest == candidates.begin() ? rest + 1 : rest;
    kept.push_back(weighted_mean({candidates.begin(), end}));
    candidates.erase(candidates.begin(), end);
  }
  return kept;
}

}  // namespace kanhu::models
