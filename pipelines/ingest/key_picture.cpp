// SPDX-License-Identifier: MIT
#include "pipelines/ingest/key_picture.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "pipelines/ingest/decoder.hpp"

namespace kanhu::ingest {
namespace {

// What comes out of the decoder, for the thread that waits.
struct Outcome {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Picture> picture;
  std::optional<Error> failure;
  bool drained = false;

  template <typename Change>
  void note(Change change) {
    {
      std::scoped_lock lock(mutex);
      change();
    }
    changed.notify_all();
  }
};

GstPtr<GstBuffer> buffer_of(const Packet& packet) {
  const auto bytes = packet.bytes.view();
  GstPtr<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, bytes.size(), nullptr));
  if (buffer) gst_buffer_fill(buffer.get(), 0, bytes.data(), bytes.size());
  return buffer;
}

}  // namespace

Result<Frame> decode_key_frame(const PacketPtr& packet, std::chrono::milliseconds patience) {
  if (!packet || !packet->is_key || !packet->format) return fail(ErrorKind::kInvalidArgument, "only a key frame can be decoded by itself");
  if (packet->format->codec == Codec::kRaw16) return fail(ErrorKind::kUnsupported, "raw temperatures are not decoded");
  const GstPtr<GstCaps> caps(gst_caps_from_string(packet->format->caps.c_str()));
  const auto buffer = buffer_of(*packet);
  if (!caps || !buffer) return fail(ErrorKind::kInternal, "the key frame cannot be shown to a decoder");

  const auto outcome = std::make_shared<Outcome>();
  Decoder::Callbacks callbacks;
  callbacks.on_picture = [outcome](Picture picture) {
    outcome->note([&] {
      if (!outcome->picture) outcome->picture = std::move(picture);
    });
    return true;
  };
  callbacks.on_error_in_stream = [] {};
  callbacks.on_failure = [outcome](Error why) { outcome->note([&] { outcome->failure = std::move(why); }); };
  callbacks.on_drained = [outcome] { outcome->note([&] { outcome->drained = true; }); };
  auto decoder = Decoder::make(packet->format->codec, false, true, std::move(callbacks));
  if (!decoder) return tl::unexpected(decoder.error());
  if ((*decoder)->push(buffer.get(), caps.get(), *packet)) (*decoder)->drain();

  std::unique_lock lock(outcome->mutex);
  outcome->changed.wait_for(lock, patience, [&] { return outcome->picture || outcome->failure || outcome->drained; });
  if (!outcome->picture) {
    if (outcome->failure) return tl::unexpected(*outcome->failure);
    if (outcome->drained) return fail(ErrorKind::kCorrupt, "the key frame cannot be decoded");
    return fail(ErrorKind::kTimeout, "the key frame was not decoded in time");
  }
  Picture picture = std::move(*outcome->picture);
  lock.unlock();
  return Frame(packet->source, packet->run, 0, packet->pts, packet->captured, packet->arrival, picture.image, std::move(picture.owner));
}

}  // namespace kanhu::ingest
