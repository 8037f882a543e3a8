// SPDX-License-Identifier: MIT
// Keeps what is in this process in this process: passwords, keys, faces.
#pragma once

namespace kanhu {

// No core file from now on (RLIMIT_CORE). For this process and those it starts.
void forbid_core_files();

// The same, and no other process of this user can look into this one (PR_SET_DUMPABLE): a handler of core dumps gets none, whatever the
// limit, no debugger attaches, and /proc/PID/mem, fd and environ are root's. A program that is started afterwards says so for itself. Under
// ProtectProc= such a process is not to be seen in /proc by others of this user.
void forbid_dumps();

}  // namespace kanhu
