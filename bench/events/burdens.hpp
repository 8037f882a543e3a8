// SPDX-License-Identifier: MIT
// Subscribers who cost more than they should: one that never reads, one that subscribes to everything there could be.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "bench/events/figures.hpp"
#include "bench/events/rig.hpp"

namespace kanhu::bench {

// Each beside a subscriber who is well and whose latency is compared with what it was alone; for a time in which a full queue is handed
// to the stalled one. What the gateway's memory has grown by includes the bench's own bookkeeping.
Result<std::vector<BurdenFigures>> measure_burdens(FileIo& io, const std::string& folder, double seconds, Account& account);

}  // namespace kanhu::bench
