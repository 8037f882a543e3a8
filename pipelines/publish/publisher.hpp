// SPDX-License-Identifier: MIT
// Events -> ZeroMQ (docs/events.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/publish/access/curve_keys.hpp"
#include "pipelines/publish/access/rights.hpp"

namespace kanhu::publish {

class Admission;

struct PublisherStats {
  std::uint64_t published = 0;
  std::uint64_t heads = 0;
  std::uint64_t queue_drops = 0;        // counted and seen by subscribers as a gap in stream_seq
  LatencyHistogram capture_to_socket;   // arrival of the deciding packet to the socket
  LatencyHistogram capture_to_receipt;  // to a subscriber of our own on the same socket
  std::uint64_t receipts = 0;           // events that subscriber received: the socket delivers; above 4,096 a second samples
  std::size_t subscribers = 0;          // connections with a subscription, ours included
  std::uint64_t cut_off = 0;            // connections shut down: key gone, rights changed, a flood
};

// Owns the XPUB socket on its own thread; sends heads and the heartbeat about once a second.
// Thread: publish from the journal's thread; the rest from any.
class Publisher {
 public:
  // Binds before it returns; kIo names the endpoint and the cause, kInvalidConfig an endpoint that would show plain TCP
  // beyond loopback without keys or `plain_tcp_beyond_loopback`. `head` is asked on the publish thread;
  // `heartbeat` gives what the heartbeat adds (cameras up, config digest). With a gate, which outlives it, only its subscribers get in.
  static Result<std::unique_ptr<Publisher>> open(const PublishConfig& config, const Clock& clock,
                                                 std::function<journal::JournalHead()> head, std::function<Json()> heartbeat,
                                                 Admission* gate = nullptr);
  ~Publisher();  // sends what is queued, then a last head; LINGER bounded
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  void publish(journal::Committed committed);
  const std::string& live_endpoint() const;  // with the real port
  PublisherStats stats() const;

 private:
  class Socket;
  explicit Publisher(std::unique_ptr<Socket> socket);

  const std::unique_ptr<Socket> socket_;
};

}  // namespace kanhu::publish
