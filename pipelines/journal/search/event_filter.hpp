// SPDX-License-Identifier: MIT
// What a search of the journal asks for, and what it looks at in a record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "pipelines/journal/record_format.hpp"

namespace kanhu::journal {

// What a search needs of an event's body, beside what stands in its record. Absent ones are empty.
struct EventFacts {
  std::string subject, zone, severity, person;  // person: the opaque name, of a recognized face
  bool operator==(const EventFacts&) const = default;
};
// Nothing of a body that is no JSON object; never fails.
EventFacts facts_of(std::string_view body);

// Everything that is said must hold; what is left empty is not asked for.
struct EventFilter {
  std::optional<WallTime> since, until;  // capture time; `until` itself is outside
  std::string facility;                  // "-": the gateway's own
  std::string source;
  std::string type;     // without "kanhu."; "camera." and "camera.*" are all that begin so
  std::string subject;  // the first digits are enough
  std::string zone, severity, person;
  std::string epoch;       // the first digits are enough
  std::uint64_t seq = 0;   // within the epoch; 0: any
  std::uint64_t most = 0;  // only the newest ones; 0: all
  bool needs_facts() const { return !subject.empty() || !zone.empty() || !severity.empty() || !person.empty(); }
};

bool is_of_type(const EventFilter& filter, std::string_view type);
// Without a look at the body, nor at the epoch, whose name the record does not have.
bool record_matches(const EventFilter& filter, const Record& record);
bool facts_match(const EventFilter& filter, const EventFacts& facts);
// The body cannot match: a quick look that spares parsing most of them.
bool body_cannot_match(const EventFilter& filter, std::string_view body);

}  // namespace kanhu::journal
