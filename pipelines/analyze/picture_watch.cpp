// SPDX-License-Identifier: MIT
#include "pipelines/analyze/picture_watch.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace kanhu::analyze {
namespace {

constexpr int kColumns = 64;
constexpr int kRows = 36;
constexpr int kStrong = 12;         // levels
constexpr int kStrongSamples = 5;   // of 2304: a person far away in a thermal picture covers about 10
constexpr double kMeanDrift = 2.0;  // levels
constexpr double kUnlike = 0.10;    // of the samples; a living room's pictures of different GOPs differ by 11 % and more
constexpr double kSame = 0.04;      // a frozen picture comes back to less than 1 %
constexpr std::chrono::milliseconds kRememberEvery{190};
constexpr std::size_t kRemembered = 160;  // 32 s: three GOPs of 10 s
constexpr std::chrono::seconds kReturnCounts{20};
constexpr std::chrono::seconds kLeastFreeze{12};

// At least `limit` of the samples differ. Blocks that a vector unit takes at once; living pictures need a few of them.
bool differ(const std::uint8_t* a, const std::uint8_t* b, std::size_t size, std::size_t limit) {
  constexpr std::size_t kBlock = 128;
  std::size_t differing = 0;
  for (std::size_t done = 0; done < size; done += kBlock) {
    const std::size_t end = std::min(size, done + kBlock);
    std::uint8_t count = 0;
    for (std::size_t i = done; i < end; ++i) count = static_cast<std::uint8_t>(count + (a[i] != b[i] ? 1 : 0));
    differing += count;
    if (differing >= limit) return true;
  }
  return false;
}

// One byte that stands for a pixel. Of 16-bit pictures the low byte: any noise changes it; they are never called dark.
std::uint8_t sample(const ImageView& image, int x, int y) {
  const std::uint8_t* row = image.planes[0].data + static_cast<std::ptrdiff_t>(y) * image.planes[0].stride;
  switch (image.format) {
    case PixelFormat::kBgr24: {
      const std::uint8_t* pixel = row + 3 * static_cast<std::ptrdiff_t>(x);
      return static_cast<std::uint8_t>((pixel[0] + 2 * pixel[1] + pixel[2]) / 4);
    }
    case PixelFormat::kCentiCelsius:
      return row[2 * static_cast<std::ptrdiff_t>(x)];
    default:
      return row[x];
  }
}

}  // namespace

void PictureWatch::reset() {
  places_.clear();
  reference_.clear();
  past_.clear();
  past_pts_.clear();
  returned_at_.reset();
  width_ = height_ = 0;
  alive_at_.reset();
  dim_since_.reset();
  changing_ = Truth::kUnknown;
}

void PictureWatch::choose_samples(const ImageView& image, const IgnoreMask& mask) {
  places_.clear();
  reference_.clear();
  past_.clear();
  past_pts_.clear();
  returned_at_.reset();
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

void PictureWatch::remember(MediaTime pts) {
  if (!past_pts_.empty() && pts - past_pts_[newest_] < kRememberEvery) return;
  newest_ = past_pts_.empty() ? 0 : (newest_ + 1) % kRemembered;
  if (newest_ == past_pts_.size()) {
    past_pts_.push_back(pts);
    past_.resize(past_pts_.size() * samples_.size());
  }
  past_pts_[newest_] = pts;
  std::copy(samples_.begin(), samples_.end(), past_.begin() + static_cast<std::ptrdiff_t>(newest_ * samples_.size()));
}

std::optional<MediaTime> PictureWatch::renewed(MediaTime pts) {
  const std::size_t size = samples_.size();
  const auto limit = [size](double share) { return std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(size))); };
  std::optional<MediaTime> changed_at;
  for (std::size_t age = 0; age < past_pts_.size(); ++age) {
    const std::size_t slot = (newest_ + past_pts_.size() - age) % past_pts_.size();
    const std::uint8_t* past = past_.data() + slot * size;
    if (!changed_at) {
      if (differ(samples_.data(), past, size, limit(kUnlike))) changed_at = past_pts_[slot];
    } else if (!differ(samples_.data(), past, size, limit(kSame))) {
      returned_at_ = pts;
      break;
    }
  }
  if (returned_at_ && pts - *returned_at_ < kReturnCounts) return std::nullopt;
  return changed_at;
}

PictureWatch::Verdict PictureWatch::look(const ImageView& image, const IgnoreMask& mask, MediaTime pts) {
  if (image.width <= 0 || image.height <= 0 || image.planes[0].data == nullptr) return {changing_, false, false};
  if (image.width != width_ || image.height != height_ || image.format != format_) choose_samples(image, mask);
  if (places_.empty()) return {Truth::kUnknown, false, false};  // masked from edge to edge: nothing to judge
  read_samples(image);

  Verdict verdict;
  verdict.dim = image.format != PixelFormat::kCentiCelsius && mean_ < health_.dark_below;
  if (!verdict.dim) dim_since_.reset();
  if (verdict.dim && !dim_since_) dim_since_ = pts;
  verdict.dark = verdict.dim && pts - *dim_since_ >= health_.dark_after;

  const bool first = reference_.empty();
  const auto renewed_at = renewed(pts);
  const bool moves = !first && moved();
  const bool news = renewed_at && *renewed_at > *alive_at_;
  if (first || moves || news) {
    alive_at_ = first || moves ? pts : *renewed_at;
    reference_ = samples_;
    reference_mean_ = mean_;
  }
  if (moves || news) changing_ = Truth::kTrue;
  if (pts - *alive_at_ >= std::max<std::chrono::nanoseconds>(health_.freeze_after, kLeastFreeze)) changing_ = Truth::kFalse;
  remember(pts);
  verdict.changing = changing_;
  return verdict;
}

}  // namespace kanhu::analyze
