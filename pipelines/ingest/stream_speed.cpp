// SPDX-License-Identifier: MIT
#include "pipelines/ingest/stream_speed.hpp"

#include <fmt/format.h>

#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::chrono::seconds kSpan{10};
constexpr double kMostPixelsPerSecond = 30.0 * kMostWidth * kMostHeight;
constexpr double kTolerance = 1.1;
constexpr std::chrono::milliseconds kShortest{4};
constexpr std::chrono::seconds kLongest{60};

}  // namespace

std::optional<Error> StreamSpeed::too_fast(MonoTime arrival, const StreamFormat& format, bool decoded) {
  if (!since_) since_ = arrival;
  ++pictures_;
  pixels_ += static_cast<std::uint64_t>(format.width) * static_cast<std::uint64_t>(format.height);
  const auto passed = arrival - *since_;
  if (passed < kSpan) return std::nullopt;
  const double seconds = to_seconds(passed);
  const double rate = static_cast<double>(pictures_) / seconds;
  const double pixel_rate = static_cast<double>(pixels_) / seconds;
  since_ = arrival;
  pictures_ = 0;
  pixels_ = 0;
  if (rate > kMostFramesPerSecond * kTolerance)
    return Error{ErrorKind::kUnsupported,
                 fmt::format("{:.0f} pictures a second come, more than {:.0f} is not accepted; lower the frame rate in the "
                             "camera's video settings",
                             rate, kMostFramesPerSecond)};
  if (decoded && pixel_rate > kMostPixelsPerSecond * kTolerance)
    return Error{
        ErrorKind::kUnsupported,
        fmt::format("{:.0f} pictures of {}x{} a second come, more than can be analysed; lower the frame rate or the resolution, or "
                    "analyse the sub stream",
                    rate, format.width, format.height)};
  return std::nullopt;
}

std::chrono::nanoseconds plausible_duration(std::uint64_t nanoseconds) {
  if (nanoseconds < static_cast<std::uint64_t>(std::chrono::nanoseconds(kShortest).count()) ||
      nanoseconds > static_cast<std::uint64_t>(std::chrono::nanoseconds(kLongest).count()))
    return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

}  // namespace kanhu::ingest
