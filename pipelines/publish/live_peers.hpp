// SPDX-License-Identifier: MIT
// Who is connected to the live socket, and what each of them has subscribed. Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "base/log_rarely.hpp"
#include "pipelines/publish/access/admission.hpp"

namespace kanhu::publish {

// Applies the subscriptions that arrive at an XPUB socket in manual mode: as far as their sender may, and no more of them than a
// subscriber needs. libzmq has no call that drops one peer, but says which connection a message came by: that one is shut down, and
// nobody else notices. With a gate nothing is applied that may be left over from a connection that has ended: libzmq 4.3.4 would give
// it to whoever gets the address of its pipe (libzmq #4137), and we to whoever gets its descriptor.
// Thread: the socket's.
class LivePeers {
 public:
  static constexpr std::size_t kMostSubscriptions = 1'000;   // of a connection
  static constexpr std::size_t kMostTopicBytes = 32u << 10;  // of a connection, of all its subscriptions: each byte is a node in two tries
  static constexpr std::size_t kLongestSubscription = 200;

  // `gate` may be nullptr: everybody may everything.
  LivePeers(zmq::socket_t& xpub, Admission* gate);
  ~LivePeers();
  LivePeers(const LivePeers&) = delete;
  LivePeers& operator=(const LivePeers&) = delete;

  // Takes what has arrived, a bounded number of messages. True: look again soon.
  bool read();
  // Shuts down whose key is gone or has other rights than it came with, and forgets who left. About once a second.
  void look();

  std::size_t connections() const { return peers_.size(); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Peer {
    int descriptor = -1;
    std::string key;
    Rights rights;  // with which it subscribed
    std::string user;
    bool shut = false;
    std::size_t topic_bytes = 0;
    std::set<std::string, std::less<>> asked;
    std::map<std::string, int> applied;  // and how many of `asked` led to it
  };

  void take(zmq::message_t& message);
  void note_ended();
  void add(Peer& peer, std::string_view prefix);
  void remove(Peer& peer, std::string_view prefix);
  void shut(std::uint64_t connection, Peer& peer, std::string_view why);

  zmq::socket_t& xpub_;
  const Admission* const gate_;
  std::map<std::uint64_t, Peer> peers_;  // by the kernel's number of the connection, which is never used again
  std::uint64_t dropped_ = 0;
  // With a gate. What libzmq says of each connection when it ends, before it forgets the pipe.
  std::optional<zmq::socket_t> ended_;
  // Descriptors of those, and how often nothing was left to read since: until twice, what comes may be left over.
  std::map<int, int> doubtful_;
  SayRarely cut_off_;
};

}  // namespace kanhu::publish
