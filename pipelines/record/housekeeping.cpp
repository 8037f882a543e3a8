// SPDX-License-Identifier: MIT
#include "pipelines/record/housekeeping.hpp"

#include <utility>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/settle.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu {
namespace {

constexpr auto kRetentionEvery = std::chrono::minutes(10);

}  // namespace

ClipHousekeeping::ClipHousekeeping(FileIo& files, std::string clips, Upcalls upcalls, const Clock& clock)
    : files_(files),
      clips_(std::move(clips)),
      upcalls_(std::move(upcalls)),
      clock_(clock),
      age_(clock),
      thread_([this, begun = clock.mono()] { run(begun); }) {}

ClipHousekeeping::~ClipHousekeeping() {
  requests_.close();
  thread_.join();
}

void ClipHousekeeping::settle(ClipRequest request) { requests_.push(std::move(request)); }

void ClipHousekeeping::run(MonoTime looked) {
  name_this_thread("clip-keeper");
  for (;;) {
    auto request = requests_.pop_for(std::chrono::seconds(1));
    if (!request && requests_.closed()) return;
    if (request) faults::contained("clip-keeper", [&] { upcalls_.settled(record::settle(files_, clips_, *request)); });
    if (clock_.mono() - looked >= kRetentionEvery) {
      looked = clock_.mono();
      faults::contained("clip-keeper", [&] { apply_retention(); });
    }
  }
}

void ClipHousekeeping::apply_retention() {
  auto clips = record::list_clips(files_, clips_);
  if (!clips) {
    if (clips.error().kind != ErrorKind::kNotFound) log::error("clips", "retention: {}", clips.error().message);
    return;
  }
  const WallTime aged_to = wall_from_microseconds(age_.now_us());
  for (const record::Sidecar& sidecar : record::plan_retention(upcalls_.limits(), std::move(*clips), clock_.wall(), aged_to)) {
    if (requests_.closed()) return;  // the gateway stops; the rest has time
    ClipRecord gone = sidecar.record;
    gone.status = ClipStatus::kMissing;
    gone.reason = "retention";
    gone.parts.clear();
    gone.sha256.clear();
    gone.bytes = 0;
    if (!upcalls_.removing(gone, sidecar.subjects)) {
      log::error("clips", "retention: the journal cannot be written, so clip {} and those after it stay", gone.clip);
      return;
    }
    if (auto removed = record::remove_clip(files_, clips_, sidecar); !removed)
      log::error("clips", "retention: {}", removed.error().message);
  }
}

}  // namespace kanhu
