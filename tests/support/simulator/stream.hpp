// SPDX-License-Identifier: MIT
// One mount of the simulator: paints, encodes and serves one stream. Private to the simulator.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>

#include "tests/support/simulator/camera_spec.hpp"
#include "tests/support/simulator/scene.hpp"

namespace kanhu::simulator {

// What is wrong with a camera at the moment; read by every stream of it. Thread: any.
struct Faults {
  std::atomic<bool> dropped{false};
  std::atomic<bool> stalled{false};
  std::atomic<bool> frozen{false};
  std::atomic<bool> black{false};
  std::atomic<bool> no_bandwidth{false};
  std::atomic<double> corrupt_rate{0};  // share of RTP packets that get one to four bits flipped
};

// A stream has an encoder only while somebody watches; its scene goes on regardless, because what it shows depends
// on the time since the start alone. Clients that watch at the same time share the encoder.
// Thread: `produce` one thread; everything else any.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  using People = std::shared_ptr<const std::vector<CutOut>>;
  Stream(const CameraSpec& spec, std::string path, Size size, People people, std::uint32_t seed, std::shared_ptr<const Faults> faults);

  const std::string& path() const { return path_; }
  int fps() const { return spec_.fps; }
  Codec codec() const;
  Size size() const;

  // A new factory for the mount point; media made by an earlier one live on until their clients leave.
  GstRTSPMediaFactory* make_factory();
  void set_codec(Codec codec);  // for media made by the next factory
  void set_size(Size size);     // at once, inside running media: new caps, key frame, new parameter sets
  void request_key_frame();
  bool watched() const;

  // Paints the frame that was exposed at `exposed` (CLOCK_MONOTONIC) and gives it to the encoders.
  void produce(std::chrono::nanoseconds exposed, double scene_seconds, std::uint32_t frame_number, const Visit& visit);

 private:
  struct Watched {
    GstElement* source;
    GstElement* encoder;
    Size size;  // of the caps it was given
  };
  static void on_configure(GstRTSPMediaFactory* factory, GstRTSPMedia* media, void* self);
  static void on_prepared(GstRTSPMedia* media, void* self);
  static void on_unprepared(GstRTSPMedia* media, void* self);
  static GstPadProbeReturn on_rtp(GstPad* pad, GstPadProbeInfo* info, void* self);
  static GstPadProbeReturn on_rtcp(GstPad* pad, GstPadProbeInfo* info, void* self);
  std::string launch_line() const;
  GstBuffer* corrupted(GstBuffer* buffer, double rate);
  std::uint32_t random();
  void push(Watched& watched, std::chrono::nanoseconds exposed);

  const CameraSpec spec_;
  const std::string path_;
  const People people_;
  const std::uint32_t seed_;
  const std::shared_ptr<const Faults> faults_;
  std::atomic<bool> key_wanted_{false};
  std::atomic<std::uint32_t> random_{0x2545f491U};

  mutable std::mutex mutex_;
  Codec codec_;
  Size size_;
  std::unique_ptr<Scene> scene_;
  Picture picture_;
  bool painted_ = false;
  std::vector<Watched> watched_;
};

}  // namespace kanhu::simulator
