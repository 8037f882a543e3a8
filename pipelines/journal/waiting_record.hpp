// SPDX-License-Identifier: MIT
// Private to pipelines/publish.
#pragma once

#include <deque>
#include <string>

#include "pipelines/journal/commit_queue.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/record_format.hpp"

namespace kanhu::journal {

Loss loss_of(const Gap& gap, const std::string& epoch);

// The record of an event or a gap; its texts are those of `waiting`, or of one that is added to `gaps`. `undurable`, `provisional`: how it
// has been handed out before.
RecordView to_record(const Waiting& waiting, bool undurable, bool provisional, std::deque<Record>& gaps);

// What `body` makes; should it fail or be far too large, the CloudEvents minimum: a number once given must have a body.
std::string body_of(const Journal::Body& body, const EventDraft& draft, const EventId& id);

}  // namespace kanhu::journal
