// SPDX-License-Identifier: MIT
#include "pipelines/publish/query_server.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/thread_name.hpp"
#include "pipelines/publish/access/admission_sockets.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/request.hpp"
#include "pipelines/publish/sockets.hpp"

namespace kanhu::publish {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostFrames = 8;
constexpr auto kStopEvery = 50ms;

std::string error_answer(ErrorKind kind, std::string message) {
  return canonical_json({{"v", 1}, {"ok", false}, {"error", {{"kind", to_string(kind)}, {"message", std::move(message)}}}});
}

// Where answers wait for the query thread, whoever gives them. Outlives the server as long as somebody may answer.
class AnswerBox {
 public:
  struct Waiting {
    std::vector<zmq::message_t> envelope;  // routing id, and the empty frame of a REQ
    Result<Answer> answer;
  };
  AnswerBox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~AnswerBox() {
    if (wake_ >= 0) ::close(wake_);
  }
  AnswerBox(const AnswerBox&) = delete;
  AnswerBox& operator=(const AnswerBox&) = delete;

  void put(Waiting waiting) {
    waiting_.with([&](std::deque<Waiting>& all) { all.push_back(std::move(waiting)); });
    (void)::eventfd_write(wake_, 1);
  }
  std::deque<Waiting> take() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(wake_, &ignored);
    return waiting_.with([](std::deque<Waiting>& all) { return std::exchange(all, {}); });
  }
  int wake() const { return wake_; }

 private:
  int wake_;
  Guarded<std::deque<Waiting>> waiting_;
};

// Whose answer it is. Who lets go of a question without having answered it has failed, on whatever thread that was: then the asker is
// told so, instead of waiting.
class Envelope {
 public:
  Envelope(std::shared_ptr<AnswerBox> box, std::vector<zmq::message_t> frames) : box_(std::move(box)), frames_(std::move(frames)) {}
  ~Envelope() {
    faults::contained("query", [&] { give(fail(ErrorKind::kInternal, "this could not be answered; the gateway's log says why")); });
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  // The first answer counts.
  void give(Result<Answer> answer) {
    if (!given_.exchange(true)) box_->put({std::move(frames_), std::move(answer)});
  }

 private:
  const std::shared_ptr<AnswerBox> box_;
  std::vector<zmq::message_t> frames_;
  std::atomic<bool> given_{false};
};

// What goes out, also when the answer cannot be written.
Answer text_of_answer(Result<Answer> given) {
  Answer answer{R"({"error":{"kind":"internal","message":"the answer could not be written"},"ok":false,"v":1})", "", false};
  faults::contained("query", [&] {
    answer = given ? std::move(*given) : Answer{error_answer(given.error().kind, given.error().message), "", false};
  });
  return answer;
}

}  // namespace

class QueryServer::Socket {
 public:
  Socket(Requests requests, Admission* gate)
      : questions_(std::move(requests)),
        gate_(gate),
        context_(gate == nullptr ? std::make_shared<zmq::context_t>(1) : gate->sockets().context()) {}

  ~Socket() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    socket_.close();
  }

  Result<void> start(const PublishConfig& config) {
    if (auto allowed = check_loopback(config.query, gate_ != nullptr || config.plain_tcp_beyond_loopback); !allowed) return allowed;
    set_query_options(socket_);
    if (gate_ != nullptr) gate_->sockets().guard(socket_);
    auto bound = bind(socket_, config.query, "query", file_);
    if (!bound) return tl::unexpected(bound.error());
    endpoint_ = *bound;
    thread_ = std::thread([this] { run(); });
    return {};
  }

  const std::string& endpoint() const { return endpoint_; }

 private:
  void run();
  void serve_one();
  void send_answers();
  void send(AnswerBox::Waiting waiting);
  Result<void> ask(std::string_view request, const Asker& asker, const Reply& reply) const;

  const Requests questions_;
  const std::shared_ptr<AnswerBox> answers_ = std::make_shared<AnswerBox>();
  Admission* const gate_;
  const std::shared_ptr<zmq::context_t> context_;
  IpcSocket file_;
  zmq::socket_t socket_{*context_, zmq::socket_type::router};
  std::string endpoint_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void QueryServer::Socket::run() {
  name_this_thread("query");
  std::array<zmq::pollitem_t, 2> items{{{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, answers_->wake(), ZMQ_POLLIN, 0}}};
  while (!stopping_) {
    faults::contained("query", [&] {
      zmq::poll(items.data(), items.size(), kStopEvery);
      if ((items[0].revents & ZMQ_POLLIN) != 0) serve_one();
    });
    faults::contained("query", [&] { send_answers(); });
  }
}

void QueryServer::Socket::serve_one() {
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
  const bool formed = !too_many && (frames.size() == 2 || delimited);
  zmq::message_t request = formed ? std::move(frames.back()) : zmq::message_t();
  frames.resize(delimited ? 2 : 1);
  std::string connection = frames.front().to_string();
  // A function may be copied, frames may not.
  const auto envelope = std::make_shared<Envelope>(answers_, std::move(frames));
  const Reply reply = [envelope](Result<Answer> answer) { envelope->give(std::move(answer)); };
  if (!formed) {
    reply(fail(ErrorKind::kCorrupt, "a request is one frame of JSON, or an empty frame and one of JSON"));
    return;
  }
  // The rights of this moment: a connection may be older than they are.
  auto asker = gate_ == nullptr ? std::optional(Asker{"", Rights::all()}) : gate_->asker(key_of(request));
  if (!asker) return reply(fail(ErrorKind::kUnauthorized, "this key is no more in the gateway's allow-list, or has expired"));
  asker->connection = std::move(connection);
  if (const auto asked = ask(request.to_string_view(), *asker, reply); !asked) reply(tl::unexpected(asked.error()));
}

void QueryServer::Socket::send_answers() {
  for (AnswerBox::Waiting& waiting : answers_->take()) faults::contained("query", [&] { send(std::move(waiting)); });
}

void QueryServer::Socket::send(AnswerBox::Waiting waiting) {
  const Answer answer = text_of_answer(std::move(waiting.answer));
  try {
    const auto more = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    bool sent = true;
    for (zmq::message_t& frame : waiting.envelope) sent = sent && socket_.send(std::move(frame), more).has_value();
    if (!sent) return;
    (void)socket_.send(zmq::buffer(answer.text), answer.has_bytes ? more : zmq::send_flags::dontwait);
    if (answer.has_bytes) (void)socket_.send(zmq::buffer(answer.bytes), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    // The asker has gone, or does not read: its loss alone.
    log::debug("query", "answer not sent: {}", error.what());
  }
}

// An error is the answer, unless the question was asked: then `reply` has it.
Result<void> QueryServer::Socket::ask(std::string_view request, const Asker& asker, const Reply& reply) const {
  const auto parsed = parse_request(request);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto& [name, content] = *parsed;
  const auto known = questions_.find(name);
  if (known == questions_.end()) {
    std::vector<std::string> names;
    for (const auto& [one, question] : questions_) names.push_back(one);
    return fail(ErrorKind::kUnsupported, fmt::format("request {} is not known; known: {}", kanhu::quoted(name), fmt::join(names, ", ")));
  }
  if (faults::contained("query", [&, &asked = content] { known->second(asked, asker, reply); })) return {};
  return fail(ErrorKind::kInternal, name + " could not be answered; the gateway's log says why");
}

QueryServer::QueryServer(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
QueryServer::~QueryServer() = default;
const std::string& QueryServer::endpoint() const { return socket_->endpoint(); }

Question answered_at_once(std::string name, std::function<Result<Json>(const Json& request, const Asker& asker)> function) {
  return [name = std::move(name), function = std::move(function)](const Json& request, const Asker& asker, const Reply& reply) {
    Result<Json> given = function(request, asker);
    if (!given) return reply(tl::unexpected(given.error()));
    if (!given->is_object()) return reply(fail(ErrorKind::kTimeout, "the gateway is too busy to answer now; ask again"));
    (*given)["v"] = 1;
    (*given)["ok"] = true;
    (*given)["request"] = name;
    reply(Answer{canonical_json(*given), "", false});
  };
}

Result<std::unique_ptr<QueryServer>> QueryServer::open(const PublishConfig& config, Requests requests, Admission* gate) {
  try {
    auto socket = std::make_unique<Socket>(std::move(requests), gate);
    if (auto started = socket->start(config); !started) return tl::unexpected(started.error());
    return std::unique_ptr<QueryServer>(new QueryServer(std::move(socket)));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("query socket: ") + error.what());
  }
}

}  // namespace kanhu::publish
