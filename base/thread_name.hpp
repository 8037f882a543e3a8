// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace kanhu {

// What the calling thread is called in top, gdb and core dumps; cut at 15 characters. The names stand in docs/threads.md.
void name_this_thread(const std::string& name);

}  // namespace kanhu
