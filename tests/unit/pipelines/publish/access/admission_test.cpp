// SPDX-License-Identifier: MIT
// The gate before real sockets: what a key sees, live and by request, and when that ends.
#include "pipelines/publish/access/admission.hpp"

#include <functional>
#include <set>
#include <thread>

#include <catch2/catch.hpp>
#include <zmq.hpp>

#include "base/guarded.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/query_server.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

using namespace kanhu;
using namespace kanhu::publish;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kGatePatience = 10s;

KeyPair pair() { return *make_key_pair(); }

// Two sockets behind a gate, on loopback, and events of f1, f10 and of the gateway.
struct GateRig {
  FakeClock clock;
  KeyPair server = pair(), limited = pair(), all = pair();
  Guarded<journal::JournalHead> head;
  std::unique_ptr<Admission> gate;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<QueryServer> query_server;
  std::uint64_t seq = 0;

  GateRig() {
    head.with([](journal::JournalHead& now) {
      now.epoch = std::string(32, 'a');
      now.streams = {{"-", {}}, {"f1", {}}, {"f10", {}}};
    });
    gate = std::move(*Admission::open(server.secret_key, list(), clock));
    PublishConfig config;
    config.live = "tcp://127.0.0.1:*";
    config.query = "tcp://127.0.0.1:*";
    auto opened = Publisher::open(
        config, clock, [this] { return head.with([](const journal::JournalHead& now) { return now; }); }, nullptr, gate.get());
    if (!opened) throw std::runtime_error(opened.error().message);
    publisher = std::move(*opened);
    QueryServer::Requests requests;
    requests.emplace("who", answered_at_once("who", [](const Json&, const Asker& asker) -> Result<Json> {
                       return Json{{"user", asker.user}, {"f1", asker.rights.sees("f1")}, {"f10", asker.rights.sees("f10")}};
                     }));
    query_server = std::move(*QueryServer::open(config, std::move(requests), gate.get()));
  }

  AllowList list() const {
    return {{{"limited", limited.public_key, {"f1"}, {"live", "fetch"}, std::nullopt},
             {"all", all.public_key, {"*"}, {"live", "fetch"}, std::nullopt}}};
  }
  ClientKeys keys_of(const KeyPair& own) const { return {server.public_key, own}; }

  std::unique_ptr<Subscriber> subscribe(const std::optional<ClientKeys>& keys, const std::vector<std::string>& topics = {}) {
    return std::move(*Subscriber::connect(publisher->live_endpoint(), topics, keys));
  }
  Result<Json> who(const std::optional<ClientKeys>& keys, std::chrono::milliseconds patience = kGatePatience) {
    return query(query_server->endpoint(), {{"v", 1}, {"request", "who"}}, patience, keys);
  }

  void publish(const std::string& facility) {
    Event event;
    const EventDraft draft = draft_of(facility, "presence.started", "s", Phase::kStart);
    event.id = {std::string(32, 'a'), ++seq, seq};
    event.facility = facility;
    event.source = draft.source;
    event.type = draft.type;
    event.body = cloud_event(draft, event.id);
    publisher->publish({std::make_shared<const Event>(std::move(event))});
  }
  void publish_round() {
    for (const char* facility : {"f10", "-", "f1"}) publish(facility);
  }
};

// Topics that come until `last` has: time moves on, so that heads keep coming.
std::set<std::string> until(Subscriber& subscriber, FakeClock& clock, const std::string& last) {
  std::set<std::string> topics;
  const auto deadline = std::chrono::steady_clock::now() + kGatePatience;
  while (!topics.contains(last) && std::chrono::steady_clock::now() < deadline) {
    const auto message = subscriber.receive(20ms);
    if (!message) throw std::runtime_error(message.error().message);
    if (*message)
      topics.insert((*message)->topic);
    else
      clock.advance(1s);
  }
  if (!topics.contains(last)) topics.insert("nothing came");
  return topics;
}

std::string first_foreign(const std::set<std::string>& topics) {
  for (const std::string& topic : topics)
    if (topic != "kanhu1/-/-/heartbeat/" && !topic.starts_with("kanhu1/f1/")) return topic;
  return "";
}

bool soon(FakeClock& clock, const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kGatePatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    clock.advance(100ms);
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace

TEST_CASE("behind a gate a key sees its facilities, and another one everything") {
  GateRig rig;
  for (const std::vector<std::string>& topics :
       {std::vector<std::string>{}, {""}, {"kanhu1/f1/", "kanhu1/"}, {"kanhu1/f1", "kanhu1/f10/"}}) {
    auto limited = rig.subscribe(rig.keys_of(rig.limited), topics);
    CHECK(first_foreign(until(*limited, rig.clock, "kanhu1/f1/-/head/")) == "");
    rig.publish_round();
    CHECK(first_foreign(until(*limited, rig.clock, "kanhu1/f1/f1-cam/presence.started/")) == "");
  }
  auto all = rig.subscribe(rig.keys_of(rig.all));
  until(*all, rig.clock, "kanhu1/f1/-/head/");
  rig.publish_round();
  const auto seen = until(*all, rig.clock, "kanhu1/f1/f1-cam/presence.started/");
  CHECK(seen.contains("kanhu1/f10/f10-cam/presence.started/"));
  CHECK((*rig.who(rig.keys_of(rig.limited)))["user"] == "limited");
  CHECK((*rig.who(rig.keys_of(rig.limited)))["f10"] == false);
  CHECK((*rig.who(rig.keys_of(rig.all)))["f10"] == true);
}

TEST_CASE("two subscriptions that were narrowed to the same are two: one may go") {
  GateRig rig;
  zmq::context_t context(1);
  zmq::socket_t raw(context, zmq::socket_type::xsub);
  raw.set(zmq::sockopt::curve_serverkey, rig.server.public_key);
  raw.set(zmq::sockopt::curve_publickey, rig.limited.public_key);
  raw.set(zmq::sockopt::curve_secretkey, rig.limited.secret_key.reveal());
  raw.set(zmq::sockopt::rcvtimeo, 20);
  raw.connect(rig.publisher->live_endpoint());
  const auto say = [&](char what, const std::string& prefix) { raw.send(zmq::buffer(what + prefix), zmq::send_flags::none); };
  const auto comes = [&] {
    zmq::message_t frame;
    while (raw.recv(frame)) {
    }
    rig.clock.advance(1s);
    return soon(rig.clock, [&] { return raw.recv(frame).has_value(); });
  };
  say('\1', "kanhu1/");
  say('\1', "kanhu1/f1/");
  CHECK(comes());
  say('\0', "kanhu1/");
  CHECK(comes());
  say('\0', "kanhu1/f1/");
  zmq::message_t frame;
  CHECK(soon(rig.clock, [&] {
    // Quiet for ten rounds of heads.
    for (int i = 0; i < 10; ++i, rig.clock.advance(1s))
      if (raw.recv(frame)) return false;
    return true;
  }));
}

TEST_CASE("no key, a key of nobody, another server's key and an expired key get nothing") {
  GateRig rig;
  KeyPair stranger = pair();
  ClientKeys wrong_server = rig.keys_of(rig.limited);
  wrong_server.server_key = stranger.public_key;
  AllowList list = rig.list();
  const KeyPair over = pair();
  list.subscribers.push_back({"over", over.public_key, {"*"}, {"live", "fetch"}, rig.clock.wall()});
  rig.gate->use(list);
  const std::optional<ClientKeys> outside[] = {std::nullopt, rig.keys_of(stranger), wrong_server, rig.keys_of(over)};
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (const auto& keys : outside) subscribers.push_back(rig.subscribe(keys));
  for (const auto& keys : outside) CHECK_FALSE(rig.who(keys, 300ms));
  auto all = rig.subscribe(rig.keys_of(rig.all));
  until(*all, rig.clock, "kanhu1/f1/-/head/");
  rig.publish_round();
  until(*all, rig.clock, "kanhu1/f1/f1-cam/presence.started/");
  for (const auto& subscriber : subscribers) CHECK_FALSE(subscriber->receive(50ms)->has_value());
  CHECK(rig.gate->stats().refused >= 2);
}

TEST_CASE("a key that is taken out gets nothing more, nobody else notices, and rights that change take effect at once") {
  GateRig rig;
  auto limited = rig.subscribe(rig.keys_of(rig.limited)), all = rig.subscribe(rig.keys_of(rig.all));
  until(*limited, rig.clock, "kanhu1/f1/-/head/");
  until(*all, rig.clock, "kanhu1/f1/-/head/");
  const std::uint64_t cut_off = rig.publisher->stats().cut_off;

  AllowList wider = rig.list();
  wider.subscribers[0].facilities = {"f1", "f10"};
  rig.gate->use(wider);
  CHECK((*rig.who(rig.keys_of(rig.limited)))["f10"] == true);
  CHECK(until(*limited, rig.clock, "kanhu1/f10/-/head/").contains("kanhu1/f10/-/head/"));

  AllowList without = rig.list();
  without.subscribers.erase(without.subscribers.begin());
  rig.gate->use(without);
  CHECK_FALSE(rig.who(rig.keys_of(rig.limited), 300ms));
  REQUIRE(soon(rig.clock, [&] { return rig.publisher->stats().cut_off == cut_off + 2; }));
  while (limited->receive(100ms)->has_value()) {
  }
  const std::uint64_t first = rig.seq + 1;
  for (int i = 0; i < 100; ++i) rig.publish("f1");
  for (std::uint64_t expected = first; expected < first + 100;) {
    const auto message = all->receive(kGatePatience);
    REQUIRE(message->has_value());
    if ((*message)->topic.ends_with("/presence.started/")) CHECK((*message)->header["seq"] == expected++);
  }
  CHECK_FALSE(limited->receive(100ms)->has_value());

  rig.gate->use(rig.list());
  CHECK(until(*limited, rig.clock, "kanhu1/f1/-/head/").contains("kanhu1/f1/-/head/"));
}

TEST_CASE("a connection that was made with a key asks in vain once that is nobody's") {
  GateRig rig;
  zmq::context_t context(1);
  zmq::socket_t raw(context, zmq::socket_type::req);
  raw.set(zmq::sockopt::curve_serverkey, rig.server.public_key);
  raw.set(zmq::sockopt::curve_publickey, rig.limited.public_key);
  raw.set(zmq::sockopt::curve_secretkey, rig.limited.secret_key.reveal());
  raw.set(zmq::sockopt::rcvtimeo, 10'000);
  raw.set(zmq::sockopt::linger, 0);
  raw.connect(rig.query_server->endpoint());
  const auto ask = [&] {
    raw.send(zmq::str_buffer(R"({"v":1,"request":"who"})"), zmq::send_flags::none);
    zmq::message_t answer;
    REQUIRE(raw.recv(answer));
    return *parse_json(answer.to_string_view());
  };
  CHECK(ask()["user"] == "limited");
  rig.gate->use({});
  CHECK(ask()["error"]["kind"] == "unauthorized");
  rig.gate->use(rig.list());
  CHECK(ask()["user"] == "limited");
}

TEST_CASE("behind a gate TCP may be reached from other machines") {
  const FakeClock clock;
  const auto gate = Admission::open(pair().secret_key, {}, clock);
  REQUIRE(gate);
  PublishConfig config;
  config.live = "tcp://0.0.0.0:*";
  CHECK(Publisher::open(
      config, clock, [] { return journal::JournalHead(); }, nullptr, gate->get()));
}

TEST_CASE("who subscribes without end is cut off, and nobody else") {
  GateRig rig;
  auto all = rig.subscribe(rig.keys_of(rig.all));
  until(*all, rig.clock, "kanhu1/f1/-/head/");
  std::vector<std::string> many;
  for (int i = 0; i < 400; ++i) many.push_back("kanhu1/f1/" + std::string(170, 'x') + std::to_string(i) + "/");
  auto flooding = rig.subscribe(rig.keys_of(rig.limited), many);
  CHECK(soon(rig.clock, [&] { return rig.publisher->stats().cut_off > 0; }));
  auto long_one = rig.subscribe(rig.keys_of(rig.limited), {"kanhu1/f1/" + std::string(300, 'x')});
  const auto before = rig.publisher->stats().cut_off;
  CHECK(soon(rig.clock, [&] { return rig.publisher->stats().cut_off > before; }));
  const std::uint64_t first = rig.seq + 1;
  rig.publish("f1");
  while (true) {
    const auto message = all->receive(kGatePatience);
    REQUIRE(message->has_value());
    if ((*message)->topic.ends_with("/presence.started/")) {
      CHECK((*message)->header["seq"] == first);
      break;
    }
  }
}

TEST_CASE("one user opens connections only so fast, and others come in meanwhile") {
  GateRig rig;
  std::vector<std::unique_ptr<Subscriber>> held;
  for (int i = 0; i < 200; ++i) held.push_back(rig.subscribe(rig.keys_of(rig.limited)));
  CHECK(soon(rig.clock, [&] { return rig.gate->stats().refused > 0; }));
  CHECK(rig.gate->stats().admitted >= 128);
  CHECK((*rig.who(rig.keys_of(rig.all)))["user"] == "all");
}
