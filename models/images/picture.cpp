// SPDX-License-Identifier: MIT
#include "models/images/picture.hpp"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace kanhu::models {
namespace {

// A header over somebody else's bytes; cv::Mat wants them mutable but nothing here writes to them.
cv::Mat plane(const ImageView& image, int index, int width, int height, int type) {
  const auto& bytes = image.planes[static_cast<std::size_t>(index)];
  return {height, width, type, const_cast<std::uint8_t*>(bytes.data), static_cast<std::size_t>(bytes.stride)};
}

cv::Mat resized(const cv::Mat& part, const cv::Size& size) {
  if (part.size() == size) return part;
  const bool shrinks = size.width <= part.cols && size.height <= part.rows;
  cv::Mat out;
  cv::resize(part, out, size, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  return out;
}

// The chroma samples that cover `luma`, in a plane of half the size rounded up.
cv::Rect chroma_rect(const cv::Rect& luma) {
  const int left = luma.x / 2;
  const int top = luma.y / 2;
  return {left, top, (luma.x + luma.width + 1) / 2 - left, (luma.y + luma.height + 1) / 2 - top};
}

std::uint8_t clamped(int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); }

// ITU-R BT.601, limited range, in 8-bit fixed point; integers, so the same bits on every machine.
cv::Mat yuv_to_rgb(const cv::Mat& luma, const cv::Mat& chroma) {
  cv::Mat rgb(luma.size(), CV_8UC3);
  for (int row = 0; row < luma.rows; ++row) {
    const auto* y = luma.ptr<std::uint8_t>(row);
    const auto* uv = chroma.ptr<std::uint8_t>(row);
    auto* out = rgb.ptr<std::uint8_t>(row);
    for (int column = 0; column < luma.cols; ++column) {
      const int c = 298 * (y[column] - 16) + 128;
      const int d = uv[2 * column] - 128;
      const int e = uv[2 * column + 1] - 128;
      out[3 * column] = clamped((c + 409 * e) >> 8);
      out[3 * column + 1] = clamped((c - 100 * d - 208 * e) >> 8);
      out[3 * column + 2] = clamped((c + 516 * d) >> 8);
    }
  }
  return rgb;
}

cv::Mat interleaved_chroma(const ImageView& image, const cv::Rect& part, const cv::Size& size) {
  const int width = (image.width + 1) / 2;
  const int height = (image.height + 1) / 2;
  if (image.format == PixelFormat::kNv12) return resized(plane(image, 1, width, height, CV_8UC2)(part), size);
  const cv::Mat parts[2] = {resized(plane(image, 1, width, height, CV_8UC1)(part), size),
                            resized(plane(image, 2, width, height, CV_8UC1)(part), size)};
  cv::Mat both;
  cv::merge(parts, 2, both);
  return both;
}

cv::Mat warmth_as_grey(const ImageView& image, const cv::Size& size) {
  const cv::Mat values(image.height, image.width, CV_16SC1, const_cast<std::uint8_t*>(image.planes[0].data),
                       static_cast<std::size_t>(image.planes[0].stride));
  double coolest = 0, warmest = 0;
  cv::minMaxLoc(values, &coolest, &warmest);
  const double scale = 255.0 / std::max(1.0, warmest - coolest);
  cv::Mat grey, sized;
  values.convertTo(grey, CV_8UC1, scale, -coolest * scale);
  if (size == grey.size()) return grey;
  cv::resize(grey, sized, size, 0, 0, cv::INTER_AREA);
  return sized;
}

}  // namespace

bool is_readable(const ImageView& image) {
  if (image.width <= 0 || image.height <= 0 || image.format == PixelFormat::kCentiCelsius) return false;
  for (int index = 0; index < plane_count(image.format); ++index) {
    const auto& bytes = image.planes[static_cast<std::size_t>(index)];
    if (bytes.data == nullptr || bytes.stride < plane_row_bytes(image.format, index, image.width)) return false;
  }
  return true;
}

cv::Mat to_rgb(const ImageView& image, const cv::Rect& source, const cv::Size& size) {
  cv::Mat rgb;
  switch (image.format) {
    case PixelFormat::kBgr24:
      cv::cvtColor(resized(plane(image, 0, image.width, image.height, CV_8UC3)(source), size), rgb, cv::COLOR_BGR2RGB);
      break;
    case PixelFormat::kI420:
    case PixelFormat::kNv12:
      rgb = yuv_to_rgb(resized(plane(image, 0, image.width, image.height, CV_8UC1)(source), size),
                       interleaved_chroma(image, chroma_rect(source), size));
      break;
    default:
      cv::cvtColor(resized(plane(image, 0, image.width, image.height, CV_8UC1)(source), size), rgb, cv::COLOR_GRAY2RGB);
  }
  return rgb;
}

cv::Mat to_gray(const ImageView& image, const cv::Size& size) {
  if (image.format != PixelFormat::kBgr24) {
    const cv::Mat gray = resized(plane(image, 0, image.width, image.height, CV_8UC1), size);
    return gray.data == image.planes[0].data ? gray.clone() : gray;
  }
  cv::Mat gray;
  cv::cvtColor(resized(plane(image, 0, image.width, image.height, CV_8UC3), size), gray, cv::COLOR_BGR2GRAY);
  return gray;
}

bool is_noisy(const ImageView& image) {
  constexpr int kMost = 256;  // px a side
  constexpr double kLeast = 5, kShare = 0.2;
  const cv::Size size(std::min(image.width, kMost), std::min(image.height, kMost));
  if (size.width < 16 || size.height < 16) return false;
  const cv::Rect middle((image.width - size.width) / 2, (image.height - size.height) / 2, size.width, size.height);
  cv::Mat gray;
  if (image.format == PixelFormat::kBgr24) {
    cv::cvtColor(plane(image, 0, image.width, image.height, CV_8UC3)(middle), gray, cv::COLOR_BGR2GRAY);
  } else {
    gray = plane(image, 0, image.width, image.height, CV_8UC1)(middle);
  }
  // The difference of two Laplacians: 0 wherever the picture is a plane.
  const cv::Matx33f mask(1, -2, 1, -2, 4, -2, 1, -2, 1);
  cv::Mat residue;
  cv::filter2D(gray, residue, CV_16S, mask);
  const double noise = std::sqrt(CV_PI / 2) / 6 * cv::norm(residue, cv::NORM_L1) / static_cast<double>(residue.total());
  cv::Scalar mean, deviation;
  cv::meanStdDev(gray, mean, deviation);
  return noise > kLeast && noise > kShare * deviation[0];
}

bool has_pixels(const ImageView& image) {
  if (image.format != PixelFormat::kCentiCelsius) return is_readable(image);
  return image.width > 0 && image.height > 0 && image.planes[0].data != nullptr && image.planes[0].stride >= 2 * image.width;
}

cv::Mat for_people(const ImageView& image, const cv::Size& size) {
  if (image.format == PixelFormat::kCentiCelsius) return warmth_as_grey(image, size);
  if (image.format == PixelFormat::kGray8) return to_gray(image, size);
  return to_rgb(image, cv::Rect(0, 0, image.width, image.height), size);
}

}  // namespace kanhu::models
