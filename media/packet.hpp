// SPDX-License-Identifier: MIT
// What ingest hands to recording and to the gate: one encoded access unit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/time.hpp"

namespace kanhu {

enum class StreamRole { kMain, kSub };
// kRaw16: no codec, one 16-bit number a pixel (little-endian) from a radiometric sensor; never recorded.
enum class Codec { kH264, kH265, kMjpeg, kRaw16 };

// Where a capture time comes from: RTCP sender reports (RFC 3550 6.4.1), arrival at this machine, or a recording
// that carries none (then wall time is the recording's stated start plus its pts).
enum class ClockSource { kRtcp, kArrival, kFile };

const char* to_string(StreamRole role);
const char* to_string(Codec codec);
const char* to_string(ClockSource source);

// A camera's own time is believed while it is this near to the arrival: one without time service is off by minutes to years, one
// stamp may be wrong alone, and a clock may be set while it runs. Everybody who reads a time reads it through this.
inline constexpr std::chrono::seconds kCameraClockBelieved{5};

// When the picture was taken, as well as is known.
struct CaptureTime {
  WallTime arrival;              // arrival at this machine (a recording without times: its start + pts)
  std::optional<WallTime> rtcp;  // from sender reports, once the first one has come
  bool from_file = false;        // `arrival` is not an arrival but a recording's time line

  ClockSource best() const { return rtcp ? ClockSource::kRtcp : from_file ? ClockSource::kFile : ClockSource::kArrival; }
  bool is_believable() const { return rtcp && *rtcp - arrival <= kCameraClockBelieved && arrival - *rtcp <= kCameraClockBelieved; }
  // The time by a given clock; one that is not there yet, or is not to be believed, falls back to `arrival`.
  WallTime by(ClockSource source) const { return source == ClockSource::kRtcp && is_believable() ? *rtcp : arrival; }
  bool operator==(const CaptureTime&) const = default;
};

// One encoding as negotiated: shared by all packets until it changes. A change starts a new part of a clip.
struct StreamFormat {
  Codec codec = Codec::kH264;
  int width = 0;  // pixels; 0 when the stream has not said yet
  int height = 0;
  double frames_per_second = 0;  // as declared, 0 when not
  std::string caps;              // GStreamer caps of the parsed stream, codec data included
  bool operator==(const StreamFormat&) const = default;
};

// Bytes held for one source, wherever they are held (ring, clip queue, decoder).
class MemoryAccount {
 public:
  void add(std::size_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held_bytes() const { return held_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> held_{0};
};

// Encoded bytes with whatever keeps them alive, charged to an account until the last reference dies.
class PacketBytes {
 public:
  PacketBytes() = default;
  PacketBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::shared_ptr<MemoryAccount> account)
      : bytes_(bytes), owner_(std::move(owner)), account_(std::move(account)) {
    if (account_) account_->add(bytes_.size());
  }
  PacketBytes(PacketBytes&& other) noexcept { swap(other); }
  PacketBytes& operator=(PacketBytes&& other) noexcept {
    swap(other);
    return *this;
  }
  PacketBytes(const PacketBytes&) = delete;
  PacketBytes& operator=(const PacketBytes&) = delete;
  ~PacketBytes() {
    if (account_) account_->release(bytes_.size());
  }
  std::span<const std::byte> view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

 private:
  void swap(PacketBytes& other) {
    std::swap(bytes_, other.bytes_);
    std::swap(owner_, other.owner_);
    std::swap(account_, other.account_);
  }
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<MemoryAccount> account_;
};

// One access unit in decode order: H.264/H.265 with length prefixes ("avc"/"hvc1", codec data in the caps), MJPEG
// as one JPEG. Immutable and shared: ring, gate and clip writer read the same object.
struct Packet {
  std::string source;  // camera id
  StreamRole role = StreamRole::kMain;
  std::string run;             // one connection (random) or one file (its SHA-256), 32 or 64 hex digits
  std::uint64_t sequence = 0;  // counts packets of a run from 0
  MediaTime pts{};
  std::optional<MediaTime> dts;          // RTSP with B-frames gives none
  std::chrono::nanoseconds duration{0};  // 0 when unknown
  bool is_key = false;                   // decoding can start here
  bool discontinuity = false;            // something before this packet was lost
  std::shared_ptr<const StreamFormat> format;
  MonoTime arrival{};
  CaptureTime captured;
  PacketBytes bytes;
};

using PacketPtr = std::shared_ptr<const Packet>;

}  // namespace kanhu
