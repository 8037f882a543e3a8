// SPDX-License-Identifier: MIT
// How fast events become durable, and how late they are received.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "bench/events/figures.hpp"
#include "bench/events/rig.hpp"

namespace kanhu::bench {

// Rounds of about a second, the journal and a raw file in turn. `composed`: with the JSON of each event, otherwise with bytes that are
// ready.
Result<AcceptFigures> measure_accepting(FileIo& io, const std::string& folder, double seconds, bool composed, Account& account);

inline constexpr double kLiveRate = 200;  // events a second

// Accepts `kLiveRate` events a second for so long while a subscriber receives them; when each was received behind its acceptance, in ms.
// Whoever is missing after a patience of 10 s is lost.
Result<std::vector<double>> receive_live(EventsRig& rig, double seconds, Account& account);

Result<LatencyFigures> measure_latency(FileIo& io, EventsRig& rig, const std::string& folder, double seconds, Account& account);

}  // namespace kanhu::bench
