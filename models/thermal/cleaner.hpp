// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>

#include "media/thermal_frame.hpp"

namespace kanhu::models {

// What an infrared sensor delivers, as far as it can be believed: pixels that are stuck or out of range take the median of their
// neighbours, a large picture becomes the means of squares of pixels (80 columns at most), and the noise of one picture is known.
// A picture that repeats the one before tells nothing new: a closed shutter at first (FFC, NUC), a stuck sensor after a while.
// Thread: confined.
class ThermalCleaner {
 public:
  enum class Verdict { kNew, kRepeated, kUnreadable };

  // kNew: `picture()` is this one. A frame of another size or kind starts anew. `now` in seconds of media time.
  Verdict take(const ThermalFrame& frame, double now);

  const cv::Mat& picture() const { return picture_; }    // CV_32F, degrees
  const cv::Mat& smoothed() const { return smoothed_; }  // the same over a quarter of a second
  double noise_k() const { return noise_; }              // standard deviation of one pixel of `picture()`
  double smoothed_noise_k() const;
  int factor() const { return factor_; }                                  // pixels of the frame a side of one of the picture
  std::optional<double> repeats_since() const { return repeats_since_; }  // s
  bool restarted() const { return restarted_; }                           // with the last frame taken
  void lift(float level_k) { smoothed_ += level_k; }                      // the level has jumped: no need to wait for it
  double level_jump_k() const;                                            // of the picture against the smoothed one
  // The warmest pixel of the frame inside `box` of the picture, degrees; of good pixels only.
  double hottest(const ThermalFrame& frame, const cv::Rect& box) const;

 private:
  void restart(const ThermalFrame& frame);
  void note_stuck(const ThermalFrame& frame);
  bool is_bad(const ThermalFrame& frame, std::size_t pixel) const;
  float mended(const ThermalFrame& frame, int x, int y) const;
  void reduce(const ThermalFrame& frame);
  void note_noise();

  ThermalKind kind_ = ThermalKind::kRadiometric;
  int width_ = 0, height_ = 0, factor_ = 1;
  bool restarted_ = false;
  long pictures_ = 0;
  std::vector<std::int16_t> last_;
  std::vector<std::uint8_t> same_for_;  // pictures in which a pixel said the same
  std::vector<std::size_t> bad_;        // of the last frame
  std::optional<double> repeats_since_, last_time_;
  cv::Mat picture_, previous_, smoothed_;
  double noise_ = 0.2, share_ = 1;
  mutable std::vector<float> scratch_;
};

// The middle of `values`, which are put in another order; 0 of none.
double median_of_floats(std::vector<float>& values);

}  // namespace kanhu::models
