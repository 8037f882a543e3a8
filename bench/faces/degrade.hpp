// SPDX-License-Identifier: MIT
// The fixed ways in which every set is made harder. Same picture, same seed: same pixels on every machine with the same build.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/faces/labels.hpp"
#include "bench/faces/picture.hpp"

namespace kanhu::bench {

enum class Degradation { kNone, kHalf, kNight, kH264, kTurn };
inline constexpr Degradation kDegradations[] = {Degradation::kNone, Degradation::kHalf, Degradation::kNight, Degradation::kH264,
                                                Degradation::kTurn};
const char* to_string(Degradation degradation);       // none, half, night, h264, turn
const char* description_of(Degradation degradation);  // in words, with its numbers

// A picture with what is known about it.
struct Scene {
  Picture picture;
  std::vector<Label> faces;
};

// half: every 2x2 pixels become their mean.
// night: gamma 1.5 and a gain to a mean luma of 25, then shot noise of 4 electrons a grey level and read noise of 3 levels
//   (Poisson-Gauss; the Poisson part by its normal approximation). A picture that is darker keeps its gain.
// h264: the last picture of one second of a camera at 25 pictures/s that pans by a pixel a picture, with sensor noise of 2
//   levels, through x264 at 300 kb/s ("veryfast", no look-ahead). kUnsupported without GStreamer's x264enc.
// turn: 30 degrees about the middle, by the seed's lowest bit clockwise or not; the picture grows, its corners have the mean
//   luma. A label keeps its size about its turned middle: faces are about as wide as high.
Result<Scene> degrade(const Scene& scene, Degradation degradation, std::uint64_t seed);

// FNV-1a over a name: a seed that does not depend on what else is in a set.
std::uint64_t seed_of(const std::string& name);

// Numbers of the same bits everywhere: SplitMix64 (Steele, Lea, Flood 2014) and the polar method.
// Thread: confined.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  double uniform();  // 0 <= u < 1
  double normal();   // mean 0, variance 1

 private:
  std::uint64_t state_;
  double kept_ = 0;
  bool has_kept_ = false;
};

}  // namespace kanhu::bench
