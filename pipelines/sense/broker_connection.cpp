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
#include <unistd.h>

#include "base/backoff.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "config/checks.hpp"
#include "config/secrets.hpp"
#include "pipelines/sense/reach.hpp"

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectPatience = 3s;
constexpr auto kHandshakePatience = 10s;
constexpr int kKeepAlive_s = 10;
constexpr int kInFlight = 100;  // unacknowledged messages a broker may have under way (Receive Maximum)
constexpr int kSubscribeAtOnce = 32;
constexpr const char* kAuthorities = "/etc/ssl/certs";

using Client = std::unique_ptr<mosquitto, void (*)(mosquitto*)>;

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

// Kinds that mean "not connected": kCorrupt and the like are said of a sensor's own payloads.
// OASIS MQTT 5.0, 2.4 and 3.2.2.2: why a broker refuses or ends a connection.
Error refusal(int reason, const std::string& client_id) {
  switch (reason) {
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_NOT_AUTHORIZED:
    case 4:  // of MQTT 3.1.1: a broker that answers in the older protocol
    case 5:
      return {ErrorKind::kUnauthorized, "the broker refuses user or password"};
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
    case 1:
      return {ErrorKind::kTransport, "the broker does not speak MQTT 5"};
    case MQTT_RC_CLIENTID_NOT_VALID:
      return {ErrorKind::kUnauthorized, fmt::format("the broker refuses the client id {}", client_id)};
    case MQTT_RC_SESSION_TAKEN_OVER:
      return {ErrorKind::kRefused,
              fmt::format("another client calls itself {} at the broker: give one of them another client_id", client_id)};
    case MQTT_RC_SERVER_SHUTTING_DOWN:
      return {ErrorKind::kEndOfStream, "the broker shuts down"};
    default:
      return {ErrorKind::kRefused, fmt::format("the broker refuses: {}", mosquitto_reason_string(reason))};
  }
}

Error failure(int code, bool connected) {
  switch (code) {
    case MOSQ_ERR_TLS:
    case MOSQ_ERR_TLS_HANDSHAKE:
      return {ErrorKind::kTransport,
              "TLS with the broker fails: its certificate is not for this host, has expired, or is not signed by ca_file"};
    case MOSQ_ERR_CONN_REFUSED:
      return {ErrorKind::kRefused, "nothing listens at the broker's address"};
    case MOSQ_ERR_EAI:
    case MOSQ_ERR_LOOKUP:
      return {ErrorKind::kNameResolution, "the broker's host name cannot be resolved"};
    case MOSQ_ERR_KEEPALIVE:
      return {ErrorKind::kTimeout, "the broker does not answer any more"};
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
      return {ErrorKind::kTransport, "what answers at the broker's address does not speak MQTT 5"};
    default:
      return {ErrorKind::kEndOfStream,
              connected ? "the broker ended the connection" : "the broker ended the connection before it was made"};
  }
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
  void subscribe(mosquitto* client);
  // True when the connection is to end.
  bool wait_until(std::chrono::milliseconds patience, int socket, bool wants_write, short& ready) const;

  // libmosquitto's callbacks, all within `serve`.
  void on_connect(mosquitto* client, int reason);
  void on_disconnect(int reason);
  void on_message(const mosquitto_message& message);
  void on_subscribe(int mid, int count, const int* granted);

  Inbox& inbox_;
  const Clock& clock_;
  const int wake_;
  std::atomic<bool> stopping_{false};
  std::optional<Error> refused_;  // of this connection
  bool connected_ = false;
  bool was_connected_ = false;                                   // since the last back-off
  std::vector<std::pair<int, std::vector<std::string>>> asked_;  // subscriptions under way, by message id
  std::string said_;                                             // the last failure in the log
  std::thread thread_;                                           // last: it uses all the others
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
    const Error why = session();
    if (stopping_) break;
    inbox_.note({task.broker.id, "", why});
    if (std::exchange(was_connected_, false)) {
      backoff.reset();
      said_.clear();
    }
    const auto pause = backoff.next(random_u64());
    // The same failure again and again is one line.
    if (said_ != why.message) log::warning("sense", "broker {}: {}; trying again", task.broker.id, why.message);
    said_ = why.message;
    short ready = 0;
    if (wait_until(pause, -1, false, ready)) break;
  }
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
    mosquitto_username_pw_set(client.get(), credential->user.c_str(), credential->password.reveal().c_str());
  }
  if (address.tls)
    if (auto secured = secure(client.get()); !secured) return tl::unexpected(secured.error());
  mosquitto_connect_v5_callback_set(client.get(), [](mosquitto* c, void* self, int reason, int, const mosquitto_property*) {
    static_cast<State*>(self)->on_connect(c, reason);
  });
  mosquitto_disconnect_v5_callback_set(client.get(), [](mosquitto*, void* self, int reason, const mosquitto_property*) {
    static_cast<State*>(self)->on_disconnect(reason);
  });
  mosquitto_message_v5_callback_set(client.get(), [](mosquitto*, void* self, const mosquitto_message* message, const mosquitto_property*) {
    static_cast<State*>(self)->on_message(*message);
  });
  mosquitto_subscribe_v5_callback_set(client.get(),
                                      [](mosquitto*, void* self, int mid, int count, const int* granted, const mosquitto_property*) {
                                        static_cast<State*>(self)->on_subscribe(mid, count, granted);
                                      });
  return client;
}

Error BrokerConnection::State::session() {
  refused_.reset();
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
  if (code != MOSQ_ERR_SUCCESS) return failure(code, false);
  return serve(client->get());
}

Error BrokerConnection::State::serve(mosquitto* client) {
  const MonoTime begun = clock_.mono();
  while (!stopping_) {
    const int socket = mosquitto_socket(client);
    if (socket < 0) return refused_.value_or(failure(MOSQ_ERR_CONN_LOST, connected_));
    short ready = 0;
    if (wait_until(250ms, socket, mosquitto_want_write(client), ready)) break;
    int code = MOSQ_ERR_SUCCESS;
    if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0) code = mosquitto_loop_read(client, 1);
    if (code == MOSQ_ERR_SUCCESS && (mosquitto_want_write(client) || (ready & POLLOUT) != 0)) code = mosquitto_loop_write(client, 1);
    if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(client);
    if (refused_) return *refused_;
    if (code != MOSQ_ERR_SUCCESS) return failure(code, connected_);
    if (!connected_ && clock_.mono() - begun > kHandshakePatience)
      return {ErrorKind::kTimeout, "what answers at the broker's address does not speak MQTT"};
  }
  mosquitto_disconnect(client);
  mosquitto_loop_write(client, 1);
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
  if (reason != 0) {
    refused_ = refusal(reason, task.client_id);
    return;
  }
  connected_ = was_connected_ = true;
  log::info("sense", "broker {}: connected", task.broker.id);
  inbox_.note({task.broker.id, "", std::nullopt});
  subscribe(client);
}

void BrokerConnection::State::on_disconnect(int reason) {
  // Below 128 stand libmosquitto's own codes, which the loop's return value says, too.
  if (reason >= 128 && !refused_) refused_ = refusal(reason, task.client_id);
}

void BrokerConnection::State::on_message(const mosquitto_message& message) {
  if (message.topic == nullptr || message.payloadlen < 0) return;
  const std::string_view payload(static_cast<const char*>(message.payload), static_cast<std::size_t>(message.payloadlen));
  inbox_.put(task.broker.id, message.topic, payload, message.retain, clock_.mono(), clock_.wall());
}

void BrokerConnection::State::on_subscribe(int mid, int count, const int* granted) {
  const auto found = std::find_if(asked_.begin(), asked_.end(), [&](const auto& one) { return one.first == mid; });
  if (found == asked_.end()) return;
  for (std::size_t i = 0; i < found->second.size(); ++i) {
    if (static_cast<int>(i) < count && granted[i] < 128) continue;
    const std::string& topic = found->second[i];
    log::error("sense", "broker {}: it does not let {} be read", task.broker.id, topic);
    inbox_.note({task.broker.id, topic, Error{ErrorKind::kPermission, "the broker does not let the sensor's topic be read"}});
  }
  asked_.erase(found);
}

BrokerConnection::BrokerConnection(BrokerTask task, Inbox& inbox, const Clock& clock)
    : state_(std::make_unique<State>(std::move(task), inbox, clock)) {}
BrokerConnection::~BrokerConnection() = default;

const BrokerTask& BrokerConnection::task() const { return state_->task; }

}  // namespace kanhu::sense
