// SPDX-License-Identifier: MIT
// A worker as the operating system sees it: started, limited, measured.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"
#include "base/result.hpp"

namespace kanhu {

struct SpawnedWorker {
  int pid = 0;
  Descriptor output;  // where its standard output and error end; does not block
};

// This same executable as worker `number`: it finds `socket` as descriptor 3 and, if not negative, `lock` as 4, nothing else is open, and
// of the environment it gets what libraries need. What it writes by itself ends in `output`, never in the gateway's own log. It leads a
// process group of its own.
Result<SpawnedWorker> spawn_worker(int socket, int lock, std::size_t number);
// Whether a worker gets this line of the environment.
bool is_for_workers(std::string_view line);

void limit_worker(int pid, std::uint64_t memory_bytes);
// Opened before the worker is told anything: once it cannot be dumped, /proc may hide it from the gateway (ProtectProc=).
Descriptor open_statm(int pid);
std::uint64_t resident_bytes(const Descriptor& statm);
bool is_stopped(int pid);
// Readable once this child has ended, whoever still holds what it had open. Closed where the kernel or a filter of system calls has none
// (pidfd_open(2)): then has_ended() is to be asked.
Descriptor open_end(int pid);
bool has_ended(int pid);  // not reaped yet
// With what it started, as long as that is in its process group.
void kill_worker(int pid);
// Kills and waits for it; how it ended.
std::string reap_worker(int pid);
std::string how_it_ended(int status);

// Lines of what a worker writes by itself: last words of a library, a report of a sanitizer.
// Thread: confined to its owner.
class WorkerOutput {
 public:
  explicit WorkerOutput(Descriptor end) : end_(std::move(end)) {}
  int descriptor() const { return end_.get(); }  // negative: over
  // What there is now, in lines of at most 1,000 bytes; does not wait.
  std::vector<std::string> read();
  // What a dead one left, at most what a pipe holds: something else may hold the other end and go on writing. It is over then.
  std::vector<std::string> last_words();

 private:
  Descriptor end_;
  std::string begun_;
};

}  // namespace kanhu
