// SPDX-License-Identifier: MIT
// What a worker may ask of the kernel beside files (Landlock knows neither modes and owners nor limits of other processes).
#pragma once

#include "base/result.hpp"

namespace kanhu {

// From now on this thread, and all that it starts, gets EPERM for: modes, owners, times and attributes of files; limits, priorities and
// processors of other processes; new processes and programs; looking into others; keys, shared memory of System V, io_uring, namespaces
// (seccomp(2)). Threads can be started. Nothing ends it. Call before other threads are started. kInternal: the kernel does not take it.
Result<void> refuse_system_calls();

}  // namespace kanhu
