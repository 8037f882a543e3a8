// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "base/result.hpp"

namespace kanhu::sense {

// Whether something accepts TCP connections there: the kind of Error says why not. Waits at most `patience` a connection, and ends at
// once (kClosed) when `wake_fd` becomes readable. libmosquitto's own connect blocks for as long as the kernel tries, two minutes.
// Thread: any.
Result<void> reach(const std::string& host, int port, std::chrono::milliseconds patience, int wake_fd);

}  // namespace kanhu::sense
