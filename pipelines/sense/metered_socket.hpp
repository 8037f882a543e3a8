// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include "base/descriptor.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace kanhu::sense {

// Stands between a client library and the connection it has made, and bounds what one message may be: libmosquitto takes memory for
// whatever length a message claims, up to 256 MiB, and reads until nothing more comes. The library's socket becomes one end of a local
// pair; what comes from the network is handed on in pieces, and counted until somebody says that a whole message has come. Below TLS, too.
// Thread: confined.
class MeteredSocket {
 public:
  static constexpr std::size_t kPiece = 16 * 1024;  // bytes

  // `socket` is connected and non-blocking; its number stays the library's to use and to close.
  static Result<MeteredSocket> over(int socket);

  int network() const { return network_.get(); }
  bool has_to_send() const { return !unsent_.empty(); }
  // Hands one piece, or the connection's end, to the library, which is to read until it has nothing more.
  void take_in(MonoTime now);
  // Sends what the library has written; what the network does not take now, later.
  void send_out();
  void whole_message() { taken_ = 0; }
  // Bytes since the last whole message. Answers to pings are none: it forgets 100 bytes a second.
  double taken() const { return taken_; }

 private:
  MeteredSocket(Descriptor network, Descriptor library) : network_(std::move(network)), library_(std::move(library)) {}

  Descriptor network_, library_;
  std::string unsent_;
  double taken_ = 0;
  MonoTime taken_at_{};
};

}  // namespace kanhu::sense
