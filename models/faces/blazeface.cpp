// SPDX-License-Identifier: MIT
#include "models/faces/blazeface.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "models/registry.hpp"

namespace kanhu::models {
namespace {

class BlazeFace final : public FaceNetwork {
 public:
  explicit BlazeFace(const std::vector<unsigned char>& weights) : net_(weights) {}

  void find(const cv::Mat& pixels, const Look& look, int width, int height, double score_min, std::vector<FaceCandidate>& into) override {
    cv::Mat& input = net_.input(look.width, look.height);
    cv::Mat numbers;
    pixels.convertTo(numbers, CV_32F, 1 / 127.5, -1);
    std::array<cv::Mat, 3> planes;
    for (int c = 0; c < 3; ++c) planes[static_cast<std::size_t>(c)] = cv::Mat(look.height, look.width, CV_32F, input.ptr<float>(0, c));
    cv::split(numbers, planes.data());
    const auto [fine, coarse] = net_.run();
    decode_blazeface(fine, look, width, height, score_min, into);
    decode_blazeface(coarse, look, width, height, score_min, into);
  }

  // Runs the network once on black; throws when an output has not the expected shape.
  void prove() {
    net_.input(32, 32).setTo(-1.F);
    net_.run();
  }

 private:
  BlazeFaceNet net_;
};

}  // namespace

void decode_blazeface(const BlazeFaceGrid& grid, const Look& look, int width, int height, double score_min,
                      std::vector<FaceCandidate>& into) {
  constexpr int kValues = 16;  // a box (centre, size), then 6 points
  const int cells = grid.columns * grid.rows;
  const double cell_width = static_cast<double>(look.width) / grid.columns, cell_height = static_cast<double>(look.height) / grid.rows;
  for (int anchor = 0; anchor < grid.anchors; ++anchor) {
    for (int cell = 0; cell < cells; ++cell) {
      const double score = 1 / (1 + std::exp(-std::clamp<double>(grid.scores[anchor * cells + cell], -80, 80)));
      if (!(score >= score_min)) continue;  // also refuses NaN
      std::array<double, kValues> value;
      for (int i = 0; i < kValues; ++i) {
        value[static_cast<std::size_t>(i)] = grid.values[static_cast<std::ptrdiff_t>(anchor * kValues + i) * cells + cell];
      }
      if (!std::all_of(value.begin(), value.end(), [](double number) { return std::isfinite(number); })) continue;
      if (value[2] <= 0 || value[3] <= 0) continue;
      const auto column = cell % grid.columns, row = cell / grid.columns;
      const double x = (static_cast<double>(column) + 0.5) * cell_width, y = (static_cast<double>(row) + 0.5) * cell_height;
      std::array<Point, 6> points;
      for (std::size_t i = 0; i < points.size(); ++i) points[i] = {value[4 + 2 * i] + x, value[5 + 2 * i] + y};
      into.push_back(to_candidate(score, {value[0] + x, value[1] + y}, value[2], value[3], points, look, width, height));
    }
  }
}

Result<std::unique_ptr<Detector>> make_blazeface(const std::vector<unsigned char>& weights, std::string digest,
                                                 const FaceSearchOptions& options) {
  try {
    auto network = std::make_unique<BlazeFace>(weights);
    network->prove();
    return make_face_search(std::move(network), {"blazeface", "face", std::move(digest)}, options);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("blazeface: the network cannot be loaded: {}", error.what()));
  }
}

Result<std::unique_ptr<Detector>> make_blazeface_detector(const DetectorChoice& choice, const DetectorConfig& config) {
  auto weights = weights_of(choice);
  if (!weights) return tl::unexpected(weights.error());
  FaceSearchOptions options;
  options.score_min = config.score_min;
  options.smallest_px = config.smallest_px;
  return make_blazeface(weights->bytes, std::move(weights->digest), options);
}

}  // namespace kanhu::models
