#include "pipelines/analyze/picture_watch.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace kanhu::analyze {
namespace {

constexpr int kColumns = 64;
constexpr int kRows = 36;
constexpr int kStrong = 12;        // levels
constexpr int kStrongSamples = 5;  // of 2304: a person far away in a thermal picture covers about 10
constexpr int kNoisyLevels = 2;
constexpr double kMeanDrift = 2.0;  // levels
// Median share of samples that differ by 2 levels or more between frames 200 ms apart, x264 zerolatency 640x360, at
// 300 kbit/s GOP 1 s and 2 s | 1 Mbit/s GOP 1 s and 4 s:
//   one frozen picture (noise of sigma 1.5 in it)  4.8 %  1.5 % |  2.3 %  0.0 %
//   living room, sensor noise of sigma 0.7         4.5 %  3.9 % | 11.0 %  8.1 %
//   living room, sensor noise of sigma 1.5         7.3 %  8.1 % | 23.1 % 22.8 %
// A frozen picture full of grain (sigma 4) at 300 kbit/s gives 18 %: the encoder never comes to rest, and such a one is
// taken for alive.
constexpr double kNoisyShare = 0.05;

// One byte that stands for a pixel. Of 16-bit pictures the low byte: any noise changes it; they are never called dark.
std::uint8_t sample(const ImageView& image, int x, int y) {
  const std::uint8_t* row = image.planes[0].data + static_cast<std::ptrdiff_t>(y) * image.planes[0].stride;
  switch (image.format) {
    case PixelFormat::kBgr24: {
      const std::uint8_t* pixel = row + 3 * static_cast<std::ptrdiff_t>(x);
      return static_cast<std::uint8_t>((pixel[0] + 2 * pixel[1] + pixel[2]) / 4);
    }
    case PixelFormat::kGray16Le:
      return row[2 * static_cast<std::ptrdiff_t>(x)];
    default:
      return row[x];
  }
}

}  // namespace

void PictureWatch::reset() {
  places_.clear();
  previous_.clear();
  reference_.clear();
  pairs_ = 0;
  width_ = height_ = 0;
  alive_at_.reset();
  dim_since_.reset();
  changing_ = Truth::kUnknown;
}

void PictureWatch::choose_samples(const ImageView& image, const IgnoreMask& mask) {
  places_.clear();
  previous_.clear();
  reference_.clear();
  pairs_ = 0;
  format_ = image.format;
  width_ = image.width;
  height_ = image.height;
  for (int row = 0; row < kRows; ++row)
    for (int column = 0; column < kColumns; ++column) {
      const Place place{(2 * column + 1) * image.width / (2 * kColumns), (2 * row + 1) * image.height / (2 * kRows)};
      if (!mask.covers(place.x, place.y)) places_.push_back(place);
    }
}

void PictureWatch::read_samples(const ImageView& image) {
  samples_.resize(places_.size());
  for (std::size_t i = 0; i < places_.size(); ++i) samples_[i] = sample(image, places_[i].x, places_[i].y);
  const auto sum = std::accumulate(samples_.begin(), samples_.end(), 0L);
  mean_ = static_cast<double>(sum) / static_cast<double>(samples_.size());
}

bool PictureWatch::moved() const {
  if (std::abs(mean_ - reference_mean_) > kMeanDrift) return true;
  int strong = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) strong += std::abs(samples_[i] - reference_[i]) >= kStrong ? 1 : 0;
  return strong >= kStrongSamples;
}

bool PictureWatch::noisy() {
  std::size_t differing = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) differing += std::abs(samples_[i] - previous_[i]) >= kNoisyLevels ? 1u : 0u;
  const double share = static_cast<double>(differing) / static_cast<double>(samples_.size());
  differed_[pairs_++ % differed_.size()] = share >= kNoisyShare;
  if (pairs_ < differed_.size()) return false;
  return std::count(differed_.begin(), differed_.end(), true) > static_cast<std::ptrdiff_t>(differed_.size() / 2);
}

PictureWatch::Verdict PictureWatch::look(const ImageView& image, const IgnoreMask& mask, MediaTime pts) {
  if (image.width <= 0 || image.height <= 0 || image.planes[0].data == nullptr) return {changing_, false, false};
  if (image.width != width_ || image.height != height_ || image.format != format_) choose_samples(image, mask);
  if (places_.empty()) return {Truth::kUnknown, false, false};  // masked from edge to edge: nothing to judge
  read_samples(image);

  Verdict verdict;
  verdict.dim = image.format != PixelFormat::kGray16Le && mean_ < health_.dark_below;
  if (!verdict.dim) dim_since_.reset();
  if (verdict.dim && !dim_since_) dim_since_ = pts;
  verdict.dark = verdict.dim && pts - *dim_since_ >= health_.dark_after;

  const bool first = reference_.empty();
  const bool noise = !first && noisy();  // asked for every pair: it keeps count
  const bool alive = noise || (!first && moved());
  if (first || alive) {
    alive_at_ = pts;
    reference_ = samples_;
    reference_mean_ = mean_;
  }
  if (alive) changing_ = Truth::kTrue;
  if (pts - *alive_at_ >= health_.freeze_after) changing_ = Truth::kFalse;
  previous_ = samples_;
  verdict.changing = changing_;
  return verdict;
}

}  // namespace kanhu::analyze
