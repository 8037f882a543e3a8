// SPDX-License-Identifier: MIT
// What GStreamer's threads hand to a source's own thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <variant>

#include "base/result.hpp"
#include "media/frame.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

using Item = std::variant<PacketPtr, Frame>;

// Capacity: 512 packets or 32 MiB of them (8 s of a 32 Mbit/s camera), 4 frames. Full: a live mailbox refuses the new
// packet and forgets the oldest frame; a lossless one (replay) makes the writer wait. Closes by `end`, which lets what
// is inside be read, or `abort`, which does not; the first word about the end stays.
// Thread: any number of writers, one reader.
class Mailbox {
 public:
  explicit Mailbox(bool lossless) : lossless_(lossless) {}

  enum class Posted { kTaken, kRefused, kClosed };
  Posted post(Item item);
  void end(Error why);
  void abort(Error why);

  // The next item; nothing when there is none for `patience` or when the mailbox has ended and is empty.
  std::optional<Item> next(std::chrono::nanoseconds patience);
  // The reason of the end once nothing is left to read.
  std::optional<Error> ended() const;
  bool closed() const;
  // Waits until the mailbox is closed, at most `patience`; paces a recording that plays as a camera. True when closed.
  bool wait_until_closed(std::chrono::nanoseconds patience) const;
  // After an end: open again and empty. False after an abort.
  bool reopen();

 private:
  bool has_room(const Item& item) const;
  void count(const Item& item, int sign);
  void forget_oldest_frame();

  const bool lossless_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::condition_variable room_;
  std::deque<Item> items_;
  std::size_t packets_ = 0;
  std::size_t packet_bytes_ = 0;
  std::size_t frames_ = 0;
  std::optional<Error> end_;
  bool aborted_ = false;
};

}  // namespace kanhu::ingest
