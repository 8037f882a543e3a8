// SPDX-License-Identifier: MIT
#include "models/faces/drawn.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "models/faces/painted.hpp"

namespace kanhu::models {
namespace {

constexpr int kSide = 360;  // px of a picture
const cv::Point kMiddle(180, 180);

Point fraction(double x, double y) { return {x / kSide, y / kSide}; }

enum class Manner { kFlat, kSoft, kLines, kShaded };

struct Sitter {
  cv::Scalar paper, skin, hair, cloth, lips;
  double width;   // half of the face's, px
  double height;  // half of it, in widths
};

// A picture of one colour, and the same memory for OpenCV to draw in.
std::pair<DrawnFace, cv::Mat> blank(const cv::Scalar& colour) {
  DrawnFace face{std::vector<std::uint8_t>(3UL * kSide * kSide), kSide, {}};
  cv::Mat pixels(kSide, kSide, CV_8UC3, face.bgr.data());
  pixels.setTo(colour);
  return {std::move(face), pixels};
}

// Light from the upper left; the cheeks fall off like a ball.
void shade(cv::Mat& picture, double width) {
  for (int y = 0; y < picture.rows; ++y) {
    auto* row = picture.ptr<cv::Vec3b>(y);
    for (int x = 0; x < picture.cols; ++x) {
      const double u = (x - kMiddle.x + 0.35 * width) / width, v = (y - kMiddle.y + 0.3 * width) / width;
      const double light = std::clamp(1.12 - 0.22 * (u * u + 0.7 * v * v), 0.55, 1.12);
      for (int c = 0; c < 3; ++c) row[x][c] = cv::saturate_cast<std::uint8_t>(light * row[x][c]);
    }
  }
}

void soften(cv::Mat& picture, double sigma_px, std::uint64_t seed) {
  cv::GaussianBlur(picture, picture, {}, sigma_px);
  cv::Mat noise(picture.size(), CV_16SC3), sum;
  cv::RNG(seed).fill(noise, cv::RNG::NORMAL, 0, 3);
  picture.convertTo(sum, CV_16SC3);
  sum += noise;
  sum.convertTo(picture, CV_8UC3);
}

// Ellipses and lines in the places that books on drawing give.
DrawnFace draw(Manner manner, const Sitter& of, std::uint64_t seed) {
  const bool lines = manner == Manner::kLines;
  const cv::Scalar white(255, 255, 255), skin = lines ? white : of.skin, line = lines ? of.hair : 0.75 * of.skin;
  auto [face, pixels] = blank(lines ? white : of.paper);
  cv::Mat& to = pixels;
  const auto px = [&](double widths) { return static_cast<int>(std::lround(widths * of.width)); };
  const auto filled = [&](const cv::Point& at, const cv::Size& axes, const cv::Scalar& colour, int outline_px) {
    cv::ellipse(to, at, axes, 0, 0, 360, colour, cv::FILLED, cv::LINE_AA);
    if (lines) cv::ellipse(to, at, axes, 0, 0, 360, line, outline_px, cv::LINE_AA);
  };
  if (!lines) {
    filled(kMiddle - cv::Point(0, px(0.25 * of.height)), {px(1.15), px(1.08 * of.height)}, of.hair, 0);
    cv::rectangle(to, {kMiddle.x - px(0.35), kMiddle.y + px(0.5 * of.height)}, {kMiddle.x + px(0.35), kSide}, 0.85 * skin, cv::FILLED);
    cv::rectangle(to, {kMiddle.x - px(1.4), kMiddle.y + px(1.25 * of.height)}, {kMiddle.x + px(1.4), kSide}, of.cloth, cv::FILLED);
  }
  filled(kMiddle, {px(1), px(of.height)}, skin, 4);
  const cv::Point eyes = kMiddle - cv::Point(0, px(0.15 * of.height)), apart(px(0.42), 0);
  for (const cv::Point& eye : {eyes - apart, eyes + apart}) {
    filled(eye, {px(0.17), px(0.09)}, white, 2);
    cv::circle(to, eye, px(0.08), {50, 40, 25}, cv::FILLED, cv::LINE_AA);
    cv::ellipse(to, eye - cv::Point(0, px(0.2)), {px(0.2), px(0.07)}, 0, 180, 360, of.hair, px(0.05), cv::LINE_AA);
  }
  const cv::Point tip = kMiddle + cv::Point(0, px(0.2 * of.height)), nostril(px(0.12), 0);
  cv::line(to, kMiddle - cv::Point(0, px(0.08)), tip - nostril, line, px(0.04), cv::LINE_AA);
  cv::line(to, tip - nostril, tip + nostril, line, px(0.04), cv::LINE_AA);
  const cv::Point mouth = kMiddle + cv::Point(0, px(0.47 * of.height));
  cv::ellipse(to, mouth, {px(0.32), px(0.09)}, 0, 0, 360, lines ? cv::Scalar(90, 90, 90) : of.lips, cv::FILLED, cv::LINE_AA);
  if (manner == Manner::kShaded) shade(to, of.width);
  if (manner == Manner::kShaded || manner == Manner::kSoft) soften(to, manner == Manner::kSoft ? 3 : 1.5, seed);
  const auto at = [](const cv::Point& point) { return fraction(point.x + 0.5, point.y + 0.5); };
  face.points = {at(eyes - apart), at(eyes + apart), at(tip), at(mouth)};
  return face;
}

DrawnFace paint(std::uint32_t seed) {
  constexpr double kWidth = 170;  // px
  DrawnFace face = blank({150, 140, 130}).first;
  paint_face_bgr(face.bgr.data(), kSide, kSide, 3 * kSide,
                 {static_cast<double>(kMiddle.x), static_cast<double>(kMiddle.y), kWidth, seed, true});
  const auto at = [](double u, double v) { return fraction(kMiddle.x + u * kWidth, kMiddle.y + v * kWidth); };
  face.points = {at(-0.195, -0.085), at(0.195, -0.085), at(0, 0.15), at(0, 0.35)};
  return face;
}

void add(std::vector<double>& sum, const std::vector<float>& embedding) {
  sum.resize(embedding.size(), 0);
  for (std::size_t i = 0; i < embedding.size(); ++i) sum[i] += static_cast<double>(embedding[i]);
}

std::vector<float> unit(const std::vector<double>& sum) {
  double length = 0;
  for (const double value : sum) length += value * value;
  length = std::max(std::sqrt(length), 1e-9);
  std::vector<float> made;
  for (const double value : sum) made.push_back(static_cast<float>(value / length));
  return made;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

ImageView DrawnFace::view() const {
  ImageView view;
  view.format = PixelFormat::kBgr24;
  view.width = view.height = side_px;
  view.planes[0] = {bgr.data(), 3 * side_px};
  return view;
}

std::vector<std::vector<DrawnFace>> drawn_faces() {
  const std::array<Sitter, 3> sitters{
      Sitter{{210, 190, 150}, {190, 210, 245}, {20, 25, 30}, {160, 90, 40}, {90, 80, 190}, 90, 1.3},
      Sitter{{120, 150, 110}, {130, 165, 215}, {60, 60, 65}, {60, 60, 170}, {90, 80, 190}, 80, 1.25},
      Sitter{{230, 230, 225}, {70, 95, 140}, {15, 15, 15}, {90, 140, 90}, {80, 70, 150}, 100, 1.35},
  };
  std::vector<std::vector<DrawnFace>> manners;
  std::uint32_t seed = 1;
  for (const Manner manner : {Manner::kFlat, Manner::kSoft, Manner::kLines, Manner::kShaded}) {
    auto& faces = manners.emplace_back();
    for (const Sitter& sitter : sitters) faces.push_back(draw(manner, sitter, seed++));
  }
  manners.push_back({paint(1), paint(2), paint(3)});
  return manners;
}

Result<DrawingCheck> DrawingCheck::make(FaceEmbedder& embedder) {
  DrawingCheck check;
  for (const auto& manner : drawn_faces()) {
    std::vector<double> sum;
    for (const DrawnFace& face : manner) {
      const auto embedding = embedder.embed(face.view(), face.points);
      if (!embedding) return fail(ErrorKind::kInternal, fmt::format("a drawn face: {}", embedding.error().message));
      add(sum, *embedding);
    }
    check.means_.push_back(unit(sum));
  }
  return check;
}

double DrawingCheck::likeness(std::span<const std::vector<float>> shots) const {
  std::vector<double> sum;
  for (const std::vector<float>& shot : shots) add(sum, shot);
  const std::vector<float> mean = unit(sum);
  double most = -1;
  for (const std::vector<float>& drawn : means_) most = std::max(most, cosine(mean, drawn));
  return most;
}

double DrawingCheck::least_between_manners() const {
  double least = 1;
  for (const std::vector<float>& one : means_) {
    double most = -1;
    for (const std::vector<float>& other : means_)
      if (&other != &one) most = std::max(most, cosine(one, other));
    least = std::min(least, most);
  }
  return least;
}

double drawing_threshold(std::string_view embedder) { return embedder == "dlib-resnet-29" ? 0.94 : 2; }

}  // namespace kanhu::models
