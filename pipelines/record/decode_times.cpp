// SPDX-License-Identifier: MIT
#include "pipelines/record/decode_times.hpp"

#include <algorithm>

namespace kanhu::record {
namespace {

constexpr std::chrono::milliseconds kUnknownFrame{40};
constexpr std::chrono::microseconds kSmallestStep{20};  // above one tick of the file's 90 kHz time scale (11.1 us)

}  // namespace

DecodeTimes::DecodeTimes(std::span<const MediaTime> first) {
  for (std::size_t i = 0; i < first.size(); ++i)
    depth_ = std::max(depth_, static_cast<std::size_t>(std::count_if(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(i),
                                                                     [&](MediaTime earlier) { return earlier > first[i]; })));
  const auto [lowest, highest] = std::minmax_element(first.begin(), first.end());
  frame_ = kUnknownFrame;
  if (first.size() > 1 && *highest > *lowest) frame_ = (*highest - *lowest) / static_cast<std::int64_t>(first.size() - 1);
  earliest_ = *lowest;
  first_dts_ = earliest_ - frame_ * static_cast<std::int64_t>(depth_);
}

DecodeTimes::Times DecodeTimes::next(MediaTime pts) {
  MediaTime dts = first_dts_ + frame_ * static_cast<std::int64_t>(count_);
  waiting_.push(pts);
  if (count_ >= depth_) {
    dts = waiting_.top();
    waiting_.pop();
  }
  dts = std::min(dts, pts);
  if (count_ > 0) dts = std::max(dts, last_dts_ + kSmallestStep);
  ++count_;
  last_dts_ = dts;
  return {std::max(pts, dts), dts};
}

}  // namespace kanhu::record
