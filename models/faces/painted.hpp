// SPDX-License-Identifier: MIT
// A face painted by arithmetic, as near to a photograph as that goes: what enrolment must not take for one (drawn_face.hpp), the
// people of simulated cameras without photographs, and of tests.
#pragma once

#include <cstdint>

namespace kanhu::models {

// Where and what to paint. The same values always give the same pixels.
struct PaintedFace {
  double center_x_px = 0;  // middle of the face (between nose and eyes)
  double center_y_px = 0;
  double width_px = 0;     // cheek to cheek; hair and shoulders reach further
  std::uint32_t seed = 1;  // varies skin, hair, clothing and proportions a little
  bool shoulders = true;   // neck and clothing below the chin
};

// Paint over a picture of 8 bits a channel; parts outside the picture are cut off.
// `stride` is bytes per row. BGR is three bytes a pixel; I420 has even width and height and limited-range BT.601.
void paint_face_bgr(std::uint8_t* bgr, int width, int height, int stride, const PaintedFace& face);
void paint_face_gray(std::uint8_t* gray, int width, int height, int stride, const PaintedFace& face);

struct I420Planes {
  std::uint8_t* y = nullptr;
  std::uint8_t* u = nullptr;
  std::uint8_t* v = nullptr;
  int y_stride = 0, u_stride = 0, v_stride = 0;
};
void paint_face_i420(const I420Planes& planes, int width, int height, const PaintedFace& face);

// The painter itself: what covers the point (u, v), in face widths from the face's middle, u to the right, v down.
struct FacePaint {
  double blue = 0, green = 0, red = 0;  // 0..255
  double cover = 0;                     // 0 = nothing there, 1 = opaque
};
FacePaint face_paint_at(double u, double v, const PaintedFace& face);

}  // namespace kanhu::models
