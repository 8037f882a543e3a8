// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "pipelines/observation.hpp"

namespace kanhu {

// Puts the observations of several recordings into one order that does not depend on who was faster: by (event time,
// source id, run order, ordinal). One is handed out when every source that is not over has said something later.
// Memory: a fast source's observations wait for the slowest source's (some 300 bytes each, a handful per second of media).
// Thread: confined.
class ObservationMerge {
 public:
  explicit ObservationMerge(std::function<void(const Observation&)> out) : out_(std::move(out)) {}

  void add_source(const std::string& source) { waiting_[source]; }
  void push(Observation observation);  // per source in order
  void finish(const std::string& source);
  bool done() const { return waiting_.empty(); }

 private:
  struct Lane {
    std::deque<Observation> queue;
    bool over = false;
  };
  void hand_out();

  std::function<void(const Observation&)> out_;
  std::map<std::string, Lane> waiting_;
};

}  // namespace kanhu
