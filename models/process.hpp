// SPDX-License-Identifier: MIT
#pragma once

namespace kanhu::models {

// Settles, once for the whole process, how the vision libraries run: one thread a call (Kanhu's own threads are the
// parallelism, and sums stay in one order), no OpenCL, no lines of their own on standard error. Call it before the
// first detector is made; calling it again changes nothing.
// Thread: any.
void prepare_process();

}  // namespace kanhu::models
