// SPDX-License-Identifier: MIT
// What must be true of the events when a demo has let things happen.
#pragma once

#include <string>
#include <vector>

#include "tests/support/demo/plan.hpp"

namespace kanhu::demo {

enum class Verdict { kTrue, kFalse, kNotReached };

struct Check {
  std::string words;
  Verdict verdict = Verdict::kNotReached;
  std::string detail;  // what was found
};

struct Progress {
  Step reached = Step::kBegin;  // an expectation counts from the step on that waited for it
  std::string hall_state{};     // presence at the hall by the `state` request while its cable was out
  bool enrols = false;          // faces can be compared here, and so somebody was to be enrolled
  std::string enrolled{};       // the person_ref, once that is done
};

std::vector<Check> judge(const Events& events, const Progress& progress);

}  // namespace kanhu::demo
