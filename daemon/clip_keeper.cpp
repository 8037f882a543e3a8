#include "daemon/clip_keeper.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/record/recorder.hpp"

namespace kanhu {
namespace {

constexpr auto kRetentionEvery = std::chrono::minutes(10);

}  // namespace

ClipKeeper::ClipKeeper(FileIo& files, std::string clips, Upcalls upcalls, const Clock& clock)
    : files_(files), clips_(std::move(clips)), upcalls_(std::move(upcalls)), clock_(clock), thread_([this, begun = clock.mono()] {
        run(begun);
      }) {}

ClipKeeper::~ClipKeeper() {
  requests_.close();
  thread_.join();
}

void ClipKeeper::settle(ClipRequest request) { requests_.push(std::move(request)); }

void ClipKeeper::run(MonoTime looked) {
  name_this_thread("clip-keeper");
  for (;;) {
    auto request = requests_.pop_for(std::chrono::seconds(1));
    if (!request && requests_.closed()) return;
    if (request) upcalls_.settled(record::settle(files_, clips_, *request));
    if (clock_.mono() - looked >= kRetentionEvery) {
      looked = clock_.mono();
      apply_retention();
    }
  }
}

void ClipKeeper::apply_retention() {
  auto clips = record::list_clips(files_, clips_);
  if (!clips) {
    if (clips.error().kind != ErrorKind::kNotFound) log::error("clips", "retention: {}", clips.error().message);
    return;
  }
  for (const record::Sidecar& sidecar : record::plan_retention(upcalls_.limits(), std::move(*clips), clock_.wall())) {
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
