// SPDX-License-Identifier: MIT
// Where work goes that may hang with its peer: teardown of a stalled session, name resolution.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace kanhu::ingest {

// Runs `job` on one of at most 16 threads of the process, soon; never blocks the caller. Jobs wait in order when all
// threads are busy. A job may hang for ever: it then holds its thread, and at the end of the process it is left behind
// after 3 s, so it must own everything it touches. A job must not throw. `camera`: whose session it closes, if it does.
// Thread: any.
void run_in_background(std::function<void()> job, std::string camera = {});

// Sessions that are being closed right now, the longest first.
struct Closing {
  std::string camera;
  std::chrono::nanoseconds lasted{0};
};
// Thread: any.
std::vector<Closing> closing_in_background();

// Waits until no job is left, at most `patience`. False when something is still running.
// Thread: any but a background job.
bool wait_for_background(std::chrono::milliseconds patience);

}  // namespace kanhu::ingest
