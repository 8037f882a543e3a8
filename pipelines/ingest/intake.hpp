// SPDX-License-Identifier: MIT
// One run of a source, as GStreamer's threads see it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "pipelines/ingest/capture_clock.hpp"
#include "pipelines/ingest/decoder.hpp"
#include "pipelines/ingest/file/run.hpp"
#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/ingest/gate/access_unit_bound.hpp"
#include "pipelines/ingest/gate/gate.hpp"
#include "pipelines/ingest/mailbox.hpp"
#include "pipelines/ingest/radiometry/radiometer.hpp"
#include "pipelines/ingest/stream_speed.hpp"

namespace kanhu::ingest {

// How far a camera has come; what silence means depends on it.
// kDevice: a device of this machine is open.
enum class Stage { kConnect, kDescribe, kSetup, kPlay, kDevice, kStreaming };

// Facts a watchdog needs, in this machine's monotonic nanoseconds (0: never).
struct Signs {
  std::atomic<Stage> stage{Stage::kConnect};
  std::atomic<std::int64_t> last_heard{0};        // RTP or packet: it says that somebody is there, and no more
  std::atomic<std::int64_t> first_packet{0};      // or first RTP
  std::atomic<bool> rtp_came{false};              // of any payload type, those that the camera did not describe included
  std::atomic<std::int64_t> last_unit{0};         // whole access unit with a picture in it
  std::atomic<std::int64_t> last_picture{0};      // decoded
  std::atomic<std::int64_t> first_unanswered{0};  // arrival of the first packet shown to the decoder since its last picture
  std::atomic<std::uint64_t> unanswered{0};
  std::atomic<std::uint64_t> errors_unanswered{0};  // decoding errors since the last picture
};

// Turns samples into packets and frames and puts them into the mailbox. Held by every callback of a pipeline, so it
// outlives a teardown that hangs; after `retire` it touches nothing outside itself.
// Thread: take_access_unit, heard_something, receiving_ended from the receiving pipeline's threads; the rest any.
class Intake : public std::enable_shared_from_this<Intake> {
 public:
  Intake(SourceSpec spec, const Clock& clock, std::string run);

  GstFlowReturn take_access_unit(GstSample* sample);
  void heard_something();
  // A whole access unit came: what alone keeps a camera up.
  void heard_unit(MonoTime at);
  // The receiving side has nothing more; a recording is decoded to its end first.
  void receiving_ended(Error why);
  // No clock is read and nothing posted after it.
  void retire();
  // After an end without packets, for another attempt. False when the run was stopped.
  bool begin_again();
  // The stream carries no presentation times: packets are numbered at this rate where the parser knows no better.
  void set_untimed() { untimed_ = true; }
  // For teardown: the decoder, which the intake then no longer has.
  std::shared_ptr<Decoder> take_decoder();

  std::optional<MonoTime> mono() const;
  SourceStats stats() const;
  const SourceSpec& spec() const { return spec_; }
  const std::string& run() const { return run_; }

  Mailbox mailbox;
  Signs signs;
  AccessUnitBound bound;
  std::atomic<std::uint64_t> rtp_lost{0};  // RTP packets, as the transport tells
  std::atomic<KeepAlive> keep_alive{KeepAlive::kUnknown};
  std::atomic<bool> was_heard{false};
  Guarded<std::string> sent_to;           // where a redirect has led, for words; or empty
  std::atomic<std::uint64_t> refused{0};  // access units the mailbox had no room for

 private:
  struct Now {
    MonoTime mono;
    WallTime wall;
  };
  std::optional<Now> now() const;
  Result<PacketPtr> make_packet(GstSample* sample, const Now& now);
  Result<void> follow_format(GstCaps* caps);
  MediaTime media_time(GstBuffer* buffer, std::optional<MediaTime>& dts);
  bool pace(const Packet& packet);
  GstFlowReturn show_decoder(GstSample* sample, const PacketPtr& packet, const Now& now);
  Result<std::shared_ptr<Decoder>> make_decoder();
  bool take_picture(Picture picture);
  // 16-bit counts need no decoder: here and now.
  GstFlowReturn read_temperatures(GstSample* sample, const Packet& packet);
  GstFlowReturn refuse(Error why);

  const SourceSpec spec_;
  const std::string run_;
  const std::shared_ptr<MemoryAccount> account_ = std::make_shared<MemoryAccount>();

  mutable std::mutex clock_mutex_;
  const Clock* clock_;

  // Only the receiving thread:
  bool untimed_ = false;
  std::uint64_t sequence_ = 0;
  bool lost_one_ = false;
  std::optional<GstClockTime> first_pts_;
  std::optional<MonoTime> pace_start_;
  GstPtr<GstCaps> caps_;
  Gate gate_;
  std::optional<Radiometer> radiometer_;
  std::optional<RecordingBounds> bounds_;  // in replay
  StreamSpeed speed_;
  // Only the decoder's thread (of 16-bit counts: the receiving one):
  std::uint64_t frame_sequence_ = 0;
  FrameThinner thinner_;

  Guarded<std::shared_ptr<Decoder>> decoder_;
  Guarded<std::shared_ptr<const StreamFormat>> format_;
  Guarded<std::optional<Error>> drained_reason_;
  std::atomic<std::uint64_t> packets_{0}, key_frames_{0}, bytes_{0}, frames_{0}, decode_errors_{0}, held_back_{0};
  std::atomic<bool> has_rtcp_{false};
};

using IntakePtr = std::shared_ptr<Intake>;

}  // namespace kanhu::ingest
