#include <array>
#include <atomic>
#include <exception>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/thread_name.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/sockets.hpp"

namespace kanhu::publish {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostRequestBytes = 4096;
constexpr std::size_t kMostFrames = 8;
constexpr auto kStopEvery = 50ms;

Json error_answer(ErrorKind kind, std::string message) {
  return {{"v", 1}, {"ok", false}, {"error", {{"kind", to_string(kind)}, {"message", std::move(message)}}}};
}

class RouterServer final : public QueryServer {
 public:
  RouterServer(Answer state, Answer info, Question look) {
    const auto add = [this](const char* name, Question question) {
      if (question) questions_.emplace(name, std::move(question));
    };
    const auto whatever_is_asked = [](Answer answer) -> Question {
      if (!answer) return nullptr;
      return [answer = std::move(answer)](const Json&) -> Result<Json> { return answer(); };
    };
    add("state", whatever_is_asked(std::move(state)));
    add("info", whatever_is_asked(std::move(info)));
    add("look", std::move(look));
  }

  ~RouterServer() override {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    socket_.close();
    context_.close();
  }

  Result<void> start(const PublishConfig& config) {
    if (auto allowed = check_loopback(config.query, config.plain_tcp_beyond_loopback); !allowed) return allowed;
    set_query_options(socket_);
    auto bound = bind(socket_, config.query, "query");
    if (!bound) return tl::unexpected(bound.error());
    endpoint_ = *bound;
    thread_ = std::thread([this] { run(); });
    return {};
  }

  std::string endpoint() const override { return endpoint_; }

 private:
  void run();
  void serve_one();
  Json answer(std::string_view request) const;

  std::map<std::string, Question> questions_;  // not changed once it listens
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  std::string endpoint_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void RouterServer::run() {
  name_this_thread("query");
  std::array<zmq::pollitem_t, 1> items{{{socket_.handle(), 0, ZMQ_POLLIN, 0}}};
  while (!stopping_) {
    try {
      if (zmq::poll(items.data(), items.size(), kStopEvery) > 0) serve_one();
    } catch (const std::exception& error) {
      log::warning("query", "a request could not be answered: {}", error.what());
    }
  }
}

void RouterServer::serve_one() {
  std::vector<zmq::message_t> frames;
  bool more = true;
  bool too_many = false;
  while (more) {
    zmq::message_t frame;
    if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return;
    more = frame.more();
    if (frames.size() < kMostFrames) {
      frames.push_back(std::move(frame));
    } else {
      too_many = true;
    }
  }
  // [id][json] from DEALER, [id][""][json] from REQ; the answer has the same form.
  const bool delimited = frames.size() == 3 && frames[1].empty();
  Json reply;
  if (too_many || (frames.size() != 2 && !delimited)) {
    reply = error_answer(ErrorKind::kCorrupt, "a request is one frame of JSON, or an empty frame and one of JSON");
  } else {
    reply = answer(frames.back().to_string_view());
  }
  const std::string text = canonical_json(reply);
  try {
    if (!socket_.send(frames[0], zmq::send_flags::dontwait | zmq::send_flags::sndmore)) return;
    if (delimited) (void)socket_.send(zmq::message_t(), zmq::send_flags::dontwait | zmq::send_flags::sndmore);
    (void)socket_.send(zmq::buffer(text), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    // The asker has gone, or does not read: its loss alone.
    log::debug("query", "answer not sent: {}", error.what());
  }
}

Json RouterServer::answer(std::string_view request) const {
  const auto parsed = parse_json(request, kMostRequestBytes, 8);
  if (!parsed) return error_answer(ErrorKind::kCorrupt, "not JSON: " + parsed.error().message);
  if (!parsed->is_object()) return error_answer(ErrorKind::kInvalidArgument, R"(a request is an object like {"v":1,"request":"state"})");
  const auto version = parsed->find("v");
  if (version == parsed->end() || *version != 1) return error_answer(ErrorKind::kUnsupported, R"(requests carry "v":1)");
  const auto named = parsed->find("request");
  if (named == parsed->end() || !named->is_string())
    return error_answer(ErrorKind::kInvalidArgument, R"(a request has "request":"state", "request":"info" or "request":"look")");
  const auto name = named->get<std::string>();
  const auto known = questions_.find(name);
  if (known == questions_.end())
    return error_answer(ErrorKind::kUnsupported, fmt::format("request {} is not known; known: state, info, look", kanhu::quoted(name)));
  try {
    Result<Json> given = known->second(*parsed);
    if (!given) return error_answer(given.error().kind, given.error().message);
    Json reply = std::move(*given);
    if (!reply.is_object()) return error_answer(ErrorKind::kTimeout, "the gateway is too busy to answer now; ask again");
    reply["v"] = 1;
    reply["ok"] = true;
    reply["request"] = name;
    return reply;
  } catch (const std::exception& error) {
    log::error("query", "{} failed: {}", name, error.what());
    return error_answer(ErrorKind::kInternal, name + " could not be answered");
  }
}

}  // namespace

Result<std::unique_ptr<QueryServer>> QueryServer::open(const PublishConfig& config, Answer state, Answer info, Question look) {
  try {
    auto server = std::make_unique<RouterServer>(std::move(state), std::move(info), std::move(look));
    if (auto started = server->start(config); !started) return tl::unexpected(started.error());
    return server;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("query socket: ") + error.what());
  }
}

}  // namespace kanhu::publish
