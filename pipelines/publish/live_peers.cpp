// SPDX-License-Identifier: MIT
#include "pipelines/publish/live_peers.hpp"

#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/log.hpp"
#include "pipelines/publish/access/admission_sockets.hpp"

namespace kanhu::publish {
namespace {

constexpr int kMostAtOnce = 64;

// Descriptors are used again as soon as they are closed, this number is not. Nothing when it is no socket (any more).
std::optional<std::uint64_t> connection_of(int descriptor) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (descriptor < 0 || ::getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return std::nullopt;
  return cookie;
}

}  // namespace

LivePeers::LivePeers(zmq::socket_t& xpub, Admission* gate) : xpub_(xpub), gate_(gate) {
  if (gate == nullptr) return;
  const std::string name = fmt::format("inproc://ended-{}", static_cast<const void*>(this));
  if (::zmq_socket_monitor(xpub.handle(), name.c_str(), ZMQ_EVENT_DISCONNECTED) != 0) throw zmq::error_t();
  ended_.emplace(*gate->sockets().context(), zmq::socket_type::pair);
  ended_->set(zmq::sockopt::rcvhwm, 0);  // a limit would stop libzmq's I/O thread, not its peers
  ended_->connect(name);
}

LivePeers::~LivePeers() {
  if (ended_) ::zmq_socket_monitor(xpub_.handle(), nullptr, 0);  // else libzmq would wait for who listens no more
}

bool LivePeers::read() {
  bool any = false;
  try {
    note_ended();
    zmq::message_t message;
    int taken = 0;
    for (; taken < kMostAtOnce && xpub_.recv(message, zmq::recv_flags::dontwait); ++taken) {
      take(message);
      any = true;
    }
    if (taken < kMostAtOnce) {
      for (auto& [descriptor, times] : doubtful_) ++times;
      std::erase_if(doubtful_, [](const auto& one) { return one.second > 1; });
    }
  } catch (const zmq::error_t& error) {
    log::debug("publish", "reading subscriptions: {}", error.what());
  }
  return any;
}

void LivePeers::note_ended() {
  zmq::message_t event, address;
  while (ended_ && ended_->recv(event, zmq::recv_flags::dontwait)) {
    std::int32_t descriptor = -1;  // behind 16 bits that say which event it is
    if (event.size() == 2 + sizeof descriptor) std::memcpy(&descriptor, event.data<char>() + 2, sizeof descriptor);
    doubtful_[descriptor] = 0;
    if (event.more()) (void)ended_->recv(address);
  }
}

void LivePeers::take(zmq::message_t& message) {
  note_ended();  // a pipe that had gone when this was read has been told of before
  const std::string_view text = message.to_string_view();
  if (text.empty() || (text[0] != '\0' && text[0] != '\1')) return;  // nobody has anything to say here
  // The unsubscriptions of one who has left carry no connection: libzmq has applied them.
  const int descriptor = ::zmq_msg_get(message.handle(), ZMQ_SRCFD);
  const auto connection = connection_of(descriptor);
  if (!connection) return;
  const auto [found, fresh] = peers_.try_emplace(*connection);
  Peer& peer = found->second;
  if (fresh) {
    peer.descriptor = descriptor;
    peer.key = key_of(message);
    const auto asker = gate_ == nullptr ? Asker{"", Rights::all()} : gate_->asker(peer.key).value_or(Asker{});
    peer.rights = asker.rights;
    peer.user = asker.user;
  }
  if (peer.shut) return;
  // Left over from one who has gone and whose descriptor this connection was given, or it cannot be told: it must come anew.
  if (doubtful_.contains(descriptor) || (!fresh && key_of(message) != peer.key))
    return shut(*connection, peer, "its descriptor was another's before");
  const std::string_view prefix = text.substr(1);
  if (text[0] == '\0') {
    const auto asked = peer.asked.find(prefix);
    if (asked == peer.asked.end()) return;
    remove(peer, prefix);
    peer.topic_bytes -= prefix.size();
    peer.asked.erase(asked);
    return;
  }
  if (prefix.size() > kLongestSubscription) return shut(*connection, peer, "a subscription is too long");
  if (!peer.asked.emplace(prefix).second) return;
  peer.topic_bytes += prefix.size();
  if (peer.asked.size() > kMostSubscriptions || peer.topic_bytes > kMostTopicBytes)
    return shut(*connection, peer, "it subscribes without end");
  add(peer, prefix);
}

// Called while the message of this peer is the last one read: libzmq applies it to that one's connection.
void LivePeers::add(Peer& peer, std::string_view prefix) {
  for (const std::string& topic : permitted_topics(peer.rights, prefix))
    if (++peer.applied[topic] == 1) xpub_.set(zmq::sockopt::subscribe, topic);
}

// As add. Two subscriptions may have been narrowed to the same topic.
void LivePeers::remove(Peer& peer, std::string_view prefix) {
  for (const std::string& topic : permitted_topics(peer.rights, prefix)) {
    const auto applied = peer.applied.find(topic);
    if (applied == peer.applied.end() || --applied->second > 0) continue;
    peer.applied.erase(applied);
    xpub_.set(zmq::sockopt::unsubscribe, topic);
  }
}

void LivePeers::look() {
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    if (connection_of(peer->second.descriptor) != peer->first) {
      peer = peers_.erase(peer);
      continue;
    }
    if (gate_ != nullptr && !peer->second.shut) {
      const auto now = gate_->asker(peer->second.key);
      if (!now) {
        shut(peer->first, peer->second, "its key is no more in the allow-list, or has expired");
      } else if (!(now->rights == peer->second.rights)) {
        shut(peer->first, peer->second, "its rights have changed; it comes back by itself");
      }
    }
    ++peer;
  }
}

void LivePeers::shut(std::uint64_t connection, Peer& peer, std::string_view why) {
  peer.shut = true;
  peer.asked.clear();
  peer.applied.clear();
  ++dropped_;
  // Between these two lines libzmq may close the descriptor and another connection get it: that one would have to connect again.
  if (connection_of(peer.descriptor) != connection) return;
  // Not for writing too: libzmq closes what can be read no more, while a connection that hangs up takes it to the fault in sockets.cpp.
  ::shutdown(peer.descriptor, SHUT_RD);
  if (const auto times = cut_off_.once_more())
    log::warning("publish", "a subscriber{}{} was cut off: {} ({} since this was last said)", peer.user.empty() ? "" : " ", peer.user, why,
                 *times);
}

}  // namespace kanhu::publish
