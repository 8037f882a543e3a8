// SPDX-License-Identifier: MIT
// What a camera's RTP may make GStreamer keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipelines/ingest/intake.hpp"

namespace kanhu::ingest {

// The senders (SSRC, RFC 3550 section 3) heard in one run. rtpbin keeps something for each: a jitter buffer and threads for one of RTP,
// a record for one of RTCP; a camera has one sender and takes another at most now and then.
// Thread: confined to its owner.
class KnownSenders {
 public:
  // False for an RTP packet or a compound RTCP packet of senders beyond the first eight, and for what is neither.
  bool takes_rtp(std::span<const std::byte> packet);
  bool takes_rtcp(std::span<const std::byte> packet);

 private:
  bool knows(std::uint32_t sender);
  std::vector<std::uint32_t> senders_;
};

// Lets only known senders into `manager`, an rtpbin, and notes in `intake` that RTP came, of whatever payload type.
// Thread: rtspsrc's task, before its first pad.
void guard_senders(GstElement* manager, const IntakePtr& intake);
// Ends the run when a jitter buffer takes 32 MiB and gives nothing.
void guard_jitter_buffer(GstElement* buffer, const IntakePtr& intake);
// Ends the run, before `entry` (of a depayloader when `rtp`, else of a parser) is given more than AccessUnitBound allows.
void guard_entry(GstPad* entry, Codec codec, bool rtp, const IntakePtr& intake);

}  // namespace kanhu::ingest
