// SPDX-License-Identifier: MIT
// A batch of the line on its way to the disk: what the journal's writing thread does without its mutex. An exception while writing is a
// failed write: what stands behind the last durable record is cut, and the same events are tried again in a new segment. What is durable
// the writer alone knows, and it learns that without throwing. Private to pipelines/publish.
#pragma once

#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/journal/commit_queue.hpp"
#include "pipelines/journal/segment_writer.hpp"

namespace kanhu::journal {

// What each of a batch was at the time it was taken.
struct Seen {
  bool undurable = false, provisional = false;
};
std::vector<Seen> seen_of(const std::vector<WaitingPtr>& batch);

// All without an exception; kInternal when there was one, which is noted (base/fault.hpp). Durable when they return success.
Result<void> write_events(SegmentWriter& writer, const std::vector<WaitingPtr>& batch, const std::vector<Seen>& seen);
Result<void> write_alarms(SegmentWriter& writer, const std::vector<WaitingPtr>& batch, const std::vector<Seen>& seen);
Result<void> rotate_segment(SegmentWriter& writer, const Json& application);

}  // namespace kanhu::journal
