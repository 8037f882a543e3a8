// SPDX-License-Identifier: MIT
#include "pipelines/journal/retention.hpp"

#include <algorithm>
#include <limits>

#include "base/time.hpp"

namespace kanhu::journal {

std::size_t beyond_retention(const std::vector<SegmentFile>& segments, const JournalConfig& config, std::int64_t now_us,
                             std::uint64_t kept_from) {
  std::uint64_t bytes = 0;
  for (const SegmentFile& segment : segments) bytes += segment.bytes;
  // A segment's records are all older than the creation of each later one; the least of them counts, because a clock may have been
  // wrong in between.
  std::vector<std::int64_t> youngest(segments.size(), std::numeric_limits<std::int64_t>::max());
  for (std::size_t i = segments.size(); i-- > 1;) {
    const auto& header = segments[i].header;
    youngest[i - 1] = std::min(youngest[i], header ? header->created_us : youngest[i]);
  }
  const std::int64_t oldest_kept_us = now_us - std::chrono::duration_cast<std::chrono::microseconds>(config.most_age).count();
  std::size_t gone = 0;
  while (gone + 1 < segments.size() && segments[gone].number < kept_from) {
    if (bytes <= config.most_bytes && youngest[gone] >= oldest_kept_us) break;
    bytes -= segments[gone].bytes;
    ++gone;
  }
  return gone;
}

}  // namespace kanhu::journal
