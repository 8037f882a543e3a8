// SPDX-License-Identifier: MIT
#include "pipelines/sense/broker_connection.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/backoff.hpp"
#include "base/digest.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "config/checks.hpp"
#include "config/secrets.hpp"
#include "pipelines/sense/broker_words.hpp"
#include "pipelines/sense/metered_socket.hpp"
#include "pipelines/sense/password_ration.hpp"
#include "pipelines/sense/reach.hpp"

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectPatience = 3s;
constexpr auto kHandshakePatience = 10s;
constexpr std::chrono::seconds kStableAfter{60};  // a connection that lasted so long was one
constexpr int kKeepAlive_s = 10;
constexpr int kInFlight = 100;  // unacknowledged messages a broker may have under way (Receive Maximum)
constexpr int kSubscribeAtOnce = 32;
constexpr auto kSecretLookedAtEvery = 2s;
constexpr const char* kAuthorities = "/etc/ssl/certs";

using Client = std::unique_ptr<mosquitto, void (*)(mosquitto*)>;

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

// No exception passes through libmosquitto, or ends the connection's thread.
template <typename Work>
void kept_in(Work&& work) {
  faults::contained("mqtt", std::forward<Work>(work));
}

}  // namespace

class BrokerConnection::State {
 public:
  State(BrokerTask the_task, Inbox& the_inbox, const Clock& the_clock)
      : task(std::move(the_task)), inbox_(the_inbox), clock_(the_clock), wake_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}

  ~State() {
    stopping_ = true;
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
    thread_.join();
    ::close(wake_);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const BrokerTask task;

 private:
  void run();
  // From connecting to the end of the connection, and why it ended.
  Error session();
  Result<Client> make_client(const BrokerAddress& address);
  Result<void> secure(mosquitto* client) const;
  Error serve(mosquitto* client);
  // What the library says of what has come, until it has read all of it.
  int read_all(mosquitto* client);
  void subscribe(mosquitto* client);
  void note_well();
  std::optional<std::string> secret_digest() const;
  // True when the connection is to end. `for_secret`: over at once when the secret is no longer the one that was tried.
  bool pause(std::chrono::milliseconds span, bool for_secret);
  // True when the connection is to end.
  bool wait_until(std::chrono::milliseconds patience, int socket, bool wants_write, short& ready) const;
  void whole_message() {
    if (meter_) meter_->whole_message();
  }

  // libmosquitto's callbacks, all within `serve`.
  void on_connect(mosquitto* client, int reason);
  void on_disconnect(int reason);
  void on_message(const mosquitto_message& message);
  void on_subscribe(int mid, int count, const int* granted);

  Inbox& inbox_;
  const Clock& clock_;
  const int wake_;
  std::atomic<bool> stopping_{false};
  std::optional<Error> refused_;        // of this connection
  std::optional<MeteredSocket> meter_;  // likewise
  bool connected_ = false;
  MonoTime connected_at_{};
  bool said_well_ = false;                                       // in the log, since it was last connected for long
  std::vector<std::pair<int, std::vector<std::string>>> asked_;  // subscriptions under way, by message id
  std::string said_;                                             // the last failure in the log
  PasswordRation ration_;
  std::optional<std::string> tried_;  // digest of the secret that was tried last
  std::thread thread_;                // last: it uses all the others
};

bool BrokerConnection::State::wait_until(std::chrono::milliseconds patience, int socket, bool wants_write, short& ready) const {
  std::array<pollfd, 2> waits{pollfd{wake_, POLLIN, 0}, pollfd{socket, static_cast<short>(POLLIN | (wants_write ? POLLOUT : 0)), 0}};
  ::poll(waits.data(), socket >= 0 ? 2 : 1, static_cast<int>(patience.count()));
  ready = socket >= 0 ? waits[1].revents : short{0};
  return stopping_;
}

void BrokerConnection::State::run() {
  name_this_thread(fmt::format("mqtt/{}", task.broker.id));
  // OpenSSL writes without MSG_NOSIGNAL; signals are the control thread's.
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  init_library();
  Backoff backoff(1s, 30s, 200ms);
  while (!stopping_) {
    Error why{ErrorKind::kInternal, "the connection to the broker failed inside the gateway; its log says why"};
    kept_in([&] { why = session(); });
    if (stopping_) break;
    // One that takes the connection and drops it is no better than one that does not take it.
    if (connected_ && clock_.mono() - connected_at_ >= kStableAfter) {
      backoff.reset();
      said_.clear();
      said_well_ = false;
    }
    if (connected_) ration_.reset();
    const bool is_refused = why.kind == ErrorKind::kUnauthorized;
    const auto span = is_refused ? ration_.refused(random_u64()) : std::chrono::ceil<std::chrono::milliseconds>(backoff.next(random_u64()));
    const std::string cause = why.message;
    if (is_refused) why.message += ": " + ration_.words();
    inbox_.note({task.broker.id, "", why});
    // The same failure again and again is one line.
    if (said_ != cause) log::warning("sense", "broker {}: {}; trying again", task.broker.id, why.message);
    said_ = cause;
    if (pause(span, is_refused)) break;
  }
}

std::optional<std::string> BrokerConnection::State::secret_digest() const {
  if (task.broker.credential.empty()) return std::nullopt;
  const auto credential = load_secret(task.broker.credential, task.secrets_dir);
  if (!credential) return std::nullopt;
  return to_hex(sha256(credential->user + "\n" + credential->password.reveal()));
}

bool BrokerConnection::State::pause(std::chrono::milliseconds span, bool for_secret) {
  const MonoTime until = clock_.mono() + span;
  short ready = 0;
  for (MonoTime now = clock_.mono(); now < until; now = clock_.mono()) {
    auto slice = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    if (for_secret) slice = std::min<std::chrono::milliseconds>(slice, kSecretLookedAtEvery);
    if (wait_until(slice, -1, false, ready)) return true;
    if (!for_secret) continue;
    const auto secret = secret_digest();
    if (!secret || secret == tried_) continue;
    log::info("sense", "broker {}: its secret has changed; tried now", task.broker.id);
    ration_.reset();
    return false;
  }
  return false;
}

Result<void> BrokerConnection::State::secure(mosquitto* client) const {
  const std::string& file = task.broker.ca_file;
  const int code = file.empty() ? mosquitto_tls_set(client, nullptr, kAuthorities, nullptr, nullptr, nullptr)
                                : mosquitto_tls_set(client, file.c_str(), nullptr, nullptr, nullptr, nullptr);
  if (code != MOSQ_ERR_SUCCESS)
    return fail(ErrorKind::kNotFound, fmt::format("the authority's file {} cannot be read", file.empty() ? kAuthorities : file));
  if (mosquitto_tls_opts_set(client, 1, "tlsv1.2", nullptr) != MOSQ_ERR_SUCCESS) return fail(ErrorKind::kInternal, "TLS cannot be set up");
  return {};
}

Result<Client> BrokerConnection::State::make_client(const BrokerAddress& address) {
  Client client(mosquitto_new(task.client_id.c_str(), true, this), mosquitto_destroy);
  if (!client) return fail(ErrorKind::kInternal, "no memory for a connection to the broker");
  mosquitto_int_option(client.get(), MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client.get(), MOSQ_OPT_RECEIVE_MAXIMUM, kInFlight);
  if (!task.broker.credential.empty()) {
    // Asked without a password, many brokers count a failed try.
    const auto credential = load_secret(task.broker.credential, task.secrets_dir);
    if (!credential) return fail(ErrorKind::kNoCredential, credential.error().message);
    tried_ = to_hex(sha256(credential->user + "\n" + credential->password.reveal()));
    mosquitto_username_pw_set(client.get(), credential->user.c_str(), credential->password.reveal().c_str());
  }
  if (address.tls)
    if (auto secured = secure(client.get()); !secured) return tl::unexpected(secured.error());
  mosquitto_connect_v5_callback_set(client.get(), [](mosquitto* c, void* self, int reason, int, const mosquitto_property*) {
    kept_in([&] { static_cast<State*>(self)->on_connect(c, reason); });
  });
  mosquitto_disconnect_v5_callback_set(client.get(), [](mosquitto*, void* self, int reason, const mosquitto_property*) {
    kept_in([&] { static_cast<State*>(self)->on_disconnect(reason); });
  });
  mosquitto_message_v5_callback_set(client.get(), [](mosquitto*, void* self, const mosquitto_message* message, const mosquitto_property*) {
    kept_in([&] { static_cast<State*>(self)->on_message(*message); });
  });
  mosquitto_subscribe_v5_callback_set(client.get(),
                                      [](mosquitto*, void* self, int mid, int count, const int* granted, const mosquitto_property*) {
                                        kept_in([&] { static_cast<State*>(self)->on_subscribe(mid, count, granted); });
                                      });
  return client;
}

Error BrokerConnection::State::session() {
  refused_.reset();
  meter_.reset();
  connected_ = false;
  asked_.clear();
  const BrokerAddress address = check_broker_url(task.broker.url);
  auto client = make_client(address);
  if (!client) return client.error();
  if (auto reached = reach(address.host, address.port, kConnectPatience, wake_); !reached) return reached.error();
  mosquitto_property* properties = nullptr;
  mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, kMostPacketBytes);
  const int code = mosquitto_connect_bind_v5(client->get(), address.host.c_str(), address.port, kKeepAlive_s, nullptr, properties);
  mosquitto_property_free_all(&properties);
  if (code != MOSQ_ERR_SUCCESS) return broker_failure(code, false);
  return serve(client->get());
}

int BrokerConnection::State::read_all(mosquitto* client) {
  int code = MOSQ_ERR_SUCCESS;
  for (int waiting = 1; code == MOSQ_ERR_SUCCESS && waiting > 0 && !refused_;) {
    code = mosquitto_loop_read(client, 1);
    const int socket = mosquitto_socket(client);
    if (socket < 0 || ::ioctl(socket, FIONREAD, &waiting) != 0) break;
  }
  return code;
}

Error BrokerConnection::State::serve(mosquitto* client) {
  auto metered = MeteredSocket::over(mosquitto_socket(client));
  if (!metered) return metered.error();
  meter_.emplace(std::move(*metered));
  const MonoTime begun = clock_.mono();
  while (!stopping_) {
    if (mosquitto_socket(client) < 0) return refused_.value_or(broker_failure(MOSQ_ERR_CONN_LOST, connected_));
    int code = MOSQ_ERR_SUCCESS;
    if (mosquitto_want_write(client)) code = mosquitto_loop_write(client, 1);
    meter_->send_out();
    short ready = 0;
    if (code == MOSQ_ERR_SUCCESS && wait_until(250ms, meter_->network(), meter_->has_to_send(), ready)) break;
    if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0) {
      meter_->take_in(clock_.mono());
      code = read_all(client);
    }
    if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(client);
    if (refused_) return *refused_;
    if (meter_->taken() > kMostPacketBytes + MeteredSocket::kPiece)
      return {ErrorKind::kTransport, fmt::format("the broker sends a message of over {} KiB, which it was told not to; is it a broker of "
                                                 "MQTT 5?",
                                                 kMostPacketBytes >> 10)};
    if (code != MOSQ_ERR_SUCCESS) return broker_failure(code, connected_);
    if (!connected_ && clock_.mono() - begun > kHandshakePatience)
      return {ErrorKind::kTimeout, "what answers at the broker's address does not speak MQTT"};
    if (connected_ && !asked_.empty() && clock_.mono() - connected_at_ > kHandshakePatience)
      return {ErrorKind::kTimeout, "the broker does not answer the subscription; restart it"};
  }
  mosquitto_disconnect(client);
  mosquitto_loop_write(client, 1);
  meter_->send_out();
  return {ErrorKind::kClosed, "stopped"};
}

void BrokerConnection::State::subscribe(mosquitto* client) {
  for (std::size_t first = 0; first < task.topics.size(); first += kSubscribeAtOnce) {
    const std::size_t last = std::min(task.topics.size(), first + kSubscribeAtOnce);
    std::vector<std::string> topics(task.topics.begin() + static_cast<std::ptrdiff_t>(first),
                                    task.topics.begin() + static_cast<std::ptrdiff_t>(last));
    std::vector<char*> names;
    for (std::string& topic : topics) names.push_back(topic.data());
    int mid = 0;
    const int code = mosquitto_subscribe_multiple(client, &mid, static_cast<int>(names.size()), names.data(), 1, 0, nullptr);
    if (code != MOSQ_ERR_SUCCESS)
      refused_ = Error{ErrorKind::kInternal, fmt::format("the broker cannot be asked for its topics: {}", mosquitto_strerror(code))};
    asked_.emplace_back(mid, std::move(topics));
  }
}

void BrokerConnection::State::on_connect(mosquitto* client, int reason) {
  whole_message();
  if (reason != 0) {
    refused_ = broker_refusal(reason, task.client_id);
    return;
  }
  // Each would be a line in the log and a subscription more.
  if (connected_) {
    refused_ = Error{ErrorKind::kTransport, "the broker answers the connection twice; is it a broker of MQTT 5?"};
    return;
  }
  connected_ = true;
  connected_at_ = clock_.mono();
  subscribe(client);
  if (asked_.empty() && !refused_) note_well();
}

void BrokerConnection::State::note_well() {
  // One that drops each connection is not said to be back each time.
  if (!said_well_) log::info("sense", "broker {}: connected", task.broker.id);
  said_well_ = true;
  inbox_.note({task.broker.id, "", std::nullopt});
}

void BrokerConnection::State::on_disconnect(int reason) {
  // Below 128 stand libmosquitto's own codes, which the loop's return value says, too.
  if (reason >= 128 && !refused_) refused_ = broker_refusal(reason, task.client_id);
}

void BrokerConnection::State::on_message(const mosquitto_message& message) {
  whole_message();
  if (message.topic == nullptr || message.payloadlen < 0) return;
  const std::string_view payload(static_cast<const char*>(message.payload), static_cast<std::size_t>(message.payloadlen));
  inbox_.put(task.broker.id, message.topic, payload, message.retain, clock_.mono(), clock_.wall());
}

void BrokerConnection::State::on_subscribe(int mid, int count, const int* granted) {
  whole_message();
  const auto found = std::find_if(asked_.begin(), asked_.end(), [&](const auto& one) { return one.first == mid; });
  if (found == asked_.end()) return;
  for (std::size_t i = 0; i < found->second.size(); ++i) {
    if (static_cast<int>(i) < count && granted[i] < 128) continue;
    const std::string& topic = found->second[i];
    log::error("sense", "broker {}: it does not let {} be read", task.broker.id, topic);
    inbox_.note({task.broker.id, topic, Error{ErrorKind::kPermission, "the broker does not let the sensor's topic be read"}});
  }
  asked_.erase(found);
  if (asked_.empty()) note_well();
}

BrokerConnection::BrokerConnection(BrokerTask task, Inbox& inbox, const Clock& clock)
    : state_(std::make_unique<State>(std::move(task), inbox, clock)) {}
BrokerConnection::~BrokerConnection() = default;

const BrokerTask& BrokerConnection::task() const { return state_->task; }

}  // namespace kanhu::sense
