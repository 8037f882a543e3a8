// SPDX-License-Identifier: MIT
// The other end of both sockets: for commands and tests.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/publish/access/curve_keys.hpp"

namespace kanhu::publish {

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
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  // Nothing after `patience`; kCorrupt for a message that is not of the contract.
  Result<std::optional<LiveMessage>> receive(std::chrono::milliseconds patience);

 private:
  struct Socket;
  explicit Subscriber(std::unique_ptr<Socket> socket);

  const std::unique_ptr<Socket> socket_;
};

}  // namespace kanhu::publish
