// SPDX-License-Identifier: MIT
// Which segments are too old or too many. Private to pipelines/publish.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/age_clock.hpp"
#include "config/config.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {

// How many segments go, from the oldest: by bytes and by age, never the newest, none from number `kept_from` on.
std::size_t beyond_retention(const std::vector<SegmentFile>& segments, const JournalConfig& config, std::int64_t now_us,
                             std::uint64_t kept_from);

}  // namespace kanhu::journal
