// SPDX-License-Identifier: MIT
#include "pipelines/publish/query_server.hpp"

#include <future>
#include <random>
#include <thread>

#include <catch2/catch.hpp>
#include <zmq.hpp>

#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

using namespace kanhu;
using namespace kanhu::publish;
using namespace std::chrono_literals;

namespace {

constexpr auto kAnswerPatience = 10s;

PublishConfig loopback_port() {
  PublishConfig config;
  config.query = "tcp://127.0.0.1:*";
  return config;
}

std::unique_ptr<QueryServer> open_server() {
  QueryServer::Requests requests;
  const auto at_once = [&requests](const char* name, auto function) { requests.emplace(name, answered_at_once(name, function)); };
  at_once("state", [](const Json&, const Asker&) -> Result<Json> { return Json{{"facilities", Json::array()}, {"seq", 12}}; });
  at_once("info", [](const Json&, const Asker&) -> Result<Json> { throw std::runtime_error("a secret detail"); });
  at_once("look", [](const Json& request, const Asker&) -> Result<Json> {
    if (request.contains("source")) return Json{{"look", request.at("source")}};
    return fail(ErrorKind::kNotFound, "there is no such source");
  });
  requests.emplace("fetch", [](const Json&, const Asker&, const Reply& reply) {
    reply(Answer{R"({"ok":true,"text":"as it stands"})", "", false});
  });
  auto server = QueryServer::open(loopback_port(), std::move(requests));
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

}  // namespace

TEST_CASE("state is answered with the members the application gives, and a failing answer with an error") {
  const auto server = open_server();
  const auto state = query(server->endpoint(), {{"v", 1}, {"request", "state"}}, kAnswerPatience);
  REQUIRE(state);
  CHECK((*state)["ok"] == true);
  CHECK((*state)["v"] == 1);
  CHECK((*state)["seq"] == 12);
  const auto info = query(server->endpoint(), {{"v", 1}, {"request", "info"}}, kAnswerPatience);
  REQUIRE(info);
  CHECK((*info)["ok"] == false);
  CHECK((*info)["error"]["kind"] == "internal");
  CHECK(info->dump().find("secret") == std::string::npos);
}

TEST_CASE("look is asked with the request, and may answer with an error of its own") {
  const auto server = open_server();
  const auto look = query(server->endpoint(), {{"v", 1}, {"request", "look"}, {"source", "bed-1"}}, kAnswerPatience);
  REQUIRE(look);
  CHECK((*look)["ok"] == true);
  CHECK((*look)["look"] == "bed-1");
  const auto none = query(server->endpoint(), {{"v", 1}, {"request", "look"}}, kAnswerPatience);
  REQUIRE(none);
  CHECK((*none)["ok"] == false);
  CHECK((*none)["error"]["kind"] == "not_found");
  CHECK((*none)["error"]["message"] == "there is no such source");
}

TEST_CASE("a request that is not known is answered with the names of those that are") {
  const auto server = open_server();
  for (const Json& request : {Json{{"v", 1}, {"request", "clip"}}, Json{{"v", 2}, {"request", "state"}}}) {
    const auto answer = query(server->endpoint(), request, kAnswerPatience);
    REQUIRE(answer);
    CHECK((*answer)["ok"] == false);
    CHECK((*answer)["error"]["kind"] == "unsupported");
  }
  const auto nothing = query(server->endpoint(), {{"v", 1}}, kAnswerPatience);
  REQUIRE(nothing);
  CHECK((*nothing)["error"]["kind"] == "invalid_argument");
  const auto clip = query(server->endpoint(), {{"v", 1}, {"request", "clip"}}, kAnswerPatience);
  CHECK((*clip)["error"]["message"].get<std::string>().find("fetch, info, look, state") != std::string::npos);
  const auto fetch = query(server->endpoint(), {{"v", 1}, {"request", "fetch"}}, kAnswerPatience);
  REQUIRE(fetch);
  CHECK((*fetch)["text"] == "as it stands");
}

TEST_CASE("an answer may come later, from another thread, with bytes behind it, and after the server has gone") {
  Reply kept;
  std::promise<void> asked;
  QueryServer::Requests requests;
  requests.emplace("picture", [&](const Json&, const Asker&, Reply reply) {
    kept = std::move(reply);
    asked.set_value();
  });
  auto server = std::move(*QueryServer::open(loopback_port(), std::move(requests)));
  zmq::context_t context(1);
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::rcvtimeo, 10'000);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(server->endpoint());
  dealer.send(zmq::str_buffer(R"({"v":1,"request":"picture"})"), zmq::send_flags::none);
  REQUIRE(asked.get_future().wait_for(kAnswerPatience) == std::future_status::ready);
  std::thread([&] { kept(Answer{R"({"ok":true})", std::string("\xff\xd8\0", 3), true}); }).join();
  zmq::message_t text, bytes;
  REQUIRE(dealer.recv(text));
  CHECK(text.to_string() == R"({"ok":true})");
  REQUIRE(text.more());
  REQUIRE(dealer.recv(bytes));
  CHECK(bytes.to_string() == std::string("\xff\xd8\0", 3));
  server.reset();
  kept(fail(ErrorKind::kTimeout, "too late"));
}

TEST_CASE("nobody at the query endpoint is a timeout that says so") {
  std::string endpoint;
  { endpoint = open_server()->endpoint(); }
  const auto answer = query(endpoint, {{"v", 1}, {"request", "state"}}, 50ms);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::kTimeout);
  CHECK(answer.error().message.find(endpoint) != std::string::npos);
}

TEST_CASE("REQ and DEALER are answered in the form they asked in") {
  const auto server = open_server();
  zmq::context_t context(1);
  const std::string request = R"({"v":1,"request":"state"})";
  zmq::message_t frame;
  zmq::socket_t req(context, zmq::socket_type::req);
  req.set(zmq::sockopt::rcvtimeo, 10'000);
  req.set(zmq::sockopt::linger, 0);
  req.connect(server->endpoint());
  req.send(zmq::buffer(request), zmq::send_flags::none);
  REQUIRE(req.recv(frame));
  CHECK(parse_json(frame.to_string_view()));
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::rcvtimeo, 10'000);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(server->endpoint());
  dealer.send(zmq::buffer(request), zmq::send_flags::none);
  REQUIRE(dealer.recv(frame));
  CHECK_FALSE(frame.more());
  CHECK(parse_json(frame.to_string_view()));
}

TEST_CASE("garbage in any number of frames to the query socket gets an error or nothing, and harms nobody") {
  const auto server = open_server();
  zmq::context_t context(1);
  std::mt19937 random(7);
  const std::string seed = R"({"v":1,"request":"state"})";
  for (int round = 0; round < 20; ++round) {
    zmq::socket_t dealer(context, zmq::socket_type::dealer);
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::sndtimeo, 1000);
    dealer.connect(server->endpoint());
    for (int i = 0; i < 50; ++i) {
      const int frames = 1 + static_cast<int>(random() % 12);
      for (int f = 0; f < frames; ++f) {
        std::string text = random() % 2 ? seed : std::string(random() % 300, ' ');
        for (std::size_t k = 0; k < 1 + text.size() / 8 && !text.empty(); ++k) text[random() % text.size()] = static_cast<char>(random());
        (void)dealer.send(zmq::buffer(text), f + 1 < frames ? zmq::send_flags::sndmore : zmq::send_flags::none);
      }
    }
    const std::string huge(100'000, '[');
    (void)dealer.send(zmq::buffer(huge), zmq::send_flags::none);
  }
  const auto state = query(server->endpoint(), {{"v", 1}, {"request", "state"}}, kAnswerPatience);
  REQUIRE(state);
  CHECK((*state)["ok"] == true);
}

TEST_CASE("a question that is dropped without an answer, on whatever thread, is answered internal; a second answer is none") {
  QueryServer::Requests requests;
  std::vector<std::thread> threads;
  requests.emplace("dropped", [&](const Json&, const Asker&, Reply reply) {
    threads.emplace_back([reply = std::move(reply)] {
      try {
        throw std::runtime_error("on another thread");
      } catch (const std::exception&) {
        return;  // as a thread that contains what it is given to do
      }
    });
  });
  requests.emplace("thrown", [](const Json&, const Asker&, const Reply&) { throw 7; });
  requests.emplace("twice", [](const Json&, const Asker&, const Reply& reply) {
    reply(Answer{R"({"ok":true,"which":1})", "", false});
    reply(Answer{R"({"ok":true,"which":2})", "", false});
  });
  const auto server = QueryServer::open(loopback_port(), std::move(requests));
  REQUIRE(server);
  for (const char* name : {"dropped", "thrown"}) {
    const auto answer = query((*server)->endpoint(), {{"v", 1}, {"request", name}}, kAnswerPatience);
    REQUIRE(answer);
    CHECK((*answer)["error"]["kind"] == "internal");
  }
  for (int i = 0; i < 3; ++i) CHECK((*query((*server)->endpoint(), {{"v", 1}, {"request", "twice"}}, kAnswerPatience))["which"] == 1);
  for (std::thread& thread : threads) thread.join();
}
