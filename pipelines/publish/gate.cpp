#include "pipelines/publish/gate.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/publish/gate_sockets.hpp"
#include "pipelines/publish/say_rarely.hpp"

namespace kanhu::publish {
namespace {

using namespace std::chrono_literals;

constexpr auto kZapStopEvery = 50ms;
constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";
constexpr const char* kOwnName = "-";  // no identifier: nobody in a list is called so

struct Member {
  Asker asker;
  std::optional<WallTime> expires;
};
using Members = std::map<std::string, Member, std::less<>>;  // by public key

Members members_of(const AllowList& list) {
  Members members;
  for (const AllowedSubscriber& one : list.subscribers) {
    Member member{{one.name, {false, {}, one.facilities}}, one.expires};
    for (const std::string& name : one.rights)
      if (const auto right = right_named(name)) member.asker.rights.rights.push_back(*right);
    members.emplace(one.public_key, std::move(member));
  }
  return members;
}

class ZapGate final : public Gate {
 public:
  ZapGate(KeyPair keys, const AllowList& list, const Clock& clock)
      : clock_(clock),
        public_key_(keys.public_key),
        members_(members_of(list)),
        sockets_(std::make_shared<zmq::context_t>(2), std::move(keys)) {
    zap_ = zmq::socket_t(*sockets_.context(), zmq::socket_type::rep);
    zap_.set(zmq::sockopt::linger, 0);
    zap_.bind(kZapEndpoint);
    thread_ = std::thread([this] { run(); });
  }

  ~ZapGate() override {
    stopping_ = true;
    thread_.join();
    zap_.close();
  }

  void use(const AllowList& list) override {
    members_.with([made = members_of(list)](Members& members) mutable { members = std::move(made); });
  }

  std::optional<Asker> asker(std::string_view key) const override {
    if (key == public_key_) return Asker{kOwnName, Rights::all()};
    return members_.with([&](const Members& members) -> std::optional<Asker> {
      const auto found = members.find(key);
      if (found == members.end() || (found->second.expires && *found->second.expires <= clock_.wall())) return std::nullopt;
      return found->second.asker;
    });
  }

  std::string public_key() const override { return public_key_; }
  GateStats stats() const override {
    return {admitted_, refused_, members_.with([](const Members& members) { return members.size(); })};
  }
  Sockets& sockets() override { return sockets_; }

 private:
  void run();
  void answer_one();

  const Clock& clock_;
  const std::string public_key_;
  Guarded<Members> members_;
  Sockets sockets_;
  zmq::socket_t zap_;
  std::atomic<std::uint64_t> admitted_{0}, refused_{0};
  std::atomic<bool> stopping_{false};
  SayRarely refusals_;  // of the zap thread
  std::thread thread_;
};

void ZapGate::run() {
  name_this_thread("zap");
  std::array<zmq::pollitem_t, 1> items{{{zap_.handle(), 0, ZMQ_POLLIN, 0}}};
  while (!stopping_) {
    try {
      if (zmq::poll(items.data(), items.size(), kZapStopEvery) > 0) answer_one();
    } catch (const std::exception& error) {
      // Who is not answered stays outside.
      log::error("publish", "a handshake could not be judged: {}", error.what());
    }
  }
}

void ZapGate::answer_one() {
  ZapFrames request;
  zmq::message_t frame;
  do {
    if (!zap_.recv(frame)) return;
    request.push_back(frame.to_string());
  } while (frame.more());
  const ZapAnswer answer = answer_zap(request, [this](const std::string& key) -> std::optional<std::string> {
    const auto known = asker(key);
    return known ? std::optional(known->user) : std::nullopt;
  });
  for (std::size_t i = 0; i < answer.frames.size(); ++i)
    (void)zap_.send(zmq::buffer(answer.frames[i]), i + 1 < answer.frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  if (answer.admitted) {
    ++admitted_;
    log::debug("publish", "let in: {}", answer.who);
  } else {
    ++refused_;
    // A peer tries again and again.
    if (const auto times = refusals_.once_more())
      log::warning("publish", "not let in: {}: {} ({} since this was last said); kanhu keys list shows who is", answer.who,
                   answer.frames[3], *times);
  }
}

}  // namespace

Result<std::unique_ptr<Gate>> Gate::open(const Secret& secret_key, const AllowList& list, const Clock& clock) {
  auto keys = key_pair_of(secret_key);
  if (!keys) return tl::unexpected(keys.error());
  try {
    return std::make_unique<ZapGate>(std::move(*keys), list, clock);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("nobody can be let in: ") + error.what());
  }
}

}  // namespace kanhu::publish
