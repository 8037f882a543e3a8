// SPDX-License-Identifier: MIT
#include "pipelines/record/recorder.hpp"

#include <mutex>
#include <utility>

#include "pipelines/record/stream_clips.hpp"

namespace kanhu::record {

RecordedStream::RecordedStream(std::shared_ptr<StreamClips> clips) : clips_(std::move(clips)) {}
RecordedStream::~RecordedStream() { clips_->close_all("recorder_closed"); }
void RecordedStream::packet(PacketPtr packet) { clips_->packet(std::move(packet)); }
void RecordedStream::request(const ClipRequest& request) { clips_->request(request); }
void RecordedStream::tick(WallTime now) { clips_->tick(now); }
void RecordedStream::run_ended(const Error& why) { clips_->run_ended(why); }
PacketPtr RecordedStream::key_at(WallTime time, ClockSource clock) const { return clips_->key_at(time, clock); }
RingStats RecordedStream::stats() const { return clips_->stats(); }

struct Recorder::State {
  std::shared_ptr<Volume> volume;
  std::mutex mutex;
  std::vector<std::weak_ptr<StreamClips>> streams;
};

Recorder::Recorder(FileIo& io, std::string directory, Done done, MuxerFactory muxers) : state_(std::make_shared<State>()) {
  state_->volume.reset(new Volume{io, std::move(directory), std::move(done), std::move(muxers), {}});
}

Recorder::~Recorder() {
  std::vector<std::weak_ptr<StreamClips>> streams;
  {
    std::scoped_lock lock(state_->mutex);
    streams.swap(state_->streams);
  }
  for (const auto& each : streams)
    if (const auto clips = each.lock()) clips->close_all("recorder_closed");
  state_->volume->thread.stop();
}

std::unique_ptr<RecordedStream> Recorder::open(const std::string& facility, const CameraConfig& camera) {
  auto clips = std::make_shared<StreamClips>(state_->volume, facility, camera);
  {
    std::scoped_lock lock(state_->mutex);
    std::erase_if(state_->streams, [](const auto& each) { return each.expired(); });
    state_->streams.push_back(clips);
  }
  return std::make_unique<RecordedStream>(std::move(clips));
}

}  // namespace kanhu::record
