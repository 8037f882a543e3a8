// Which segments are too old or too many. Private to pipelines/publish.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "pipelines/publish/segment_reader.hpp"

namespace kanhu::publish {

// The time that ages are counted from: the wall clock, but forward it goes at most kFastest times as fast as real time. A clock that
// is wrong by years for an hour then costs kFastest hours of the oldest events, not the journal; one that was right all along while
// the gateway was off for a month is caught up with in 30 hours.
// Thread: confined.
class AgeClock {
 public:
  static constexpr int kFastest = 24;
  // `held`: where it stood when it was last written down; 0: not known, the wall clock is believed.
  AgeClock(const Clock& clock, std::int64_t held_us);
  std::int64_t now_us();

 private:
  const Clock& clock_;
  std::int64_t held_us_;
  MonoTime at_;
};

// How many segments go, from the oldest: by bytes and by age, never the newest, none from number `kept_from` on.
std::size_t beyond_retention(const std::vector<SegmentFile>& segments, const JournalConfig& config, std::int64_t now_us,
                             std::uint64_t kept_from);

}  // namespace kanhu::publish
