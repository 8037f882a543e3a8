// SPDX-License-Identifier: MIT
#include "daemon/worker/snapshots.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "daemon/worker/clip_key_frame.hpp"
#include "pipelines/ingest/key_picture.hpp"

namespace kanhu {
namespace {

// Frames of analysis come five times a second as a rule; a key frame decodes in 0.1 s on a small box. All of it stays below the
// gateway's 2 s.
constexpr auto kFramePatience = std::chrono::milliseconds(300);
constexpr auto kWarmthPatience = std::chrono::milliseconds(1100);
constexpr auto kDecodePatience = std::chrono::milliseconds(1500);

}  // namespace

Snapshots::Snapshots(FileIo& files, std::string clips, const Clock& clock, Find find, Send send)
    : files_(files), clips_(std::move(clips)), clock_(clock), find_(std::move(find)), send_(std::move(send)), thread_([this] { run(); }) {}

Snapshots::~Snapshots() {
  asked_.close();
  (void)asked_.drain(asked_.capacity());
  thread_.join();
}

void Snapshots::ask(relay::AskPicture ask) {
  const std::uint64_t id = ask.id;
  if (asked_.try_push(std::move(ask))) return;
  send_(relay::PictureFailed{id, {ErrorKind::kNoBandwidth, "too many pictures are asked of this worker at once; ask again"}});
}

void Snapshots::run() {
  name_this_thread("picture");
  while (auto ask = asked_.pop()) {
    const auto made = [&]() -> Result<Made> {
      try {
        return make(*ask);
      } catch (const std::exception& error) {
        return fail(ErrorKind::kInternal, fmt::format("the picture cannot be made: {}", error.what()));
      }
    }();
    if (!made) {
      send_(relay::PictureFailed{ask->id, made.error()});
      continue;
    }
    const std::string& bytes = made->jpeg.bytes;
    for (std::size_t at = 0; at < bytes.size(); at += relay::kMostPartBytes) {
      send_(relay::PicturePart{ask->id, made->captured.by(made->captured.best()), made->captured.arrival, made->jpeg.width,
                               made->jpeg.height, bytes.size(), at, bytes.substr(at, relay::kMostPartBytes)});
    }
  }
}

Result<Snapshots::Made> Snapshots::make(const relay::AskPicture& ask) {
  // The gateway refuses it before anybody here is asked; what was recorded before the zone was private is not shown either.
  if (find_(ask.camera).is_private)
    return fail(ErrorKind::kPermission, fmt::format("camera {} watches a private zone: nobody is shown a picture of it", ask.camera));
  return ask.clip.empty() ? of_now(ask) : of_clip(ask);
}

Result<Snapshots::Made> Snapshots::of_key_frame(const PacketPtr& packet, int max_width) {
  const auto frame = ingest::decode_key_frame(packet, kDecodePatience);
  if (!frame) return tl::unexpected(frame.error());
  auto jpeg = models::jpeg_of(frame->image(), max_width);
  if (!jpeg) return tl::unexpected(jpeg.error());
  return Made{std::move(*jpeg), packet->captured};
}

Result<Snapshots::Made> Snapshots::of_now(const relay::AskPicture& ask) {
  const Camera camera = find_(ask.camera);
  if (!camera.latest) return fail(ErrorKind::kUnreachable, fmt::format("camera {} is just being set up; ask again", ask.camera));
  LatestPicture& latest = *camera.latest;
  const StreamRole other = camera.analysed == StreamRole::kMain ? StreamRole::kSub : StreamRole::kMain;
  if (!latest.has_stream(camera.analysed) && !latest.has_stream(other))
    return fail(ErrorKind::kUnreachable, fmt::format("camera {} sends no pictures now: it is offline or just connecting", ask.camera));

  // A second stream that is open, for its recording, and shows more of what is asked for than analysis gets.
  const PacketPtr analysed = latest.key_frame(camera.analysed);
  const PacketPtr second = latest.key_frame(other);
  const auto width = [](const PacketPtr& packet) { return packet && packet->format ? packet->format->width : 0; };
  const bool more_is_wanted = ask.max_width == 0 || ask.max_width > width(analysed);
  if (second && width(second) > width(analysed) && more_is_wanted && !camera.thermal) return of_key_frame(second, ask.max_width);

  if (const auto frame = latest.next_frame(camera.thermal ? kWarmthPatience : kFramePatience)) {
    auto jpeg = models::jpeg_of(frame->image, ask.max_width);
    if (!jpeg) return tl::unexpected(jpeg.error());
    return Made{std::move(*jpeg), frame->captured};
  }
  if (camera.thermal) return fail(ErrorKind::kStalled, fmt::format("camera {} showed nothing for a second; ask again", ask.camera));
  const PacketPtr newest = analysed ? latest.key_frame(camera.analysed) : second;
  if (!newest) return fail(ErrorKind::kNoKeyFrame, fmt::format("camera {} has not sent a key frame yet; ask again", ask.camera));
  return of_key_frame(newest, ask.max_width);
}

Result<Snapshots::Made> Snapshots::of_clip(const relay::AskPicture& ask) {
  // What was recorded a moment ago is still in memory, the file may not have it yet.
  if (const Camera camera = find_(ask.camera); camera.latest) {
    if (const PacketPtr kept = camera.latest->recorded(ask.at, ask.clock)) return of_key_frame(kept, ask.max_width);
  }
  const auto packet = key_frame_of_clip(files_, clips_, ask.clip, ask.at, ask.clock, clock_);
  if (!packet) return tl::unexpected(packet.error());
  return of_key_frame(*packet, ask.max_width);
}

}  // namespace kanhu
