// SPDX-License-Identifier: MIT
#include "models/faces/search.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <opencv2/imgproc.hpp>

#include "base/log.hpp"
#include "models/images/changed_regions.hpp"
#include "models/images/picture.hpp"
#include "models/ranking.hpp"

namespace kanhu::models {
namespace {

constexpr double kWeak = 0.25;        // a first look's score from which on a second one is worth its time
constexpr double kSecondShare = 0.4;  // of the second look's side is the face
constexpr std::size_t kMostSecondLooks = 16;

// Nothing to gain from a second look: a sure face, upright, in a size whose points are as good as a second look's.
bool is_settled(const FaceCandidate& face, int width, int height) {
  constexpr double kSure = 0.85, kLeastPx = 24, kMostPx = 72, kUpright = 0.2;
  const double across_x = (face.points[1].x - face.points[0].x) * width, across_y = (face.points[1].y - face.points[0].y) * height;
  return face.score >= kSure && face.seen_px >= kLeastPx && face.seen_px <= kMostPx && std::abs(across_y) < kUpright * across_x;
}

int up_to_32(double side) { return std::max(32, static_cast<int>(std::ceil(side / 32 - 0.15)) * 32); }

class SearchState final : public DetectorState {
 public:
  ChangedRegions changed;
  std::vector<FaceCandidate> faces;  // found in the last picture
};

class FaceSearch final : public Detector {
 public:
  FaceSearch(std::unique_ptr<FaceNetwork> network, DetectorInfo info, const FaceSearchOptions& options)
      : network_(std::move(network)), info_(std::move(info)), options_(options), weak_(std::min(kWeak, options.score_min)) {}

  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<SearchState>(); }

  DetectionResult detect(const ImageView& image, MediaTime time, DetectorState& state) override {
    if (!is_readable(image)) return {{}, "detector_failed"};
    try {
      auto& memory = dynamic_cast<SearchState&>(state);
      memory.faces = found_in(image, time, memory);
      return answer(image, memory.faces);
    } catch (const std::exception& error) {
      log::debug("models", "{}: {}", info_.name, error.what());
      return {{}, "detector_failed"};
    }
  }

 private:
  std::vector<FaceCandidate> found_in(const ImageView& image, MediaTime time, SearchState& memory) {
    noisy_ = options_.second_px > 0 && is_noisy(image);
    const auto changed = memory.changed.next(image, time);
    std::vector<FaceCandidate> candidates, known;
    if (changed.part == ChangedRegions::Part::kAll) {
      for (const auto& look : full_looks(image.width, image.height, options_)) find(image, look, weak_, candidates);
    } else {
      known = memory.faces;
      if (changed.part == ChangedRegions::Part::kWindow) {
        const auto window = changed.window;
        const auto looks = full_looks(image.width, image.height, options_);
        find(image, look_at(window.x, window.y, window.width, window.height, 1 / looks.front().to_picture.scale()), weak_, candidates);
        if (looks.size() > 1) find(image, looks.back(), weak_, candidates);
        std::erase_if(known, [&](const FaceCandidate& face) {
          return window.contains(cv::Point(static_cast<int>((face.box.x + face.box.width / 2) * image.width),
                                           static_cast<int>((face.box.y + face.box.height / 2) * image.height)));
        });
      }
    }
    auto faces = suppress_weighted(std::move(candidates));
    // Behind the new ones: what is known keeps its score, so that it does not come and go.
    for (auto& face : known) {
      if (std::none_of(faces.begin(), faces.end(), [&](const FaceCandidate& one) { return same_face(one.box, face.box); })) {
        faces.push_back(face);
        faces.back().seen_px = 0;  // not settled: it is looked at again
      }
    }
    return decided(image, std::move(faces));
  }

  std::vector<FaceCandidate> decided(const ImageView& image, std::vector<FaceCandidate> faces) {
    std::stable_sort(faces.begin(), faces.end(), [](const FaceCandidate& a, const FaceCandidate& b) { return a.score > b.score; });
    std::vector<FaceCandidate> sure;
    std::size_t looks = 0;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const bool again = looks < kMostSecondLooks && options_.second_px > 0 && !is_settled(faces[i], image.width, image.height);
      looks += again ? 1 : 0;
      const FaceCandidate face = again ? looked_again(image, faces[i]) : faces[i];
      if (face.score >= options_.score_min) sure.push_back(face);
    }
    return suppress_weighted(std::move(sure));
  }

  // The higher score counts: noise and coding blocks show more in a second look than in a first, turned heads less.
  FaceCandidate looked_again(const ImageView& image, const FaceCandidate& face) {
    std::vector<FaceCandidate> seen;
    find(image, second_look(face, image.width, image.height, options_.second_px), weak_, seen);
    for (auto& again : suppress_weighted(std::move(seen))) {
      if (!same_face(again.box, face.box)) continue;
      again.score = std::max(again.score, face.score);
      return again;
    }
    return face;
  }

  void find(const ImageView& image, const Look& look, double score_min, std::vector<FaceCandidate>& into) {
    cv::Mat pixels = sample(image, look.to_picture, {look.width, look.height}, Outside::kNearest);
    if (pixels.empty()) return;
    // One px of the picture: recall in pictures darkened to 0.35 with noise of 12 levels rose from 0.63 to 0.86 of the faces.
    if (noisy_) cv::GaussianBlur(pixels, pixels, {}, std::max(0.5, 1 / look.to_picture.scale()));
    network_->find(pixels, look, image.width, image.height, score_min, into);
  }

  DetectionResult answer(const ImageView& image, const std::vector<FaceCandidate>& faces) const {
    DetectionResult result;
    for (const auto& face : faces) {
      if (too_small(face.box, image, options_.smallest_px)) continue;
      Detection one{info_.label, face.score, inside_picture(face.box), {}};
      if (one.box.width <= 0 || one.box.height <= 0) continue;
      for (int i = 0; i < options_.points; ++i) {
        const auto& point = face.points[static_cast<std::size_t>(i)];
        one.landmarks.push_back({std::clamp(point.x, 0.0, 1.0), std::clamp(point.y, 0.0, 1.0)});
      }
      result.detections.push_back(std::move(one));
    }
    rank(result.detections);
    return result;
  }

  std::unique_ptr<FaceNetwork> network_;
  DetectorInfo info_;
  FaceSearchOptions options_;
  double weak_;
  bool noisy_ = false;
};

}  // namespace

Look look_at(double x, double y, double width, double height, double scale) {
  Look look{{}, up_to_32(width * scale), up_to_32(height * scale)};
  const double step = std::max(width / look.width, height / look.height);
  look.to_picture = {step, 0, x + (width - look.width * step) / 2, y + (height - look.height * step) / 2};
  return look;
}

std::vector<Look> full_looks(int width, int height, const FaceSearchOptions& options) {
  const double longest = std::max(width, height);
  const double affordable = std::sqrt(options.most_pixels / (static_cast<double>(width) * height));
  const double fine = std::min({1.0, options.smallest_input_px / std::max(options.smallest_px, 1.0), affordable});
  std::vector<Look> looks;
  if (options.coarse_px <= 0 || fine * longest > 1.5 * options.coarse_px) looks.push_back(look_at(0, 0, width, height, fine));
  if (options.coarse_px > 0) {
    // With a sixth around: the network does not know faces that touch the border of what it sees.
    const double step = longest / options.coarse_px, around = options.coarse_px / 6 * step;
    looks.push_back(look_at(-around, -around, width + 2 * around, height + 2 * around, 1 / step));
  }
  return looks;
}

Look second_look(const FaceCandidate& face, int width, int height, int side_px) {
  const double across_x = (face.points[1].x - face.points[0].x) * width, across_y = (face.points[1].y - face.points[0].y) * height;
  const double eyes = std::hypot(across_x, across_y);
  const double step = std::max(face.box.width * width, face.box.height * height) / (kSecondShare * side_px);
  const double a = eyes > 0 ? step * across_x / eyes : step, b = eyes > 0 ? step * across_y / eyes : 0;
  const double x = (face.box.x + face.box.width / 2) * width, y = (face.box.y + face.box.height / 2) * height;
  const double half = side_px / 2.0;
  return {{a, b, x - (a - b) * half, y - (b + a) * half}, side_px, side_px};
}

std::unique_ptr<Detector> make_face_search(std::unique_ptr<FaceNetwork> network, DetectorInfo info, const FaceSearchOptions& options) {
  return std::make_unique<FaceSearch>(std::move(network), std::move(info), options);
}

}  // namespace kanhu::models
