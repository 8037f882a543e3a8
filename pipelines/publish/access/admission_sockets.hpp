// SPDX-License-Identifier: MIT
// What the sockets behind a gate need of it, and the words of ZAP. Private to pipelines/publish.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "pipelines/publish/access/admission.hpp"
#include "pipelines/publish/access/curve_keys.hpp"

namespace kanhu::publish {

class Admission::Sockets {
 public:
  Sockets(std::shared_ptr<zmq::context_t> context, KeyPair keys) : context_(std::move(context)), keys_(std::move(keys)) {}

  // All sockets of a server share the context in which the answers to ZAP are given.
  const std::shared_ptr<zmq::context_t>& context() const { return context_; }
  void guard(zmq::socket_t& server) const;                      // before it is bound
  ClientKeys own() const { return {keys_.public_key, keys_}; }  // for a client inside the gateway

 private:
  const std::shared_ptr<zmq::context_t> context_;
  const KeyPair keys_;
};

// A client's socket, before it connects.
void set_client_keys(zmq::socket_t& client, const ClientKeys& keys);

// The key with which the sender of a message came in; empty: a socket without keys.
std::string_view key_of(zmq::message_t& message);

// One request of ZAP 1.0 and its answer. `admit` gives the name of a key in Z85, or nothing.
using ZapFrames = std::vector<std::string>;
struct ZapAnswer {
  ZapFrames frames;
  bool admitted = false;
  std::string who;  // key and address, for the log
};
ZapAnswer answer_zap(const ZapFrames& request, const std::function<std::optional<std::string>(const std::string& key)>& admit);

inline constexpr std::string_view kZapDomain = "kanhu";

}  // namespace kanhu::publish
