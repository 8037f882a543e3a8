// SPDX-License-Identifier: MIT
#include "pipelines/journal/waiting_record.hpp"

#include <exception>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "pipelines/journal/losses.hpp"

namespace kanhu::journal {
namespace {

constexpr std::size_t kMostBody = 256u << 10;  // far above the contract's 2 KiB; beyond it the body is not kept

std::string least_body(const EventDraft& draft, const EventId& id) {
  return canonical_json({{"specversion", "1.0"},
                         {"id", id.text()},
                         {"source", "/"},
                         {"type", "kanhu." + draft.type},
                         {"subject", draft.subject},
                         {"time", format_utc(draft.time)},
                         {"data", {{"phase", to_string(draft.phase)}}}});
}

}  // namespace

Loss loss_of(const Gap& gap, const std::string& epoch) {
  return {epoch, gap.from, gap.to, gap.to - gap.from + 1, "queue_full", gap.streams};
}

RecordView to_record(const Waiting& waiting, bool undurable, bool provisional, std::deque<Record>& gaps) {
  if (waiting.kind == Waiting::Kind::kGap)
    return gaps.emplace_back(gap_record(loss_of(waiting.gap, {}), waiting.gap.ended, waiting.accepted_us));
  const Event& event = waiting.event;
  RecordView record;
  record.accepted_us = waiting.accepted_us;
  record.kind = RecordKind::kEvent;
  record.phase = static_cast<std::uint8_t>(event.phase);
  record.flags = !undurable ? 0 : provisional ? kFlagProvisional : kFlagLate;
  record.seq = event.id.seq;
  record.stream_seq = event.id.stream_seq;
  record.time_us = to_microseconds(event.time);
  record.stream = event.facility;
  record.source = event.source;
  record.type = event.type;
  record.body = event.body;
  return record;
}

std::string body_of(const Journal::Body& body, const EventDraft& draft, const EventId& id) {
  try {
    std::string made = body(draft, id);
    if (made.size() <= kMostBody) return made;
    log::error("journal", "the body of {} ({}) has {} bytes and is not kept", id.text(), draft.type, made.size());
  } catch (const std::exception& error) {
    log::error("journal", "the body of {} ({}) could not be made: {}", id.text(), draft.type, error.what());
  }
  std::string least;
  // Its number is given already: the event is written whatever stands in it.
  if (!faults::contained("journal", [&] { least = least_body(draft, id); })) least = "{}";
  return least;
}

}  // namespace kanhu::journal
