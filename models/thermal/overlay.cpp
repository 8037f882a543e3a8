// SPDX-License-Identifier: MIT
#include "models/thermal/overlay.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace kanhu::models {
namespace {

constexpr double kLookEvery_s = 0.25;
constexpr double kRemembers_s = 3;
constexpr double kTextBand = 0.18;
constexpr double kMostly = 0.6;      // of the pictures looked at
constexpr double kSharp = 70;        // levels
constexpr double kCellShare = 0.04;  // of a cell's pixels
constexpr double kMostStrokes = 0.25;

// Thicker than a stroke, thinner than people.
int kernel_of(int width) { return 3 + 2 * std::max(1, static_cast<int>(std::lround(width / 320.0))); }

}  // namespace

bool ThermalOverlay::is_due(double now, const cv::Size& cells) const {
  return !last_ || now - *last_ >= kLookEvery_s || now < *last_ || share_.size() != cells;
}

void ThermalOverlay::look(const cv::Mat& grey, double now, const cv::Size& cells) {
  const double passed = last_ ? std::clamp(now - *last_, 0.0, 1.0) : 0;
  last_ = now;
  const int side = kernel_of(grey.cols);
  const cv::Mat kernel = cv::getStructuringElement(cv::MORPH_RECT, {side, side});
  cv::Mat bright, dark;
  cv::morphologyEx(grey, bright, cv::MORPH_TOPHAT, kernel);
  cv::morphologyEx(grey, dark, cv::MORPH_BLACKHAT, kernel);
  cv::Mat hits = cv::max(bright, dark) > kSharp, found;
  cv::resize(hits, found, cells, 0, 0, cv::INTER_AREA);
  cv::Mat now_here;
  cv::Mat(found > 255 * kCellShare).convertTo(now_here, CV_32F, 1 / 255.0);
  if (share_.size() != cells)
    share_ = now_here;
  else
    share_ += (1 - std::exp(-passed / kRemembers_s)) * (now_here - share_);
  strokes_ = share_ > kMostly;
  if (cv::countNonZero(strokes_) > kMostStrokes * static_cast<double>(strokes_.total())) strokes_.setTo(0);
  // Text stands near the upper and lower edge and changes; a crosshair does not, and may lie on somebody.
  const int band = std::max(1, static_cast<int>(kTextBand * cells.height));
  for (const int top : {0, cells.height - band}) {
    cv::Mat text = strokes_(cv::Rect(0, top, cells.width, band)), wide;
    cv::dilate(text, wide, cv::Mat());
    wide.copyTo(text);
  }
}

void ThermalOverlay::fill(cv::Mat& cells, const cv::Mat& foreign) {
  mask_ = strokes_.size() == cells.size() ? strokes_.clone() : cv::Mat::zeros(cells.size(), CV_8U);
  if (!foreign.empty()) mask_ |= foreign;
  cv::Mat left = mask_.clone(), still = left;
  // From the rim inwards, ring by ring: the median of the neighbours that are known.
  for (int ring = 0; ring < std::max(cells.cols, cells.rows) && cv::countNonZero(left) > 0; ++ring) {
    still = left.clone();
    bool any = false;
    for (int row = 0; row < cells.rows; ++row) {
      for (int column = 0; column < cells.cols; ++column) {
        if (left.at<std::uint8_t>(row, column) == 0) continue;
        std::array<float, 8> near{};
        std::size_t count = 0;
        for (int y = std::max(0, row - 1); y <= std::min(cells.rows - 1, row + 1); ++y)
          for (int x = std::max(0, column - 1); x <= std::min(cells.cols - 1, column + 1); ++x)
            if (left.at<std::uint8_t>(y, x) == 0) near[count++] = cells.at<float>(y, x);
        if (count == 0) continue;
        const auto middle = near.begin() + static_cast<std::ptrdiff_t>(count / 2);
        std::nth_element(near.begin(), middle, near.begin() + static_cast<std::ptrdiff_t>(count));
        cells.at<float>(row, column) = *middle;
        still.at<std::uint8_t>(row, column) = 0;
        any = true;
      }
    }
    if (!any) break;
    left = still;
  }
}

}  // namespace kanhu::models
