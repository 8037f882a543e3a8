// SPDX-License-Identifier: MIT
// How fast somebody who was away has everything.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "bench/events/events.hpp"
#include "bench/events/figures.hpp"
#include "bench/events/rig.hpp"

namespace kanhu::bench {

// Page after page behind everything, each asked for while the one before is looked through: the number of every event is read in the
// answer's text, its JSON is not parsed. `expected`: events of the journal, numbered from 1 without a hole.
Result<CatchUpFigures> catch_up_scanning(const std::string& query, std::uint64_t expected, Account& account);

// By the client that people copy, clients/cpp: every event parsed.
Result<CatchUpFigures> catch_up_parsing(const std::string& live, const std::string& query, std::uint64_t expected, Account& account);

// Fills a journal with so many events, catches up by both, and once more beside live traffic.
Result<CatchUpReport> measure_catch_up(FileIo& io, const std::string& folder, std::uint64_t events, double seconds, Account& account,
                                       const EventsProgress& progress);

// What a line that was cut for `hours` at 50 events a second has missed. kNoSpace when the disk cannot hold it.
Result<StoreFigures> measure_store(FileIo& io, const std::string& folder, double hours, Account& account, const EventsProgress& progress);

}  // namespace kanhu::bench
