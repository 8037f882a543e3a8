#include "pipelines/publish/live_peers.hpp"

#include <utility>

#include <sys/socket.h>

#include "base/log.hpp"
#include "pipelines/publish/gate_sockets.hpp"

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

bool LivePeers::read() {
  bool any = false;
  try {
    zmq::message_t message;
    for (int i = 0; i < kMostAtOnce && xpub_.recv(message, zmq::recv_flags::dontwait); ++i) {
      take(message);
      any = true;
    }
  } catch (const zmq::error_t& error) {
    log::debug("publish", "reading subscriptions: {}", error.what());
  }
  return any;
}

void LivePeers::take(zmq::message_t& message) {
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
  // Left over from one who has gone and whose descriptor this connection was given: whichever of them the rights are of, it must come anew.
  if (!fresh && key_of(message) != peer.key) return shut(*connection, peer, "its descriptor was another's before");
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
