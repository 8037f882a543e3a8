// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <opencv2/core.hpp>

namespace kanhu::models {

// What a camera writes into its picture: clock, name, crosshair, spot temperatures. Strokes are thinner, sharper and brighter (or
// darker) than anything heat paints through optics, and they stay where they are: found by the white and the black top-hat
// (Meyer 1979; Serra 1982) of the full picture four times a second, kept where they are in most pictures of some seconds. What they
// cover is filled in from around it, so that a stroke over somebody takes nothing away from him. Thread: confined.
class ThermalOverlay {
 public:
  // Four times a second.
  bool is_due(double now, const cv::Size& cells) const;
  // The full picture in grey; `cells` is the size of the working picture.
  void look(const cv::Mat& grey, double now, const cv::Size& cells);
  // What is not zero in `foreign` (CV_8U, may be empty) is masked as well, for this picture.
  void fill(cv::Mat& cells, const cv::Mat& foreign);
  // CV_8U, not zero where the last picture was filled in.
  const cv::Mat& mask() const { return mask_; }

 private:
  cv::Mat share_, strokes_, mask_;
  std::optional<double> last_;
};

}  // namespace kanhu::models
