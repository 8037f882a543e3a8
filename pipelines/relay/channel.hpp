// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu::relay {

// One end of the socket between gateway and worker (SOCK_SEQPACKET: the other's death is seen at once as end of
// file). Owns the descriptor.
// Thread: `send` from any thread, one message at a time; `receive` from one thread.
class Channel {
 public:
  explicit Channel(int descriptor);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Both ends of a new pair; close-on-exec.
  static Result<std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>> make_pair();

  // Waits while the other end is slow; that is the back-pressure that holds analysis back. kClosed when it has gone,
  // kTimeout when a patience is set and over.
  Result<void> send(const Message& message);
  // As `send`, but kTimeout at once when there is no room; for what may be left out (log lines, statistics).
  Result<void> try_send(const Message& message);
  // Waits for a message. kClosed at end of file, kCorrupt for one that does not parse (the channel stays usable).
  Result<Message> receive();
  // Of the last message received, on the socket. Thread: that of `receive`.
  std::size_t received_bytes() const { return received_bytes_; }

  void set_send_patience(std::chrono::milliseconds patience);
  // Ends both directions: the other end sees end of file, a waiting receive of ours too.
  void shut_down();
  int descriptor() const { return descriptor_; }
  int release_descriptor();

 private:
  Result<void> send_bytes(const std::string& bytes, int flags);

  int descriptor_;
  std::mutex send_mutex_;
  std::unique_ptr<char[]> receive_buffer_;
  std::size_t received_bytes_ = 0;
};

}  // namespace kanhu::relay
