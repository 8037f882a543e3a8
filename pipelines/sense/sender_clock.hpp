// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "media/packet.hpp"

namespace kanhu::sense {

// What a sender's own time is worth. It is believed while it rises and is within 5 s of arrival; otherwise arrival counts, and the
// fault is named. Thread: confined.
class SenderClock {
 public:
  // The capture time of a reading that arrived at `arrival`.
  CaptureTime take(std::optional<WallTime> measured, WallTime arrival);
  // The fault as of the last reading, fixed words per kind; empty when there is none.
  const std::string& fault() const { return fault_; }

 private:
  std::optional<WallTime> last_;
  std::string fault_;
};

}  // namespace kanhu::sense
