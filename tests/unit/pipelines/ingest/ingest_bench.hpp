// SPDX-License-Identifier: MIT
// What the ingest tests share: GStreamer once, a sink that remembers, recordings made on the spot.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "pipelines/ingest/frame_source.hpp"
#include "tests/support/rtsp/test_rtsp_server.hpp"

namespace kanhu::test {

// GStreamer with the test servers' elements; first thing in every case.
void prepare_gstreamer();

// Remembers what a source says, and whether it broke its promises about order.
// Thread: any.
class RememberingSink final : public ingest::SourceSink {
 public:
  void on_packet(PacketPtr packet) override;
  void on_frame(Frame frame) override;
  void on_tick(Tick tick) override;
  void on_end(Error why) override;

  struct Memory {
    std::vector<PacketPtr> packets;
    std::vector<MediaTime> frame_pts;
    std::vector<CaptureTime> frame_times;
    std::vector<Tick> ticks;
    std::vector<std::string> order;  // of frames and ticks, one line each, with a digest of the pixels
    std::vector<Error> ends;
    int width = 0;
    int height = 0;
    int broken_promises = 0;  // two calls at once, or a call after the end
  };
  // Waits until `enough`; false after 60 s.
  bool wait(const std::function<bool(const Memory&)>& enough);
  bool wait_for_end() {
    return wait([](const Memory& memory) { return !memory.ends.empty(); });
  }
  Memory memory() const;
  std::optional<Error> end() const;
  // Called inside on_packet.
  std::function<void()> at_packet;

 private:
  struct Visit;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> inside_{0};
  Memory memory_;
};

ingest::SourceSpec camera_at(const std::string& url);
ingest::SourceSpec replay_of(const std::filesystem::path& file);

// Starts, waits for the end and returns what was heard.
RememberingSink::Memory run_to_end(const ingest::SourceSpec& spec);

// A folder that goes away.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Runs a gst-launch text to its end; for making recordings.
void run_pipeline(const std::string& launch);
// A recording of `frames` frames, 320x240 at 25 a second; the container by the file's name.
void make_recording(const std::filesystem::path& file, int frames, int b_frames = 0);

const SystemClock& system_clock();

}  // namespace kanhu::test
