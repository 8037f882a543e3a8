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

Error no_answer(Stage stage) {
  switch (stage) {
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
  return {ErrorKind::kTimeout, "the camera accepted PLAY but sent no video; check the transport (tcp instead of udp) and the firewall"};
}

}  // namespace

std::optional<Error> check_silence(const Signs& signs, const SourceStats& stats, bool decoding, const HealthConfig& health,
                                   MonoTime started, MonoTime now) {
  const std::int64_t heard = signs.last_heard;
  if (heard == 0) {
    if (now - started >= kAnswerPatience) return no_answer(signs.stage);
    return std::nullopt;
  }
  if (now - at(heard) >= health.stall_after)
    return Error{ErrorKind::kStalled,
                 fmt::format("no packets for {:.0f} s although the connection is open; check the camera's network and load",
                             to_seconds(health.stall_after))};
  if (stats.key_frames == 0 && now - at(signs.first_packet) >= kKeyFramePatience)
    return Error{ErrorKind::kNoKeyFrame,
                 fmt::format("packets arrive, but no key frame came in {} s; shorten the key frame interval in the camera",
                             kKeyFramePatience.count())};
  if (!decoding) return std::nullopt;
  const std::int64_t unanswered_since = signs.first_unanswered;
  if (unanswered_since == 0 || now - at(unanswered_since) < kPicturePatience || signs.unanswered < kMostHeldPictures) return std::nullopt;
  if (signs.errors_unanswered > 0)
    return Error{ErrorKind::kCorrupt,
                 fmt::format("packets arrive, but none could be decoded for {} s; check the camera and the network for damage",
                             kPicturePatience.count())};
  return Error{ErrorKind::kStalled, fmt::format("packets arrive, but the decoder gave no picture for {} s", kPicturePatience.count())};
}

}  // namespace kanhu::ingest
