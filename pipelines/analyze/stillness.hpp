// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <vector>

#include "media/frame.hpp"
#include "pipelines/analyze/tracker.hpp"

namespace kanhu::analyze {

// Tells a portrait from a person. A face is static when, for two minutes, it stayed in its place (a quarter of its width)
// and the pixels of that place looked the same, and it has never been seen to move before. Whoever walked in is never
// static, however still he sits, nor is a face that comes back within 30 s to where a living one was last seen.
//
// The look of a place: means of 8 x 8 cells less their mean, over their deviation. Two looks of one painted face 40 px wide
// with sensor noise of sigma 2.6 differ by 0.05; moved by one pixel they differ by 0.31, with the eyes alone moved by one
// by 0.23 (analyze_test "[.figures]"). So a breath that lifts the head by a pixel is a sign of life.
// Thread: confined to the source's claim.
class Stillness {
 public:
  void begin_run() { living_.clear(); }
  // `track` was seen in `image`. True when its `is_static` changed.
  bool look(const ImageView& image, Track& track, MediaTime now);
  void forget(const Track& track, MediaTime now);

 private:
  struct Place {
    Box box;
    MediaTime left{};
  };
  std::deque<Place> living_;  // where living faces were last seen, newest last
};

// Means of 8 x 8 cells of `box` in the luma plane (kBgr24: green), normalised; empty when the box has no pixels.
std::vector<float> look_of(const ImageView& image, const Box& box);
// Root mean square difference of two looks, 0 to 2.
double difference(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace kanhu::analyze
