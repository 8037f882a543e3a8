// SPDX-License-Identifier: MIT
#include "models/thermal/polarity.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "models/thermal/cleaner.hpp"

namespace kanhu::models {
namespace {

constexpr int kLeastCells = 4;
constexpr double kMostOfPicture = 0.2, kMostOfSide = 0.6;  // of the shorter side: who stands may fill the height
constexpr double kStandsOut = 10;                          // levels against its surroundings
constexpr double kFurniture = 25;                          // the same in a still picture
constexpr double kClearly = 1.5;                           // times as much as in the other picture
constexpr double kEnough_s = 0.6, kToTurn_s = 30, kMajority = 4;
constexpr double kForgets_s = 120;

bool is_compact(const cv::Mat& stats, int label, const cv::Size& size) {
  const int area = stats.at<int>(label, cv::CC_STAT_AREA);
  return area >= kLeastCells && area <= kMostOfPicture * size.area() &&
         (stats.at<int>(label, cv::CC_STAT_WIDTH) <= kMostOfSide * size.width ||
          stats.at<int>(label, cv::CC_STAT_HEIGHT) <= kMostOfSide * size.height);
}

struct Contrast {
  double picture = 0, reference = 0;
};

// Of a labelled place against the undisturbed cells around it.
Contrast contrast_of(const cv::Mat& picture, const cv::Mat& reference, const cv::Mat& outliers, const cv::Mat& labels, const cv::Mat& stats,
                     int label) {
  const cv::Rect box(stats.at<int>(label, cv::CC_STAT_LEFT) - 3, stats.at<int>(label, cv::CC_STAT_TOP) - 3,
                     stats.at<int>(label, cv::CC_STAT_WIDTH) + 6, stats.at<int>(label, cv::CC_STAT_HEIGHT) + 6);
  const cv::Rect around = box & cv::Rect({0, 0}, labels.size());
  Contrast in, out;
  int inside = 0, outside = 0;
  for (int row = around.y; row < around.br().y; ++row) {
    for (int column = around.x; column < around.br().x; ++column) {
      const int here = labels.at<int>(row, column);
      if (here != label && outliers.at<std::uint8_t>(row, column) != 0) continue;
      Contrast& sum = here == label ? in : out;
      ++(here == label ? inside : outside);
      sum.picture += static_cast<double>(picture.at<float>(row, column));
      sum.reference += static_cast<double>(reference.at<float>(row, column));
    }
  }
  if (inside == 0 || outside == 0) return {};
  return {in.picture / inside - out.picture / outside, in.reference / inside - out.reference / outside};
}

// Windows, walls and the floor's edge run along rows and columns: their medians are taken out (Tukey's median polish, 1977).
void polish(cv::Mat& picture) {
  std::vector<float> values;
  for (int row = 0; row < picture.rows; ++row) {
    values.assign(picture.ptr<float>(row), picture.ptr<float>(row) + picture.cols);
    picture.row(row) -= median_of_floats(values);
  }
  for (int column = 0; column < picture.cols; ++column) {
    values.clear();
    for (int row = 0; row < picture.rows; ++row) values.push_back(picture.at<float>(row, column));
    picture.col(column) -= median_of_floats(values);
  }
}

}  // namespace

bool ThermalPolarity::look(const cv::Mat& picture, const cv::Mat& reference, const cv::Mat& outliers, double passed) {
  bool any = false;
  double bright = 0, dark = 0;
  // Where somebody is and where he just was lie side by side: one is brighter than the reference, the other darker.
  const cv::Mat brighter = picture > reference, sides[] = {outliers & brighter, outliers & ~brighter};
  for (const cv::Mat& side : sides) {
    cv::Mat labels, stats, centres;
    const int count = cv::connectedComponentsWithStats(side, labels, stats, centres, 8, CV_32S);
    for (int label = 1; label < count; ++label) {
      if (!is_compact(stats, label, labels.size())) continue;
      const Contrast contrast = contrast_of(picture, reference, outliers, labels, stats, label);
      const double now = std::abs(contrast.picture), then = std::abs(contrast.reference);
      if (std::max(now, then) < kStandsOut) continue;
      any = true;
      if (std::max(now, then) < kClearly * std::min(now, then)) continue;
      ((now > then ? contrast.picture : contrast.reference) > 0 ? bright : dark) += 1;
    }
  }
  if (bright + dark > 0) {
    bright_ += passed * bright / (bright + dark);
    dark_ += passed * dark / (bright + dark);
  }
  const double keep = std::exp(-passed / kForgets_s);
  bright_ *= keep;
  dark_ *= keep;
  const int leaning = bright_ > kMajority * dark_ ? 1 : dark_ > kMajority * bright_ ? -1 : 0;
  if (leaning != 0 && leaning != sign_ && std::max(bright_, dark_) > (sign_ == 0 ? kEnough_s : kToTurn_s)) sign_ = leaning;
  return any;
}

void ThermalPolarity::set(int sign) {
  sign_ = sign;
  bright_ = dark_ = 0;
}

bool has_compact_places(const cv::Mat& picture) {
  cv::Mat smooth;
  cv::blur(picture, smooth, {5, 5});
  polish(smooth);
  for (const double sign : {1.0, -1.0}) {
    cv::Mat labels, stats, centres;
    const cv::Mat out = sign > 0 ? cv::Mat(smooth > kFurniture) : cv::Mat(smooth < -kFurniture);
    const int count = cv::connectedComponentsWithStats(out, labels, stats, centres, 8, CV_32S);
    for (int label = 1; label < count; ++label)
      if (is_compact(stats, label, labels.size())) return true;
  }
  return false;
}

}  // namespace kanhu::models
