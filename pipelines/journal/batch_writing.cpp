// SPDX-License-Identifier: MIT
#include "pipelines/journal/batch_writing.hpp"

#include <deque>
#include <string>

#include "base/fault.hpp"
#include "pipelines/journal/waiting_record.hpp"

namespace kanhu::journal {
namespace {

template <typename Work>
Result<void> on_disk(SegmentWriter& writer, Work&& work) {
  Result<void> done = fail(ErrorKind::kInternal, "writing failed inside the gateway");
  if (!faults::contained("journal", [&] { done = work(); })) faults::contained("journal", [&] { writer.leave_segment(); });
  return done;
}

std::vector<RecordView> records_of(const std::vector<WaitingPtr>& batch, const std::vector<Seen>& seen, std::deque<Record>& gaps) {
  std::vector<RecordView> records;
  records.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) records.push_back(to_record(*batch[i], seen[i].undurable, seen[i].provisional, gaps));
  return records;
}

}  // namespace

std::vector<Seen> seen_of(const std::vector<WaitingPtr>& batch) {
  std::vector<Seen> seen;
  seen.reserve(batch.size());
  for (const WaitingPtr& waiting : batch) seen.push_back({waiting->undurable, waiting->provisional});
  return seen;
}

Result<void> write_events(SegmentWriter& writer, const std::vector<WaitingPtr>& batch, const std::vector<Seen>& seen) {
  return on_disk(writer, [&]() -> Result<void> {
    std::deque<Record> gaps;
    std::vector<RecordView> records = records_of(batch, seen, gaps);
    if (auto done = writer.write(records); !done) return done;
    // They are durable; what they say of open incidents only the next snapshot needs.
    for (std::size_t i = 0; i < batch.size(); ++i) {
      faults::contained("journal", [&] {
        writer.incidents().apply(records[i], batch[i]->event.subject, batch[i]->clip);
        for (const std::string& subject : batch[i]->gap.ended) writer.incidents().end(subject);
      });
    }
    return {};
  });
}

Result<void> write_alarms(SegmentWriter& writer, const std::vector<WaitingPtr>& batch, const std::vector<Seen>& seen) {
  return on_disk(writer, [&] {
    std::deque<Record> none;
    std::vector<RecordView> records = records_of(batch, seen, none);
    for (RecordView& record : records) record.kind = RecordKind::kEarly;
    return writer.write_early(records);
  });
}

Result<void> rotate_segment(SegmentWriter& writer, const Json& application) {
  return on_disk(writer, [&] { return writer.rotate(application); });
}

}  // namespace kanhu::journal
