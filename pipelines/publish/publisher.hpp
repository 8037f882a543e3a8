// Events -> ZeroMQ, and the query socket (docs/events.md).
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
#include "pipelines/publish/access.hpp"
#include "pipelines/publish/curve_keys.hpp"
#include "pipelines/publish/journal.hpp"

namespace kanhu::publish {

class Gate;

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
  static Result<std::unique_ptr<Publisher>> open(const PublishConfig& config, const Clock& clock, std::function<JournalHead()> head,
                                                 std::function<Json()> heartbeat, Gate* gate = nullptr);
  virtual ~Publisher() = default;  // sends what is queued, then a last head; LINGER bounded
  virtual void publish(Committed committed) = 0;
  virtual std::string live_endpoint() const = 0;  // with the real port
  virtual PublisherStats stats() const = 0;
};

// What goes back: one frame of JSON, and a second one of bytes where the request is for bytes.
struct Answer {
  std::string text;
  std::string bytes;
  bool has_bytes = false;
};
// Called once, from any thread, also after the server has gone.
using Reply = std::function<void(Result<Answer>)>;
using Question = std::function<void(const Json& request, const Asker& asker, Reply reply)>;
// The common kind: an object, answered on the query thread; "v", "ok" and "request" are added. Anything but an object: timeout.
Question answered_at_once(std::string name, std::function<Result<Json>(const Json& request, const Asker& asker)> function);

// The ROUTER socket on its own thread: {"v":1,"request":NAME} goes to the question of that name; an error becomes
// {"v":1,"ok":false,"error":{"kind","message"}}, and so does a name that is not known, which is answered with those that are. Both
// [json] and ["", json] (REQ) are taken, and answered alike. With a gate, which outlives it, each asker has the rights of its key at
// that moment; nobody's key is answered with unauthorized.
// Thread: open and destroy from one owner; questions are asked on the query thread and must not wait long.
class QueryServer {
 public:
  using Requests = std::map<std::string, Question>;
  static Result<std::unique_ptr<QueryServer>> open(const PublishConfig& config, Requests requests, Gate* gate = nullptr);
  virtual ~QueryServer() = default;
  virtual std::string endpoint() const = 0;
};

// An answer as it came: JSON, and the bytes behind it where the request is for bytes.
struct Given {
  Json json;
  std::string bytes;
};
// As `query` below, with what stands behind the JSON; at most 16 MiB.
Result<Given> query_bytes(const std::string& endpoint, const Json& request, std::chrono::milliseconds patience,
                          const std::optional<ClientKeys>& keys = {});
// Asks a gateway's query socket once; the answer as it came, also {"ok": false, ...}. kTimeout when nobody answers
// within `patience`, which is also what a gateway does that asks for keys when there are none, or wrong ones.
Result<Json> query(const std::string& endpoint, const Json& request, std::chrono::milliseconds patience,
                   const std::optional<ClientKeys>& keys = {});

// One message of the live socket.
struct LiveMessage {
  std::string topic;
  Json header;
  std::string payload;
};
// A plain subscriber for `kanhu watch` and tests. Thread: confined.
class Subscriber {
 public:
  // No topics: everything. Reconnects by itself, also to a gateway that is not there yet.
  static Result<std::unique_ptr<Subscriber>> connect(const std::string& endpoint, const std::vector<std::string>& topics,
                                                     const std::optional<ClientKeys>& keys = {});
  virtual ~Subscriber() = default;
  // Nothing after `patience`; kCorrupt for a message that is not of the contract.
  virtual Result<std::optional<LiveMessage>> receive(std::chrono::milliseconds patience) = 0;
};

}  // namespace kanhu::publish
