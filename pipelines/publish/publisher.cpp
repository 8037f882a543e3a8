// SPDX-License-Identifier: MIT
#include "pipelines/publish/publisher.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <map>
#include <thread>
#include <utility>

#include "base/bounded_queue.hpp"
#include "base/fault.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/publish/access/admission_sockets.hpp"
#include "pipelines/publish/live_peers.hpp"
#include "pipelines/publish/sockets.hpp"
#include "pipelines/publish/wire.hpp"

namespace kanhu::publish {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kQueueCapacity = 8192;  // of 2 KiB at most: 16 MiB
constexpr std::size_t kMostAwaited = 4096;    // arrivals the receipt probe may still ask for
constexpr auto kHeadEvery = 1s;
constexpr auto kLookEvery = 50ms;  // how late a head may be, and how long a stop may wait
constexpr auto kLookWhenBusy = 1ms;
constexpr int kBusyTurns = 50;
constexpr std::size_t kMostInTurn = 64;
// What the receipt probe listens to in a second: far above any facility's peak. Beyond it, it hears samples, so that at full load the
// processor is for accepting and for those who subscribe.
constexpr std::uint64_t kMostReceipts = 4096;
constexpr auto kReceiptsEvery = 1s;

}  // namespace

class Publisher::Socket {
 public:
  Socket(const Clock& clock, std::function<journal::JournalHead()> head, std::function<Json()> heartbeat, Admission* gate)
      : clock_(clock),
        head_(std::move(head)),
        heartbeat_(std::move(heartbeat)),
        gate_(gate),
        context_(gate == nullptr ? std::make_shared<zmq::context_t>(1) : gate->sockets().context()) {}

  ~Socket() {
    queue_.close();
    if (thread_.joinable()) thread_.join();
    stopping_ = true;
    if (probe_thread_.joinable()) probe_thread_.join();
    peers_.reset();   // it listens to what the socket says of its connections
    probe_.close();   // an open socket, also one that never ran, would keep the context waiting
    socket_.close();  // LINGER bounds how long the context then waits
  }

  Result<void> start(const PublishConfig& config) {
    if (auto allowed = check_loopback(config.live, gate_ != nullptr || config.plain_tcp_beyond_loopback); !allowed) return allowed;
    set_live_options(socket_);
    if (gate_ != nullptr) gate_->sockets().guard(socket_);
    auto bound = bind(socket_, config.live, "live", file_);
    if (!bound) return tl::unexpected(bound.error());
    endpoint_ = *bound;
    set_subscriber_options(probe_);
    if (gate_ != nullptr) set_client_keys(probe_, gate_->sockets().own());
    probe_.set(zmq::sockopt::subscribe, std::string(kTopicRoot));
    connect(probe_, endpoint_);
    next_head_ = clock_.mono();
    thread_ = std::thread([this] { run(); });
    probe_thread_ = std::thread([this] { probe(); });
    return {};
  }

  void publish(journal::Committed committed) {
    const std::shared_ptr<const Event> event = committed.event;
    const bool confirms = committed.confirms;
    if (!queue_.try_push(std::move(committed))) drop(*event, confirms);
  }

  const std::string& live_endpoint() const { return endpoint_; }

  PublisherStats stats() const {
    return stats_.with([](const PublisherStats& stats) { return stats; });
  }

 private:
  // The last numbers that went to the socket.
  struct Handed {
    std::uint64_t seq = 0;
    std::map<std::string, std::uint64_t> streams;
    void note(const std::string& facility, const EventId& id) {
      seq = std::max(seq, id.seq);
      auto& number = streams[facility];
      number = std::max(number, id.stream_seq);
    }
  };
  // What found the queue full and is not named in heads yet.
  struct Dropped {
    std::uint64_t first = 0;  // the lowest seq; 0: nothing
    Handed last;
  };
  struct Awaited {
    std::uint64_t seq = 0;
    MonoTime arrival{};
  };

  void run();
  void drop(const Event& event, bool confirms);
  void send_or_drop(const journal::Committed& committed);
  void send_event(const journal::Committed& committed);
  void send_heads();
  void send(const std::string& topic, const std::string& header, const std::string& payload);
  void probe();
  void received(std::string_view header);

  const Clock& clock_;
  const std::function<journal::JournalHead()> head_;
  const std::function<Json()> heartbeat_;
  Admission* const gate_;
  const std::shared_ptr<zmq::context_t> context_;
  IpcSocket file_;                                                 // of ipc://
  zmq::socket_t socket_{*context_, zmq::socket_type::xpub};        // of the publish thread once it runs
  zmq::socket_t probe_{*context_, zmq::socket_type::sub};          // of the probe thread once it runs
  std::optional<LivePeers> peers_{std::in_place, socket_, gate_};  // of the publish thread
  std::string endpoint_;
  BoundedQueue<journal::Committed> queue_{kQueueCapacity};
  Guarded<PublisherStats> stats_;
  Guarded<Dropped> dropped_;
  Guarded<std::deque<Awaited>> awaited_;
  std::atomic<bool> stopping_{false};
  Handed handed_;  // of the publish thread
  MonoTime next_head_{};
  std::thread thread_, probe_thread_;
};

void Publisher::Socket::drop(const Event& event, bool confirms) {
  stats_.with([](PublisherStats& stats) { ++stats.queue_drops; });
  if (confirms) return;
  // The next head after the queue is empty names the number, so that the loss is seen.
  dropped_.with([&](Dropped& dropped) {
    if (dropped.first == 0) dropped.first = event.id.seq;
    dropped.last.note(event.facility, event.id);
  });
}

void Publisher::Socket::send_or_drop(const journal::Committed& committed) {
  if (faults::contained("publish", [&] { send_event(committed); })) return;
  faults::contained("publish", [&] { drop(*committed.event, committed.confirms); });
}

void Publisher::Socket::run() {
  name_this_thread("publish");
  int busy = 0;  // turns to be quick in: subscriptions arrived, and the inbox holds no more than one or two
  while (true) {
    // Events come before those who subscribe.
    if (const auto first = queue_.pop_for(busy > 0 ? kLookWhenBusy : kLookEvery)) {
      send_or_drop(*first);
      for (const journal::Committed& next : queue_.drain(kMostInTurn)) send_or_drop(next);
    } else {
      dropped_.with([&](Dropped& dropped) {
        for (const auto& [facility, number] : dropped.last.streams) handed_.note(facility, {"", dropped.last.seq, number});
        dropped = {};
      });
      if (queue_.closed() && queue_.size() == 0) break;
    }
    bool read = false;
    faults::contained("publish", [&] { read = peers_->read(); });
    busy = read ? kBusyTurns : std::max(busy - 1, 0);
    if (clock_.mono() >= next_head_) {
      send_heads();
      faults::contained("publish", [&] { peers_->look(); });
      stats_.with([&](PublisherStats& stats) { stats.subscribers = peers_->connections(), stats.cut_off = peers_->dropped(); });
      next_head_ = clock_.mono() + kHeadEvery;
    }
  }
  send_heads();
}

void Publisher::Socket::send_event(const journal::Committed& committed) {
  const Event& event = *committed.event;
  const std::string header = encode(header_of(committed, clock_.wall()));
  if (committed.confirms) {
    send(topic(event.facility, "-", "commit"), header, commit_payload(committed));
    return;
  }
  const bool timed = event.arrival != MonoTime{};
  if (timed) {
    awaited_.with([&](std::deque<Awaited>& awaited) {
      awaited.push_back({event.id.seq, event.arrival});
      if (awaited.size() > kMostAwaited) awaited.pop_front();
    });
  }
  send(topic(event.facility, event.source, event.type), header, event.body);
  handed_.note(event.facility, event.id);
  stats_.with([&](PublisherStats& stats) {
    ++stats.published;
    if (timed) stats.capture_to_socket.add(clock_.mono() - event.arrival);
  });
}

// Sent behind the events they name, on the same thread and socket.
void Publisher::Socket::send_heads() {
  faults::contained("publish", [&] {
    const journal::JournalHead head = head_();
    // No stream lacks anything up to the number that a head of it carries: it stays in front of what was dropped.
    const std::uint64_t dropped = dropped_.with([](const Dropped& each) { return each.first; });
    const std::uint64_t seq = dropped == 0 ? handed_.seq : std::min(handed_.seq, dropped - 1);
    Header header{head.epoch, seq, 0, clock_.wall(), clock_.wall(), true, false};
    for (const auto& [facility, stream] : head.streams) {
      const auto found = handed_.streams.find(facility);
      header.stream_seq = found == handed_.streams.end() ? 0 : found->second;
      send(topic(facility, "-", "head"), encode(header), head_payload(head, facility, header.stream_seq, stream.durable));
    }
    const auto own = handed_.streams.find("-");
    header.stream_seq = own == handed_.streams.end() ? 0 : own->second;
    send(topic("-", "-", "heartbeat"), encode(header), heartbeat_payload(head, seq, heartbeat_ ? heartbeat_() : Json::object()));
    stats_.with([&](PublisherStats& stats) { stats.heads += head.streams.size(); });
  });
}

void Publisher::Socket::send(const std::string& topic, const std::string& header, const std::string& payload) {
  try {
    // XPUB never blocks (a full subscriber loses the message); dontwait says so in words.
    const auto more = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    if (!socket_.send(zmq::buffer(topic), more)) return;
    (void)socket_.send(zmq::buffer(header), more);
    (void)socket_.send(zmq::buffer(payload), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    log::error("publish", "a message could not be sent: {}", error.what());
  }
}

// Thread: the probe's. A subscriber like any other: what it measures includes the socket and the network stack.
void Publisher::Socket::probe() {
  name_this_thread("receipts");
  std::array<zmq::pollitem_t, 1> items{{{probe_.handle(), 0, ZMQ_POLLIN, 0}}};
  zmq::message_t topic, header, payload;
  std::uint64_t heard = 0;  // since `began`
  bool listening = true;
  MonoTime began = clock_.mono();
  const auto listen = [&] {
    if (const MonoTime now = clock_.mono(); now - began >= kReceiptsEvery) {
      began = now, heard = 0;
      if (!std::exchange(listening, true)) probe_.set(zmq::sockopt::subscribe, std::string(kTopicRoot));
    } else if (listening && heard >= kMostReceipts) {
      listening = false;
      probe_.set(zmq::sockopt::unsubscribe, std::string(kTopicRoot));
    }
    if (!probe_.recv(topic, zmq::recv_flags::dontwait)) {
      zmq::poll(items.data(), items.size(), kLookEvery);
      return;
    }
    if (!topic.more()) return;
    ++heard;
    (void)probe_.recv(header);
    if (header.more()) (void)probe_.recv(payload);
    const std::string_view name = topic.to_string_view();
    if (!name.ends_with("/head/") && !name.ends_with("/heartbeat/") && !name.ends_with("/commit/")) received(header.to_string_view());
  };
  while (!stopping_)
    if (!faults::contained("receipts", listen)) std::this_thread::sleep_for(kLookEvery);
}

void Publisher::Socket::received(std::string_view header) {
  const MonoTime now = clock_.mono();
  const std::uint64_t seq = seq_of(header);
  const MonoTime arrival = awaited_.with([&](std::deque<Awaited>& awaited) {
    while (!awaited.empty() && awaited.front().seq < seq) awaited.pop_front();
    return !awaited.empty() && awaited.front().seq == seq ? awaited.front().arrival : MonoTime{};
  });
  stats_.with([&](PublisherStats& stats) {
    ++stats.receipts;
    if (arrival != MonoTime{}) stats.capture_to_receipt.add(now - arrival);
  });
}

Publisher::Publisher(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
Publisher::~Publisher() = default;
void Publisher::publish(journal::Committed committed) { socket_->publish(std::move(committed)); }
const std::string& Publisher::live_endpoint() const { return socket_->live_endpoint(); }
PublisherStats Publisher::stats() const { return socket_->stats(); }

Result<std::unique_ptr<Publisher>> Publisher::open(const PublishConfig& config, const Clock& clock,
                                                   std::function<journal::JournalHead()> head, std::function<Json()> heartbeat,
                                                   Admission* gate) {
  try {
    auto socket = std::make_unique<Socket>(clock, std::move(head), std::move(heartbeat), gate);
    if (auto started = socket->start(config); !started) return tl::unexpected(started.error());
    return std::unique_ptr<Publisher>(new Publisher(std::move(socket)));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("live socket: ") + error.what());
  }
}

}  // namespace kanhu::publish
