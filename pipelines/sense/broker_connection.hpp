// SPDX-License-Identifier: MIT
// One connection to one message broker. The only place that includes libmosquitto.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "pipelines/sense/inbox.hpp"

namespace kanhu::sense {

struct BrokerTask {
  BrokerConfig broker;
  std::string client_id;
  std::string secrets_dir;
  std::vector<std::string> topics;  // without wildcards, each once
  bool operator==(const BrokerTask&) const = default;
};

// Connects, subscribes (QoS 1), hands on what comes, and connects again after a jittered back-off of up to 30 s, until destroyed. A refused
// user or password is tried as rarely as a camera's (PasswordRation), until the secret is another one.
//
// MQTT 5 alone is spoken: its Maximum Packet Size (OASIS MQTT 5.0, 3.1.2.11.4) is how a client says that it takes nothing larger than
// `kMostPacketBytes`; a broker then withholds what is, and no publisher can fill this process's memory. Sessions start clean: what a
// broker kept while we were away is old, and what still holds is retained. The secret is read anew for every connection and stays in
// this process.
// Thread: its own, `mqtt/<id>`; constructor and destructor (which returns within 6 s) on one thread.
class BrokerConnection {
 public:
  static constexpr std::uint32_t kMostPacketBytes = 320 * 1024;

  BrokerConnection(BrokerTask task, Inbox& inbox, const Clock& clock);
  ~BrokerConnection();
  BrokerConnection(const BrokerConnection&) = delete;
  BrokerConnection& operator=(const BrokerConnection&) = delete;

  const BrokerTask& task() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace kanhu::sense
