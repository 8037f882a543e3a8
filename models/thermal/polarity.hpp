// SPDX-License-Identifier: MIT
#pragma once

#include <opencv2/core.hpp>

namespace kanhu::models {

// Whether bright is warm or cold. What comes into a room, or leaves it, by itself and is compact is warm: people, first of all. So a
// compact place that stands out from its surroundings now and did not in the reference (somebody came), or did in the reference and
// does not now (somebody who was there has left), votes with its sign as long as it lasts. Thread: confined.
class ThermalPolarity {
 public:
  // Sizes of places, in levels of the reference; `outliers` (CV_8U) where picture and reference differ. `passed` in seconds.
  // Whether there was such a place.
  bool look(const cv::Mat& picture, const cv::Mat& reference, const cv::Mat& outliers, double passed);

  int sign() const { return sign_; }  // 1: bright is warm; -1: bright is cold; 0: not known
  void set(int sign);
  void turn() { set(-sign_); }

 private:
  double bright_ = 0, dark_ = 0;  // s of evidence
  int sign_ = 0;
};

// Whether anything of `picture` could be people, warm or cold: compact and unlike the middle of the picture.
bool has_compact_places(const cv::Mat& picture);

}  // namespace kanhu::models
