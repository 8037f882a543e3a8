// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "pipelines/journal/record_format.hpp"

namespace kanhu::journal {

// Which incidents are open and which clips are pending, derived from the event records in their order. What it holds
// stands at the start of every segment, so that whole older segments can go.
// Thread: confined.
class OpenIncidents {
 public:
  // `subject` and `clip` (the body's data.clip, or null) of a record just made.
  void apply(const RecordView& record, const std::string& subject, const Json& clip);
  // The same from the body of a record read back. Bodies that are not CloudEvents change nothing.
  void apply(const Record& record);
  void end(const std::string& subject) { open_.erase(subject); }

  // Adds what the application keeps: `open` elements of open subjects, `clips` elements of clips not settled.
  void absorb(const Json& application);
  // Puts the content of a snapshot record in place of everything.
  void restore(const Json& snapshot);

  Json open_incidents() const;  // in order of their starts
  Json pending_clips() const;

 private:
  struct Incident {
    std::uint64_t order = 0;
    std::string facility, source, type, body;
    std::int64_t time_us = 0;
    Json element;  // complete, when read from a snapshot
    Json kept;
  };
  void note_clip(const std::string& facility, const std::string& source, const std::string& subject, const Json& clip);

  std::map<std::string, Incident> open_;
  std::map<std::string, Json> clips_;
  std::uint64_t order_ = 0;
};

}  // namespace kanhu::journal
