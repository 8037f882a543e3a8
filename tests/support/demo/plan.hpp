// SPDX-License-Identifier: MIT
// What a demo lets happen, in which order, and when it may go on.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/demo/ledger.hpp"

namespace kanhu::demo {

enum class Step {
  kBegin,
  kFaceIn,  // a person comes to the entrance
  kHeatIn,  // a person enters the bath
  kFaceOut,
  kHeatOut,
  kCableOut,  // of the hall
  kCableIn,
  kEnrol,    // the first person, from the clip
  kVisitor,  // somebody else at the entrance, while the gateway is killed
  kKill,
  kAgainIn,  // the first person, after the restart
  kAgainOut,
  kDone,
};

using Events = std::vector<const SeenEvent*>;  // by epoch and number

// The plan takes about 50 s where nothing is slow; each step waits for what the one before must cause, up to its patience.
inline constexpr std::chrono::seconds kPlanNeeds{55};

struct PlanItem {
  Step step = Step::kBegin;
  std::string words;                  // shown in the feed; empty: nothing
  std::vector<std::string> commands;  // to the simulator
  std::chrono::milliseconds pause{};  // since the step before, at least
  std::function<bool(const Events&)> ready;
  std::chrono::milliseconds patience{};  // since the step before, at most
};

// Thread: confined.
class Plan {
 public:
  Plan();
  // The next item when its time has come. `now` counts from anywhere.
  const PlanItem* due(std::chrono::milliseconds now, const Events& events);
  void begin(std::chrono::milliseconds now);
  bool has_begun() const { return begun_; }
  Step reached() const { return reached_; }
  bool is_done() const { return next_ == items_.size(); }

 private:
  std::vector<PlanItem> items_;
  std::size_t next_ = 0;
  Step reached_ = Step::kBegin;
  std::chrono::milliseconds last_{};
  bool begun_ = false;
};

// Events of a source by type, in order; empty `source`: all. `epoch` counts from 0; -1: any.
Events of(const Events& events, const std::string& type, const std::string& source, int epoch = -1);
// The latest status of the clip of an incident: "complete", "partial", ... or empty.
struct ClipWord {
  std::string status, reason, path;
};
ClipWord clip_of(const Events& events, const std::string& subject);
const SeenEvent* end_of(const Events& events, const std::string& subject);
// Faces that were somebody's of the gallery: `data.person` says whose.
Events recognized(const Events& events, const std::string& source, int epoch = -1);

}  // namespace kanhu::demo
