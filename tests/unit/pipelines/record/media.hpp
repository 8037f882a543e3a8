// SPDX-License-Identifier: MIT
// Encoded pictures to record, and a look at what became of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "media/packet.hpp"
#include "pipelines/record/recorder.hpp"

namespace kanhu::test {

// One stream as a camera sends it: access units in decode order with presentation times from 0 and no decode times.
struct Encoded {
  struct Unit {
    std::vector<std::byte> bytes;
    std::chrono::nanoseconds pts{0};
    bool is_key = false;
  };
  std::shared_ptr<const StreamFormat> format;
  std::vector<Unit> units;
};

// 25 frames/s, one key frame a second (two for the deep one). Made once a process.
const Encoded& h264();           // 250 frames, no B-frames
const Encoded& h264_small();     // 100 frames of another size
const Encoded& h264_b_frames();  // 250 frames, pyramid of three B-frames
const Encoded& h265();           // 250 frames, B-frames
const Encoded& mjpeg();          // 100 frames

inline const WallTime kStart = wall_from_microseconds(1'790'000'000'000'000);  // 2026-09-21T15:06:40Z

// Unit `index` as a packet captured at kStart + offset + pts.
PacketPtr packet_of(const Encoded& encoded, std::size_t index, const std::string& run = "run1", std::chrono::microseconds offset = {},
                    std::shared_ptr<MemoryAccount> account = nullptr);

// Presentation times in file order as a demuxer reports them; `decoded` counts pictures that come out of a decoder.
struct Played {
  std::vector<std::chrono::nanoseconds> pts;
  std::size_t decoded = 0;
};
Played play(const std::string& file, Codec codec);

// What the recorder answered. Thread: any.
class Answers {
 public:
  record::Recorder::Done done();
  // The n-th answer (from 1); fails the test when it does not come within 30 s.
  ClipRecord wait(std::size_t nth);
  std::size_t count() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ClipRecord> records_;
};

ClipRequest request(char name, double from_s, double to_s, const std::string& run = "run1");
CameraConfig camera();

}  // namespace kanhu::test
