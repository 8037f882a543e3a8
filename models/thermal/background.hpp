// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

namespace kanhu::models {

// A connected place warmer than the empty room.
struct WarmBlob {
  int label = 0;          // in ThermalBackground::labels()
  double x = 0, y = 0;    // middle of its warmth beyond the threshold, px
  double heat = 0;        // K m2: warmth above the room, summed over its area
  double core_k = 0;      // that warmth, summed over its pixels
  double spread_px2 = 0;  // squared distances of its pixels from its middle, summed
  double peak_k = 0;      // above the room
  cv::Rect box;
};

// The empty room, as far as it has been seen empty. Learned where nobody is and nothing warm is near (selective update, as in
// KaewTraKulPong and Bowden 2001); what all places have in common (the heating, a calibration) is taken out by the median of the
// places where nothing is. A place counts as warm by a margin that grows with the noise.
// Thread: confined.
class ThermalBackground {
 public:
  // What is in the first picture may be people: where it is warmer than the middle of the room by more than furniture is, the
  // background is made up.
  void begin(const cv::Mat& picture);
  // Under `box` the room is no warmer than its middle: what shows there is somebody.
  void uncover(const cv::Rect& box);
  bool empty() const { return base_.empty(); }
  void lift(double level_k) { base_ += level_k; }  // the level has jumped

  // Warm places of `smoothed` (degrees); `area_m2` of a pixel of each row. Blobs in order of their labels.
  std::vector<WarmBlob> look(const cv::Mat& smoothed, double smoothed_noise_k, const std::vector<double>& area_m2, double now);
  // Learns from the picture last looked at. `absorb[label]`: a thing, which becomes background within seconds. Where `keep` is not
  // zero nothing is learned. `passed` seconds since the picture before.
  void learn(const std::vector<std::uint8_t>& absorb, const cv::Mat& keep, double passed);

  const cv::Mat& labels() const { return labels_; }
  const cv::Mat& warmth() const { return warmth_; }
  double level_c() const { return level_; }          // mean of the empty room
  double threshold_k() const { return threshold_; }  // of the picture last looked at
  // The most a place inside `box` was above the room two seconds ago; nothing known: a very small number.
  double peak_before(const cv::Rect& box) const;

 private:
  void take_out_drift();

  cv::Mat base_, warmth_, mask_, labels_;
  double level_ = 22, threshold_ = 1;
  std::deque<std::pair<double, cv::Mat>> recent_;  // warmth, two a second
  std::vector<float> scratch_;
};

}  // namespace kanhu::models
