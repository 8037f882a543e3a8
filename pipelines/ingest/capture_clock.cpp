// SPDX-License-Identifier: MIT
#include "pipelines/ingest/capture_clock.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::chrono::seconds kNtpToUnix{2'208'988'800};          // 1900-01-01 to 1970-01-01, RFC 5905 figure 4
constexpr std::chrono::seconds kEarliestPlausible{1'577'836'800};  // 2020-01-01
constexpr std::chrono::milliseconds kSameFrame{1};
// pts come from a 90 kHz clock and are rounded on the way: a frame due at a slot's start may be a hair early.
constexpr double kSlotTolerance_s = 0.001;

}  // namespace

std::optional<WallTime> ntp_time_of(GstBuffer* buffer) {
  static GstCaps* const kNtp = gst_caps_new_empty_simple("timestamp/x-ntp");
  const GstReferenceTimestampMeta* meta = gst_buffer_get_reference_timestamp_meta(buffer, kNtp);
  if (meta == nullptr || !GST_CLOCK_TIME_IS_VALID(meta->timestamp)) return std::nullopt;
  const auto since_1900 = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds(meta->timestamp));
  const auto unix = since_1900 - kNtpToUnix;
  if (unix < kEarliestPlausible) return std::nullopt;
  return WallTime(unix);
}

CaptureTime recorded_time(const std::vector<RecordedTime>& times, WallTime start, MediaTime pts) {
  const auto after =
      std::lower_bound(times.begin(), times.end(), pts, [](const RecordedTime& time, MediaTime at) { return time.pts < at; });
  const RecordedTime* nearest = nullptr;
  if (after != times.end()) nearest = &*after;
  if (after != times.begin()) {
    const RecordedTime& before = *(after - 1);
    if (nearest == nullptr || pts - before.pts < nearest->pts - pts) nearest = &before;
  }
  if (nearest != nullptr && std::chrono::abs(nearest->pts - pts) <= kSameFrame) return nearest->captured;
  CaptureTime captured;
  captured.arrival = start + std::chrono::duration_cast<std::chrono::microseconds>(pts.time_since_epoch());
  captured.from_file = true;
  return captured;
}

CaptureTime advanced(const CaptureTime& from, std::chrono::nanoseconds passed) {
  CaptureTime moved = from;
  const auto by = std::chrono::duration_cast<std::chrono::microseconds>(passed);
  moved.arrival += by;
  if (moved.rtcp) *moved.rtcp += by;
  return moved;
}

bool FrameThinner::wants(MediaTime pts) {
  if (frames_per_second_ <= 0) return true;
  const auto slot = static_cast<std::int64_t>(std::floor((to_seconds(pts.time_since_epoch()) + kSlotTolerance_s) * frames_per_second_));
  // A pts that jumps back by more than a slot starts anew: better a frame too many than none for the length of the jump.
  if (last_slot_ && slot <= *last_slot_ && slot >= *last_slot_ - 1) return false;
  last_slot_ = slot;
  return true;
}

}  // namespace kanhu::ingest
