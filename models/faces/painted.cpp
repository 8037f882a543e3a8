// SPDX-License-Identifier: MIT
#include "models/faces/painted.hpp"

#include <algorithm>
#include <cmath>

namespace kanhu::models {
namespace {

struct Colour {
  double blue, green, red;
};

Colour mix(const Colour& a, const Colour& b, double share) {
  return {a.blue + (b.blue - a.blue) * share, a.green + (b.green - a.green) * share, a.red + (b.red - a.red) * share};
}

Colour scaled(const Colour& c, double gain) { return {c.blue * gain, c.green * gain, c.red * gain}; }

// 1 inside the ellipse, 0 outside, with an edge of `soft` (in units of the radius).
double ellipse(double u, double v, double center_u, double center_v, double radius_u, double radius_v, double soft) {
  const double du = (u - center_u) / radius_u;
  const double dv = (v - center_v) / radius_v;
  const double distance = std::sqrt(du * du + dv * dv);
  return std::clamp((1.0 - distance) / soft + 0.5, 0.0, 1.0);
}

double bump(double u, double v, double center_u, double center_v, double sigma_u, double sigma_v) {
  const double du = (u - center_u) / sigma_u;
  const double dv = (v - center_v) / sigma_v;
  const double squared = du * du + dv * dv;
  return squared > 18 ? 0.0 : std::exp(-0.5 * squared);  // e^-9 of a colour difference is nothing
}

// Eight bits of the seed, spread by a multiplicative hash, as -1..1.
double vary(std::uint32_t seed, std::uint32_t index) {
  std::uint32_t x = (seed + 1) * 2654435761U + index * 2246822519U;
  x ^= x >> 15;
  x *= 2246822519U;
  x ^= x >> 13;
  return static_cast<double>((x >> 8) & 0xffU) / 127.5 - 1.0;
}

struct Look {
  Colour skin, hair, cloth, lips;
  double eye_distance, brow_height, mouth_width, face_height;
};

Look look_of(std::uint32_t seed) {
  const double tone = 1.0 + 0.10 * vary(seed, 0);
  const double hair = 1.0 + 0.5 * vary(seed, 1);
  return Look{scaled({138, 170, 214}, tone),
              scaled({34, 38, 46}, hair),
              {110 + 50 * vary(seed, 2), 90 + 40 * vary(seed, 3), 80 + 50 * vary(seed, 4)},
              scaled({92, 92, 168}, tone),
              0.195 + 0.010 * vary(seed, 5),
              -0.215 + 0.012 * vary(seed, 6),
              0.165 + 0.015 * vary(seed, 7),
              0.66 + 0.02 * vary(seed, 8)};
}

void over(FacePaint& paint, const Colour& colour, double cover) {
  const double rest = paint.cover * (1.0 - cover);
  const double total = rest + cover;
  if (total <= 0) return;
  paint.blue = (paint.blue * rest + colour.blue * cover) / total;
  paint.green = (paint.green * rest + colour.green * cover) / total;
  paint.red = (paint.red * rest + colour.red * cover) / total;
  paint.cover = total;
}

// One eye with its socket, lids and brow; `side` is -1 or 1.
Colour with_eye(Colour colour, double u, double v, double side, const Look& look) {
  const double eu = side * look.eye_distance;
  const double ev = -0.085;
  const Colour dark = {30, 34, 44};
  colour = mix(colour, scaled(look.skin, 0.55), 0.55 * bump(u, v, eu, ev - 0.02, 0.10, 0.055));
  const double white = ellipse(u, v, eu, ev, 0.088, 0.040, 0.25);
  colour = mix(colour, {205, 208, 212}, 0.9 * white);
  colour = mix(colour, {38, 44, 58}, white * ellipse(u, v, eu, ev, 0.040, 0.042, 0.3));
  colour = mix(colour, {12, 12, 14}, white * ellipse(u, v, eu, ev, 0.019, 0.020, 0.4));
  colour = mix(colour, {235, 235, 235}, white * ellipse(u, v, eu + 0.012, ev - 0.013, 0.009, 0.009, 0.6));
  const double lid_v = ev - 0.040 + 0.045 * std::pow((u - eu) / 0.095, 2.0);
  colour = mix(colour, dark, 0.85 * bump(u, v, eu, lid_v, 0.075, 0.011));
  colour = mix(colour, scaled(look.skin, 0.6), 0.5 * bump(u, v, eu, ev + 0.052, 0.075, 0.014));
  const double along = (u - eu) * side;  // towards the temple
  const double brow_v = look.brow_height + 0.9 * along * along - 0.10 * along;
  colour = mix(colour, mix(look.hair, dark, 0.5), 0.92 * bump(u, v, eu + side * 0.01, brow_v, 0.085, 0.018));
  return colour;
}

Colour face_colour(double u, double v, const Look& look) {
  // Light from above and slightly from the left; the cheeks turn away towards the outline.
  const double roundness = (u * u) / (0.47 * 0.47) + (v * v) / (0.70 * 0.70);
  Colour colour = scaled(look.skin, 1.06 - 0.34 * roundness - 0.07 * u - 0.05 * v);
  colour = mix(colour, scaled(look.skin, 1.2), 0.35 * bump(u, v, 0, -0.40, 0.20, 0.09));
  for (const double side : {-1.0, 1.0}) {
    colour = mix(colour, scaled(look.skin, 1.15), 0.35 * bump(u, v, side * 0.25, 0.13, 0.08, 0.06));
    colour = mix(colour, scaled(look.skin, 0.70), 0.45 * bump(u, v, side * 0.085, 0.02, 0.022, 0.12));
    colour = mix(colour, scaled(look.skin, 0.62), 0.45 * bump(u, v, side * 0.19, 0.27, 0.025, 0.06));
    colour = with_eye(colour, u, v, side, look);
    colour = mix(colour, {30, 36, 60}, 0.8 * bump(u, v, side * 0.048, 0.200, 0.022, 0.012));
    colour = mix(colour, scaled(look.skin, 0.62), 0.6 * bump(u, v, side * 0.095, 0.175, 0.016, 0.030));
  }
  colour = mix(colour, scaled(look.skin, 1.25), 0.55 * bump(u, v, -0.005, 0.02, 0.022, 0.14));
  colour = mix(colour, scaled(look.skin, 1.25), 0.5 * bump(u, v, 0, 0.145, 0.035, 0.03));
  colour = mix(colour, scaled(look.skin, 0.60), 0.55 * bump(u, v, 0, 0.222, 0.075, 0.016));
  const double bow = 0.36 - 0.25 * u * u;
  colour = mix(colour, look.lips, 0.9 * ellipse(u, v, 0, bow, look.mouth_width, 0.048, 0.25));
  colour = mix(colour, {36, 32, 70}, 0.85 * bump(u, v, 0, bow - 0.002, look.mouth_width * 0.55, 0.010));
  colour = mix(colour, scaled(look.skin, 0.62), 0.55 * bump(u, v, 0, 0.430, 0.10, 0.018));
  colour = mix(colour, scaled(look.skin, 1.12), 0.35 * bump(u, v, 0, 0.52, 0.08, 0.04));
  return colour;
}

std::uint8_t blended(std::uint8_t below, double above, double cover) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(below + (above - below) * cover), 0L, 255L));
}

// Calls put(x, y, paint) for each pixel the face touches; a pixel is the mean of 2 x 2 points.
template <typename Put>
void for_each_pixel(int width, int height, const PaintedFace& face, Put put) {
  if (face.width_px < 1) return;
  const double reach_down = face.shoulders ? 1.75 : 0.95;
  const int left = std::max(0, static_cast<int>(face.center_x_px - 1.1 * face.width_px));
  const int right = std::min(width, static_cast<int>(face.center_x_px + 1.1 * face.width_px) + 1);
  const int top = std::max(0, static_cast<int>(face.center_y_px - 1.0 * face.width_px));
  const int bottom = std::min(height, static_cast<int>(face.center_y_px + reach_down * face.width_px) + 1);
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      FacePaint sum;
      for (const double dy : {0.25, 0.75}) {
        for (const double dx : {0.25, 0.75}) {
          const FacePaint p = face_paint_at((x + dx - face.center_x_px) / face.width_px, (y + dy - face.center_y_px) / face.width_px, face);
          sum.blue += p.blue * p.cover;
          sum.green += p.green * p.cover;
          sum.red += p.red * p.cover;
          sum.cover += p.cover;
        }
      }
      if (sum.cover <= 0) continue;
      put(x, y, FacePaint{sum.blue / sum.cover, sum.green / sum.cover, sum.red / sum.cover, sum.cover / 4});
    }
  }
}

double luma_of(const FacePaint& p) { return 16 + 0.257 * p.red + 0.504 * p.green + 0.098 * p.blue; }

}  // namespace

FacePaint face_paint_at(double u, double v, const PaintedFace& face) {
  const Look look = look_of(face.seed);
  FacePaint paint;
  over(paint, scaled(look.hair, 0.9), ellipse(u, v, 0, -0.12, 0.60, 0.72, 0.05));
  if (face.shoulders) {
    const double slope = 0.98 + 0.35 * u * u;
    const double body = std::clamp((v - slope) / 0.02, 0.0, 1.0) * std::clamp((1.0 - std::abs(u)) / 0.03, 0.0, 1.0) *
                        std::clamp((1.75 - v) / 0.02, 0.0, 1.0);
    over(paint, scaled(look.cloth, 1.0 - 0.35 * u * u), body);
    const double neck = std::clamp((0.25 + 0.04 * (v - 0.6) - std::abs(u)) / 0.02, 0.0, 1.0) * std::clamp((v - 0.2) / 0.02, 0.0, 1.0) *
                        std::clamp((1.08 - 0.9 * u * u - v) / 0.02, 0.0, 1.0);
    over(paint, scaled(look.skin, 0.62 + 0.12 * std::clamp(v - 0.7, 0.0, 1.0)), neck);
  }
  const double ears = std::max(ellipse(u, v, -0.48, 0.02, 0.06, 0.13, 0.15), ellipse(u, v, 0.48, 0.02, 0.06, 0.13, 0.15));
  over(paint, scaled(look.skin, 0.78), ears);
  if (const double cover = ellipse(u, v, 0, 0.04, 0.47, look.face_height, 0.04); cover > 0) over(paint, face_colour(u, v, look), cover);
  // The fringe: hair above a hairline that falls towards the temples.
  const double hairline = -0.44 + 1.15 * u * u * std::abs(u) * 2.2 + 0.02 * std::sin(9 * u);
  const double fringe = std::clamp((hairline - v) / 0.03, 0.0, 1.0) * ellipse(u, v, 0, -0.12, 0.60, 0.72, 0.05);
  over(paint, scaled(look.hair, 1.0 + 0.25 * std::sin(30 * u + 6 * v)), fringe);
  return paint;
}

void paint_face_bgr(std::uint8_t* bgr, int width, int height, int stride, const PaintedFace& face) {
  for_each_pixel(width, height, face, [&](int x, int y, const FacePaint& p) {
    std::uint8_t* pixel = bgr + static_cast<std::ptrdiff_t>(y) * stride + 3 * x;
    pixel[0] = blended(pixel[0], p.blue, p.cover);
    pixel[1] = blended(pixel[1], p.green, p.cover);
    pixel[2] = blended(pixel[2], p.red, p.cover);
  });
}

void paint_face_gray(std::uint8_t* gray, int width, int height, int stride, const PaintedFace& face) {
  for_each_pixel(width, height, face, [&](int x, int y, const FacePaint& p) {
    std::uint8_t& pixel = gray[static_cast<std::ptrdiff_t>(y) * stride + x];
    pixel = blended(pixel, luma_of(p), p.cover);
  });
}

void paint_face_i420(const I420Planes& planes, int width, int height, const PaintedFace& face) {
  for_each_pixel(width, height, face, [&](int x, int y, const FacePaint& p) {
    std::uint8_t& luma = planes.y[static_cast<std::ptrdiff_t>(y) * planes.y_stride + x];
    luma = blended(luma, luma_of(p), p.cover);
    if (x % 2 != 0 || y % 2 != 0) return;
    std::uint8_t& cb = planes.u[static_cast<std::ptrdiff_t>(y / 2) * planes.u_stride + x / 2];
    std::uint8_t& cr = planes.v[static_cast<std::ptrdiff_t>(y / 2) * planes.v_stride + x / 2];
    cb = blended(cb, 128 - 0.148 * p.red - 0.291 * p.green + 0.439 * p.blue, p.cover);
    cr = blended(cr, 128 + 0.439 * p.red - 0.368 * p.green - 0.071 * p.blue, p.cover);
  });
}

}  // namespace kanhu::models
