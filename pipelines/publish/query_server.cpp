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

constexpr std::size_t kMostRequestBytes = 64u << 10;  // a fetch may name a thousand streams
constexpr std::size_t kMostFrames = 8;
constexpr auto kStopEvery = 50ms;

std::string error_answer(ErrorKind kind, std::string message) {
  return canonical_json({{"v", 1}, {"ok", false}, {"error", {{"kind", to_string(kind)}, {"message", std::move(message)}}}});
}

class RouterServer final : public QueryServer {
 public:
  explicit RouterServer(Requests requests) {
    const auto add = [this](const char* name, auto function) {
      if (function) questions_.emplace(name, as_text(name, std::move(function)));
    };
    add("state", std::move(requests.state));
    add("info", std::move(requests.info));
    add("look", std::move(requests.look));
    add("fetch", std::move(requests.fetch));
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
  std::string answer(std::string_view request) const;

  using Question = std::function<Result<std::string>(const Json& request)>;
  static Question as_text(const char* name, std::function<Json()> function) {
    return as_text(name, std::function<Result<Json>(const Json&)>([function = std::move(function)](const Json&) { return function(); }));
  }
  static Question as_text(const char* name, std::function<Result<Json>(const Json&)> function) {
    return [name, function = std::move(function)](const Json& request) -> Result<std::string> {
      Result<Json> given = function(request);
      if (!given) return tl::unexpected(given.error());
      if (!given->is_object()) return fail(ErrorKind::kTimeout, "the gateway is too busy to answer now; ask again");
      (*given)["v"] = 1;
      (*given)["ok"] = true;
      (*given)["request"] = name;
      return canonical_json(*given);
    };
  }
  static Question as_text(const char*, Question function) { return function; }

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
  std::string text;
  if (too_many || (frames.size() != 2 && !delimited)) {
    text = error_answer(ErrorKind::kCorrupt, "a request is one frame of JSON, or an empty frame and one of JSON");
  } else {
    text = answer(frames.back().to_string_view());
  }
  try {
    if (!socket_.send(frames[0], zmq::send_flags::dontwait | zmq::send_flags::sndmore)) return;
    if (delimited) (void)socket_.send(zmq::message_t(), zmq::send_flags::dontwait | zmq::send_flags::sndmore);
    (void)socket_.send(zmq::buffer(text), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    // The asker has gone, or does not read: its loss alone.
    log::debug("query", "answer not sent: {}", error.what());
  }
}

std::string RouterServer::answer(std::string_view request) const {
  const auto parsed = parse_json(request, kMostRequestBytes, 8);
  if (!parsed) return error_answer(ErrorKind::kCorrupt, "not JSON: " + parsed.error().message);
  if (!parsed->is_object()) return error_answer(ErrorKind::kInvalidArgument, R"(a request is an object like {"v":1,"request":"state"})");
  const auto version = parsed->find("v");
  if (version == parsed->end() || *version != 1) return error_answer(ErrorKind::kUnsupported, R"(requests carry "v":1)");
  const auto named = parsed->find("request");
  if (named == parsed->end() || !named->is_string())
    return error_answer(ErrorKind::kInvalidArgument, R"(a request has a name: "request":"state")");
  const auto name = named->get<std::string>();
  const auto known = questions_.find(name);
  if (known == questions_.end()) {
    std::vector<std::string> names;
    for (const auto& [one, function] : questions_) names.push_back(one);
    return error_answer(ErrorKind::kUnsupported,
                        fmt::format("request {} is not known; known: {}", kanhu::quoted(name), fmt::join(names, ", ")));
  }
  try {
    Result<std::string> given = known->second(*parsed);
    return given ? std::move(*given) : error_answer(given.error().kind, given.error().message);
  } catch (const std::exception& error) {
    log::error("query", "{} failed: {}", name, error.what());
    return error_answer(ErrorKind::kInternal, name + " could not be answered");
  }
}

}  // namespace

Result<std::unique_ptr<QueryServer>> QueryServer::open(const PublishConfig& config, Requests requests) {
  try {
    auto server = std::make_unique<RouterServer>(std::move(requests));
    if (auto started = server->start(config); !started) return tl::unexpected(started.error());
    return server;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("query socket: ") + error.what());
  }
}

}  // namespace kanhu::publish
