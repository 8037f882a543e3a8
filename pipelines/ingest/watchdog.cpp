// SPDX-License-Identifier: MIT
#include "pipelines/ingest/watchdog.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kanhu::ingest {
namespace {

constexpr std::chrono::seconds kAnswerPatience{10};  // connect, DESCRIBE, SETUP, PLAY, first packet together
constexpr std::chrono::seconds kKeyFramePatience{60};
constexpr std::chrono::seconds kPicturePatience{8};
// Reordering holds up to 16 pictures back (H.264 annex C): at 1 frame a second that is 16 s and no stall.
constexpr std::uint64_t kMostHeldPictures = 20;

MonoTime at(std::int64_t nanoseconds) { return MonoTime(std::chrono::nanoseconds(nanoseconds)); }

}  // namespace

Error nothing_came(const Signs& signs) {
  switch (signs.stage.load()) {
    case Stage::kConnect:
      return {ErrorKind::kUnreachable, "no answer to the connection attempt; check the address, the cable and the firewall"};
    case Stage::kDescribe:
      return {ErrorKind::kTimeout, "connected, but no answer to DESCRIBE; check that the port is the camera's RTSP port"};
    case Stage::kSetup:
      return {ErrorKind::kTimeout, "connected, but no answer to SETUP; restart the camera if it stays so"};
    case Stage::kDevice:
      return {ErrorKind::kTimeout, "the device is open, but sent no picture; unplug it and plug it in again"};
    case Stage::kPlay:
    case Stage::kStreaming:
      break;
  }
  if (signs.rtp_came)
    return {ErrorKind::kUnsupported,
            "the camera sends RTP, but of no payload type that it described; choose another codec in its settings, or update its firmware"};
  return {ErrorKind::kTimeout, "the camera accepted PLAY but sent no video; check the transport (tcp instead of udp) and the firewall"};
}

std::optional<Error> check_silence(const Signs& signs, const SourceStats& stats, bool decoding, const HealthConfig& health,
                                   MonoTime started, MonoTime now) {
  const std::int64_t heard = signs.last_heard;
  if (heard == 0) {
    if (now - started >= kAnswerPatience) return nothing_came(signs);
    return std::nullopt;
  }
  const bool silent = now - at(heard) >= health.stall_after;
  const std::int64_t unit = signs.last_unit;
  // Bytes, reports and parameter sets show that somebody is there; only whole pictures show a camera.
  if (silent || (unit != 0 && now - at(unit) >= health.stall_after))
    return Error{ErrorKind::kStalled,
                 fmt::format("no {} for {:.0f} s although {}; check the camera's network and load", silent ? "packets" : "whole picture",
                             to_seconds(health.stall_after), silent ? "the connection is open" : "packets arrive")};
  const bool late = now - at(signs.first_packet) >= kKeyFramePatience;
  if (unit == 0) {
    if (!late) return std::nullopt;
    return Error{
        ErrorKind::kNoKeyFrame,
        fmt::format("packets arrive, but no whole picture came in {} s; restart the camera, and shorten its key frame interval if it "
                    "stays so",
                    kKeyFramePatience.count())};
  }
  if (stats.key_frames == 0 && late)
    return Error{ErrorKind::kNoKeyFrame,
                 fmt::format("packets arrive, but no key frame came in {} s; shorten the key frame interval in the camera",
                             kKeyFramePatience.count())};
  if (!decoding) return std::nullopt;
  const std::int64_t pictured = signs.last_picture;
  if (now - at(pictured != 0 ? pictured : signs.first_packet.load()) >= kKeyFramePatience)
    return Error{signs.errors_unanswered > 0 ? ErrorKind::kCorrupt : ErrorKind::kNoKeyFrame,
                 fmt::format("packets arrive, but none gave a picture for {} s; check the network for losses, and shorten the key frame "
                             "interval in the camera",
                             kKeyFramePatience.count())};
  const std::int64_t unanswered_since = signs.first_unanswered;
  if (unanswered_since == 0 || now - at(unanswered_since) < kPicturePatience || signs.unanswered < kMostHeldPictures) return std::nullopt;
  if (signs.errors_unanswered > 0)
    return Error{ErrorKind::kCorrupt,
                 fmt::format("packets arrive, but none could be decoded for {} s; check the camera and the network for damage",
                             kPicturePatience.count())};
  return Error{ErrorKind::kStalled, fmt::format("packets arrive, but the decoder gave no picture for {} s", kPicturePatience.count())};
}

}  // namespace kanhu::ingest
