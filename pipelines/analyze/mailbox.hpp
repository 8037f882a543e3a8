// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "media/frame.hpp"

namespace kanhu::analyze {

struct RunBegin {
  std::string run;
};
struct RunEnd {
  Error why;
  std::optional<bool> packets_arrive = std::nullopt;
};
struct WaitingFrame {
  Frame frame;
  MonoTime since;
};
using LaneItem = std::variant<RunBegin, WaitingFrame, Tick, RunEnd>;

// What waits for one source, in order.
//  - live: at most one frame, the newest; the older one is handed back to be counted. Beyond 8 waiting ticks of a run a
//    newer tick takes the place of the last one: time is told all the same. Run changes are never lost.
//  - replay: `full` at 4 frames or 16 items; the caller waits, nothing is dropped.
// Thread: confined; the scheduler holds its lock.
class Mailbox {
 public:
  explicit Mailbox(bool replay) : replay_(replay) {}

  bool full() const { return replay_ && (frames_ >= 4 || items_.size() >= 16); }
  bool empty() const { return items_.empty(); }
  bool has_frame() const { return frames_ > 0; }

  // Returns the frame that was overtaken, for the caller to release outside its lock.
  std::optional<LaneItem> push(LaneItem item);
  // Up to and including the first frame.
  std::vector<LaneItem> take();
  std::deque<LaneItem> clear();

 private:
  bool replay_;
  std::deque<LaneItem> items_;
  std::size_t frames_ = 0;
};

}  // namespace kanhu::analyze
