// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>

#include "base/json.hpp"

namespace kanhu {

// One line a person reads: time of this machine's zone, facility/source, type, what happened in words.
std::string feed_line(const Json& event, bool colour);

// What happened, without time, place and type: "zone hall, present, count 2".
std::string words_of_event(const Json& event);

// "cameras 5/6 up, 24.9 frames/s analysed, 31 events, 0 gaps, 0 drops, CPU 41 %" from an answer of `info`.
struct FeedTotals {
  std::uint64_t events = 0, gaps = 0;
};
std::string status_line(const Json& info, const FeedTotals& totals, double cpu_percent);

// Prints events above one status line: on a terminal the line stays at the bottom and is rewritten, elsewhere it
// is printed only when asked and no control characters are used.
// Thread: confined.
class Feed {
 public:
  explicit Feed(std::FILE* out);
  ~Feed();
  void line(const std::string& text);
  // About the feed, to standard error.
  void aside(const std::string& text);
  void status(const std::string& text, bool also_when_piped);
  bool is_terminal() const { return is_terminal_; }

 private:
  void clear();
  std::FILE* out_;
  const bool is_terminal_;
  std::string status_;
};

// CPU time of a gateway and its workers since the last call, in percent of one core. Thread: confined.
class CpuMeter {
 public:
  double percent(const Json& info);

 private:
  double ticks_ = 0;
  double at_ = 0;
};

}  // namespace kanhu
