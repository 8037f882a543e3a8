// SPDX-License-Identifier: MIT
#include "pipelines/publish/access/admission.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/resource.h>

#include "base/fault.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/log_rarely.hpp"
#include "base/thread_name.hpp"
#include "pipelines/publish/access/admission_sockets.hpp"

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

// Keeps descriptors of this process back for pages, workers and files, whoever holds connections.
// Thread: confined to the zap thread.
class Descriptors {
 public:
  // Is there one for another connection? Counted four times a second; in between each connection that was let in counts.
  bool has_one_more() {
    const auto now = std::chrono::steady_clock::now();
    if (now - counted_ >= 250ms) {
      counted_ = now;
      in_use_ = count_of(kOpenDescriptors);
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
    const auto most = static_cast<std::uint64_t>(limit.rlim_cur);
    if (in_use_ + std::max<std::uint64_t>(kLeastReserve, most / 8) >= most) return false;
    ++in_use_;
    return true;
  }

 private:
  static constexpr std::uint64_t kLeastReserve = 64;
  static constexpr const char* kOpenDescriptors = "/proc/self/fd";
  static std::uint64_t count_of(const char* folder) {
    std::error_code problem;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator at(folder, problem); !problem && at != std::filesystem::directory_iterator();
         at.increment(problem))
      ++count;
    return count;
  }

  std::chrono::steady_clock::time_point counted_{};
  std::uint64_t in_use_ = 0;
};

// New connections of one user: many at once after a restart, then two a second.
// Thread: confined to the zap thread.
class NewConnections {
 public:
  bool take(const std::string& user) {
    const auto now = std::chrono::steady_clock::now();
    Bucket& bucket = buckets_.try_emplace(user, Bucket{kAtOnce, now}).first->second;
    bucket.left = std::min(kAtOnce, bucket.left + kEachSecond * std::chrono::duration<double>(now - bucket.at).count());
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

 private:
  static constexpr double kAtOnce = 128, kEachSecond = 2;
  struct Bucket {
    double left = 0;
    std::chrono::steady_clock::time_point at;
  };
  std::map<std::string, Bucket> buckets_;  // at most as many as the allow-list has names
};

}  // namespace

class Admission::Zap {
 public:
  Zap(KeyPair keys, const AllowList& list, const Clock& clock)
      : clock_(clock),
        public_key_(keys.public_key),
        members_(members_of(list)),
        sockets_(std::make_shared<zmq::context_t>(2), std::move(keys)) {
    zap_ = zmq::socket_t(*sockets_.context(), zmq::socket_type::rep);
    zap_.set(zmq::sockopt::linger, 0);
    zap_.bind(kZapEndpoint);
    thread_ = std::thread([this] { run(); });
  }

  ~Zap() {
    stopping_ = true;
    thread_.join();
    zap_.close();
  }

  void use(const AllowList& list) {
    members_.with([made = members_of(list)](Members& members) mutable { members = std::move(made); });
  }

  std::optional<Asker> asker(std::string_view key) const {
    if (key == public_key_) return Asker{kOwnName, Rights::all()};
    return members_.with([&](const Members& members) -> std::optional<Asker> {
      const auto found = members.find(key);
      if (found == members.end() || (found->second.expires && *found->second.expires <= clock_.wall())) return std::nullopt;
      return found->second.asker;
    });
  }

  const std::string& public_key() const { return public_key_; }
  AdmissionStats stats() const {
    return {admitted_, refused_, members_.with([](const Members& members) { return members.size(); })};
  }
  Sockets& sockets() { return sockets_; }

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
  // Of the zap thread:
  SayRarely refusals_, crowds_;
  Descriptors descriptors_;
  NewConnections connections_;
  std::thread thread_;
};

void Admission::Zap::run() {
  name_this_thread("zap");
  std::array<zmq::pollitem_t, 1> items{{{zap_.handle(), 0, ZMQ_POLLIN, 0}}};
  while (!stopping_) {
    // Who is not answered stays outside.
    faults::contained("zap", [&] {
      if (zmq::poll(items.data(), items.size(), kZapStopEvery) > 0) answer_one();
    });
  }
}

void Admission::Zap::answer_one() {
  ZapFrames request;
  zmq::message_t frame;
  do {
    if (!zap_.recv(frame)) return;
    request.push_back(frame.to_string());
  } while (frame.more());
  std::string one_too_many;  // its user
  const ZapAnswer answer = answer_zap(request, [this, &one_too_many](const std::string& key) -> std::optional<std::string> {
    const auto known = asker(key);
    if (!known) return std::nullopt;
    if (known->user != kOwnName && (!connections_.take(known->user) || !descriptors_.has_one_more())) {
      one_too_many = known->user;
      return std::nullopt;
    }
    return std::optional(known->user);
  });
  if (!one_too_many.empty()) {
    if (const auto times = crowds_.once_more())
      log::warning("publish",
                   "refused for now: {}: it opens connections too fast, or they leave too few descriptors (LimitNOFILE) for the "
                   "rest of the gateway ({} since this was last said)",
                   one_too_many, *times);
  }
  for (std::size_t i = 0; i < answer.frames.size(); ++i)
    (void)zap_.send(zmq::buffer(answer.frames[i]), i + 1 < answer.frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  if (answer.admitted) {
    ++admitted_;
    log::debug("publish", "allowed: {}", answer.who);
  } else {
    ++refused_;
    // A peer tries again and again.
    if (!one_too_many.empty()) return;  // said above
    if (const auto times = refusals_.once_more())
      log::warning("publish", "refused: {}: {} ({} since this was last said); kanhu keys list shows who is", answer.who, answer.frames[3],
                   *times);
  }
}

Admission::Admission(std::unique_ptr<Zap> zap) : zap_(std::move(zap)) {}
Admission::~Admission() = default;
void Admission::use(const AllowList& list) { zap_->use(list); }
std::optional<Asker> Admission::asker(std::string_view key) const { return zap_->asker(key); }
const std::string& Admission::public_key() const { return zap_->public_key(); }
AdmissionStats Admission::stats() const { return zap_->stats(); }
Admission::Sockets& Admission::sockets() { return zap_->sockets(); }

Result<std::unique_ptr<Admission>> Admission::open(const Secret& secret_key, const AllowList& list, const Clock& clock) {
  auto keys = key_pair_of(secret_key);
  if (!keys) return tl::unexpected(keys.error());
  try {
    return std::unique_ptr<Admission>(new Admission(std::make_unique<Zap>(std::move(*keys), list, clock)));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("no subscriber can be allowed: ") + error.what());
  }
}

}  // namespace kanhu::publish
