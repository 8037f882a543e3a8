// SPDX-License-Identifier: MIT
// A worker: the part of Kanhu that parses untrusted media.
#pragma once

#include <memory>

#include "pipelines/relay/channel.hpp"

namespace kanhu {

// Serves one gateway over `channel` until it says `drain` or goes away; then stops its sources, closes its clips and
// returns. `own_process`: this is a process of its own, so log lines go to the gateway too, and a teardown that hangs
// ends the process. Returns an exit code.
// Thread: blocks the calling thread, which becomes the worker's control thread.
int run_worker(std::unique_ptr<relay::Channel> channel, bool own_process);

}  // namespace kanhu
