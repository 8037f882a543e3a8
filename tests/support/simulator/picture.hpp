// SPDX-License-Identifier: MIT
// Pictures in memory as the simulator paints them: planar 4:2:0 for the encoders, and cut-outs to lay over them.
#pragma once

#include <cstdint>
#include <vector>

namespace kanhu::simulator {

// I420, limited-range BT.601, planes without padding. Width is a multiple of 8 and height of 2, so that these are
// also GStreamer's default strides.
struct Picture {
  Picture() = default;
  Picture(int width_px, int height_px);
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> y, u, v;
};

// An upright picture with cover, four bytes a pixel: blue, green, red, cover (0 = nothing, 255 = opaque).
struct CutOut {
  CutOut() = default;
  CutOut(int width_px, int height_px);
  std::uint8_t* at(int x, int y_px) {
    return &bgra[4 * (static_cast<std::size_t>(y_px) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x))];
  }
  const std::uint8_t* at(int x, int y_px) const {
    return &bgra[4 * (static_cast<std::size_t>(y_px) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x))];
  }
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> bgra;
};

// Area-averaged copy of another size (bilinear when it grows).
CutOut resized(const CutOut& source, int width, int height);

// A cut-out converted once to luma, chroma and cover, ready to be laid over pictures frame by frame.
struct Sprite {
  explicit Sprite(const CutOut& cut_out);
  Sprite() = default;
  int width = 0;                               // even
  int height = 0;                              // even
  std::vector<std::uint8_t> y, cover;          // width x height
  std::vector<std::uint8_t> u, v, half_cover;  // half of both
};

// Lays the sprite over the picture with its left upper corner at (left, top), rounded to even; cut off at the edges.
void lay_over(Picture& picture, const Sprite& sprite, int left, int top);

// Adds noise of a sensor: about +-amplitude levels of luma, the same for the same frame number.
void add_noise(Picture& picture, int amplitude, std::uint32_t frame_number);

// luma' = 16 + (luma - 16) * gain, chroma' = 128 + (chroma - 128) * saturation.
void grade(Picture& picture, double gain, double saturation);

}  // namespace kanhu::simulator
