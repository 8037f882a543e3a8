// SPDX-License-Identifier: MIT
// Packets in, pictures out: one small pipeline appsrc ! decoder ! appsink.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include <gst/gst.h>

#include "base/result.hpp"
#include "media/frame.hpp"
#include "media/packet.hpp"
#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {

// A decoded picture with the times of the packet it came from.
struct Picture {
  MediaTime pts{};
  CaptureTime captured;
  MonoTime arrival{};
  ImageView image;
  std::shared_ptr<const void> owner;
  bool calibrating = false;  // as Frame::calibrating
};

// Decodes one codec with one thread (the machine's cores are shared among cameras, not within one).
// Live: `has_room` says whether 16 packets are not yet waiting. Lossless: `push` blocks instead.
// Thread: push and drain from one thread; the callbacks come from the decoder's thread; stop from any.
class Decoder {
 public:
  struct Callbacks {
    std::function<bool(Picture)> on_picture;   // false: nobody wants more
    std::function<void()> on_error_in_stream;  // a packet could not be decoded; more may follow
    std::function<void(Error)> on_failure;     // the decoder has given up
    std::function<void()> on_drained;          // after drain(): the last picture is out
  };
  // `by_order`: the stream has no presentation times; pictures take the times of packets in rising order.
  static Result<std::unique_ptr<Decoder>> make(Codec codec, bool lossless, bool by_order, Callbacks callbacks);
  ~Decoder();

  bool has_room() const;
  // False when the decoder no longer takes packets. `caps` in force for this packet.
  bool push(GstBuffer* buffer, GstCaps* caps, const Packet& packet);
  void drain();
  // Stops, and sets free a thread that blocks in `push`; may take as long as one picture. No callback after it.
  // The object must live until nobody is in `push` any more.
  void stop();

  struct State;

 private:
  explicit Decoder(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace kanhu::ingest
