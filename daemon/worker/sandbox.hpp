// SPDX-License-Identifier: MIT
// What a worker's process may reach of this machine's files, by Landlock (landlock(7)), whatever becomes of what runs in it.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

enum class Reach {
  kRead,    // files, and what is below folders
  kClips,   // and make, write, rename and remove there
  kDevice,  // read, write and command a device
};
struct Allowed {
  std::string path;
  Reach reach = Reach::kRead;
  bool operator==(const Allowed&) const = default;
};

// Everything a worker needs: the system's libraries, GStreamer's and its plugins, what name resolution reads, its own /proc, models, the
// clips folder, and the recordings and devices it was given. Nothing of /etc/kanhu, of the data folder besides clips, of anybody's home.
std::vector<Allowed> allowed_to_worker(const relay::Setup& setup);

// The version of Landlock that this kernel, and the filter of system calls we are in, offer; 0: none.
int landlock_version();

// From now on this thread, and all that it starts, reaches nothing but that, and by Landlock 4 opens no TCP port and by 6 signals nobody
// outside. Paths that do not exist are left out. kUnsupported: no Landlock here. Nothing ends it. Call before other threads are started,
// also by libraries: GStreamer's plugins start some while they are loaded.
Result<void> enter_sandbox(const std::vector<Allowed>& allowed);

// Threads of this process. All but the one that enters the sandbox stay outside of it.
int threads_of_this_process();

}  // namespace kanhu
