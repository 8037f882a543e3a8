// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <variant>

#include "base/age_clock.hpp"
#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "config/config.hpp"
#include "pipelines/event.hpp"

namespace kanhu {

// The gateway's own work on clip files, on a thread of its own because disks stall: says what became of clips whose
// worker died, and removes what retention no longer keeps, never before the journal says so.
// Thread: settle from any; `found` and `removing` are called on the keeper's thread.
class ClipHousekeeping {
 public:
  struct Upcalls {
    std::function<void(ClipRecord)> settled;
    // A clip that is about to be removed: true once the disk holds the journal's missing(retention). False: the clip stays.
    std::function<bool(const ClipRecord&, const std::vector<std::string>& subjects)> removing;
    std::function<StorageConfig()> limits;
  };
  ClipHousekeeping(FileIo& files, std::string clips, Upcalls upcalls, const Clock& clock);
  ~ClipHousekeeping();  // after the job at hand

  void settle(ClipRequest request);

 private:
  void run(MonoTime looked);
  void apply_retention();
  FileIo& files_;
  const std::string clips_;
  const Upcalls upcalls_;
  const Clock& clock_;
  BoundedQueue<ClipRequest> requests_{4096};
  AgeClock age_;  // on the keeper's thread
  std::thread thread_;
};

}  // namespace kanhu
