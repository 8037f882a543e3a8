// SPDX-License-Identifier: MIT
// When a clip's pictures were taken, from stamps that may lie.
#include <algorithm>
#include <chrono>
#include <map>

#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {
namespace {

using std::chrono::microseconds;

// More than stamps and pts of one camera drift apart within a part: then a clock was set, and pts counts.
constexpr microseconds kApart = std::chrono::seconds(5);
constexpr int kApartShare = 4;
constexpr microseconds kLongestGap = std::chrono::hours(1);  // between two parts; a clip is no longer

struct Ends {
  const SidecarFrame* first = nullptr;
  const SidecarFrame* last = nullptr;
};

}  // namespace

std::pair<WallTime, WallTime> span_of(const std::vector<SidecarFrame>& frames, ClockSource clock) {
  std::map<int, Ends> parts;  // in order
  for (const SidecarFrame& frame : frames) {
    Ends& ends = parts[frame.part];
    if (ends.first == nullptr || frame.pts < ends.first->pts) ends.first = &frame;
    if (ends.last == nullptr || frame.pts > ends.last->pts) ends.last = &frame;
  }
  if (parts.empty()) return {};
  const WallTime from = parts.begin()->second.first->captured.by(clock);
  WallTime to = from;
  microseconds moved{0};  // what a clock that was set has to be set back by
  for (const auto& [number, ends] : parts) {
    const WallTime begins = ends.first->captured.by(clock) + moved;
    if (begins < to - kApart || begins > to + kLongestGap) moved += to - begins;
    const WallTime begun = ends.first->captured.by(clock) + moved;
    const microseconds stamped = ends.last->captured.by(clock) + moved - begun;
    const auto steady = std::chrono::duration_cast<microseconds>(ends.last->pts - ends.first->pts);
    const bool was_set = std::chrono::abs(stamped - steady) > std::max(kApart, steady / kApartShare);
    if (was_set) moved += steady - stamped;
    to = std::max(to, begun + (was_set ? steady : stamped));
  }
  return {from, to};
}

}  // namespace kanhu::record
