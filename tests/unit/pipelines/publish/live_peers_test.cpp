// SPDX-License-Identifier: MIT
// Whose a subscription is, when descriptors are used again.
#include "pipelines/publish/live_peers.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.hpp>

#include "pipelines/publish/access/admission_sockets.hpp"
#include "tests/support/fake_clock.hpp"

namespace kanhu::publish {
namespace {

bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// A live socket behind a gate, for a key that sees everything and one that sees f1 only.
struct PeersRig {
  test::FakeClock clock;
  KeyPair server = *make_key_pair(), all = *make_key_pair(), limited = *make_key_pair();
  std::unique_ptr<Admission> gate = std::move(*Admission::open(
      server.secret_key,
      {{{"all", all.public_key, {"*"}, {"live"}, std::nullopt}, {"limited", limited.public_key, {"f1"}, {"live"}, std::nullopt}}}, clock));
  zmq::context_t clients{1};
  zmq::socket_t xpub{*gate->sockets().context(), zmq::socket_type::xpub};
  std::set<int> known;  // connections
  LivePeers peers{xpub, gate.get()};

  PeersRig() {
    xpub.set(zmq::sockopt::xpub_manual, true);
    xpub.set(zmq::sockopt::linger, 0);
    gate->sockets().guard(xpub);
    xpub.bind("tcp://127.0.0.1:*");
  }
  zmq::socket_t subscribe(const KeyPair& own) {
    zmq::socket_t sub(clients, zmq::socket_type::sub);
    set_client_keys(sub, {server.public_key, own});
    sub.set(zmq::sockopt::linger, 0);
    sub.set(zmq::sockopt::reconnect_ivl, 20);
    sub.set(zmq::sockopt::subscribe, "kanhu1/");
    sub.connect(xpub.get(zmq::sockopt::last_endpoint));
    return sub;
  }
  // Our end of the next connection that is made.
  int accept() {
    int found = -1;
    REQUIRE(eventually([&] {
      for (int each = 0; each < 1024 && found < 0; ++each)
        if (is_our_end(each) && !known.contains(each)) found = each;
      return found >= 0;
    }));
    known.insert(found);
    return found;
  }
  bool is_our_end(int descriptor) {
    const std::string endpoint = xpub.get(zmq::sockopt::last_endpoint);
    sockaddr_in own{}, other{};
    socklen_t size = sizeof own;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) != 0 || own.sin_family != AF_INET) return false;
    size = sizeof other;
    return endpoint.ends_with(":" + std::to_string(ntohs(own.sin_port))) &&
           ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&other), &size) == 0;
  }
  // What comes of one event of f10 and then one of f1.
  std::set<std::string> received(zmq::socket_t& sub) {
    for (const char* topic : {"kanhu1/f10/", "kanhu1/f1/"}) xpub.send(zmq::buffer(std::string(topic)), zmq::send_flags::none);
    std::set<std::string> topics;
    zmq::message_t frame;
    while (!topics.contains("kanhu1/f1/") && sub.recv(frame)) topics.insert(frame.to_string());
    return topics;
  }
};

}  // namespace

TEST_CASE("what one who has gone subscribed does not give its rights to who got its descriptor") {
  PeersRig rig;
  int descriptor = -1;
  {
    auto gone = rig.subscribe(rig.all);
    descriptor = rig.accept();
    REQUIRE(eventually([&] { return (rig.xpub.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }));  // it waits in the socket
  }
  // Its number is held, so that nothing else of this process gets it.
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(eventually([&] {
    (void)rig.xpub.get(zmq::sockopt::events);
    const int copy = ::fcntl(nothing, F_DUPFD_CLOEXEC, descriptor);
    if (copy != descriptor) ::close(copy);
    return copy == descriptor;
  }));
  ::close(nothing);

  auto limited = rig.subscribe(rig.limited);
  limited.set(zmq::sockopt::rcvtimeo, 20'000);
  REQUIRE(::dup2(rig.accept(), descriptor) == descriptor);
  REQUIRE(eventually([&] {
    rig.peers.read();
    return rig.peers.dropped() == 1;
  }));
  ::close(descriptor);

  // It comes back by itself, with the rights of its own key.
  REQUIRE(eventually([&] {
    rig.peers.look();
    (void)limited.get(zmq::sockopt::events);  // a SUB subscribes anew when it is looked after
    return rig.peers.read() && rig.peers.connections() == 1;
  }));
  CHECK(rig.received(limited) == std::set<std::string>{"kanhu1/f1/"});
  CHECK(rig.peers.dropped() == 1);
}

}  // namespace kanhu::publish
