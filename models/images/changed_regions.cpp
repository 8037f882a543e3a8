// SPDX-License-Identifier: MIT
#include "models/images/changed_regions.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "models/images/picture.hpp"

namespace kanhu::models {
namespace {

constexpr int kWide = 160;  // px of the small picture's longer side: a face of 20 px in 640 is 5 px there
constexpr std::chrono::seconds kFullEvery(1);
constexpr int kLeastChange = 6;  // levels above the median change, which is what noise and a lamp do everywhere
constexpr double kAnotherScene = 0.5;

// Only a few sizes, because a network allocates its memory anew for each.
std::optional<cv::Rect> window_around(const cv::Rect& changed, int width, int height) {
  const auto fits = [](int length, int whole) { return length <= whole / 2; };
  const bool half_wide = fits(changed.width, width), half_high = fits(changed.height, height);
  if (!half_wide && !half_high) return std::nullopt;
  const int wide = half_wide ? width / 2 : width, high = half_high ? height / 2 : height;
  return cv::Rect(std::clamp(changed.x + changed.width / 2 - wide / 2, 0, width - wide),
                  std::clamp(changed.y + changed.height / 2 - high / 2, 0, height - high), wide, high);
}

int median_level(const cv::Mat& values) {
  std::vector<std::uint8_t> sorted(values.begin<std::uint8_t>(), values.end<std::uint8_t>());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

}  // namespace

ChangedRegions::Answer ChangedRegions::next(const ImageView& image, MediaTime time) {
  const double scale = std::min(1.0, static_cast<double>(kWide) / std::max(image.width, image.height));
  const cv::Size size(std::max(1, static_cast<int>(image.width * scale)), std::max(1, static_cast<int>(image.height * scale)));
  cv::Mat now = to_gray(image, size);
  const bool first = before_.empty() || width_ != image.width || height_ != image.height;
  cv::Mat difference;
  if (!first) cv::absdiff(now, before_, difference);
  before_ = std::move(now);
  width_ = image.width;
  height_ = image.height;
  const auto all = [&] {
    full_ = time;
    return Answer{};
  };
  if (first || time < full_ || time - full_ >= kFullEvery || std::min(image.width, image.height) < 64) return all();

  cv::Mat changed = difference > kLeastChange + median_level(difference);
  cv::medianBlur(changed, changed, 3);  // single pixels are noise
  std::vector<cv::Point> places;
  cv::findNonZero(changed, places);
  if (places.empty()) return {Part::kNothing, {}};
  if (static_cast<double>(places.size()) > kAnotherScene * static_cast<double>(changed.total())) return all();
  // A face belongs to the change although only its rim moved: two more small px around, and a tenth of the picture.
  const cv::Rect small = cv::boundingRect(places);
  const int around = 2 + std::max(size.width, size.height) / 10;
  const cv::Rect wide = cv::Rect(small.x - around, small.y - around, small.width + 2 * around, small.height + 2 * around) &
                        cv::Rect(0, 0, size.width, size.height);
  const cv::Rect place(static_cast<int>(wide.x / scale), static_cast<int>(wide.y / scale), static_cast<int>(wide.width / scale),
                       static_cast<int>(wide.height / scale));
  const auto window = window_around(place, image.width, image.height);
  return window ? Answer{Part::kWindow, *window} : all();
}

}  // namespace kanhu::models
