// SPDX-License-Identifier: MIT
#include "daemon/http/http_server.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <microhttpd.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/descriptor.hpp"
#include "base/fault.hpp"
#include "base/thread_name.hpp"
#include "daemon/http/loopback_listener.hpp"

namespace kanhu {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kHeadBytes = 8u << 10;       // of a request, with what the library notes of each header
constexpr std::size_t kMostWaiting = 32;           // answers in line
constexpr std::size_t kMostHeldBytes = 32u << 20;  // of answers, before the next one is made
constexpr unsigned kBeyondLimit = 64;              // connections that are ended and not yet gone
constexpr auto kLookAfter = std::chrono::milliseconds(250);

HttpAnswer plain_answer(int status, std::string text) { return {status, std::move(text), "text/plain; charset=utf-8", {}}; }

// One request between the library's thread, which owns it, and the answering thread, which has it while its connection is suspended.
struct Pending {
  HttpAsked asked;
  MHD_Connection* connection = nullptr;
  HttpAnswerPtr answer;
};

MHD_Result queue_answer(MHD_Connection* connection, const HttpAnswerPtr& answer) {
  // The library never writes to it.
  auto* held = new HttpAnswerPtr(answer);
  MHD_Response* response = MHD_create_response_from_buffer_with_free_callback_cls(
      answer->body.size(), const_cast<char*>(answer->body.data()), [](void* cls) { delete static_cast<HttpAnswerPtr*>(cls); }, held);
  if (response == nullptr) {
    delete held;
    return MHD_NO;
  }
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type.c_str());
  for (const auto& [name, value] : answer->headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(answer->status), response);
  MHD_destroy_response(response);
  return queued;
}

// What is looked at of a request's headers, each of which may stand there more than once.
struct HeadSeen {
  int hosts = 0;
  std::string_view host;
  bool has_body = false;
};

HeadSeen seen_in_head(MHD_Connection* connection) {
  HeadSeen seen;
  const auto note = [](void* into, MHD_ValueKind, const char* key, std::size_t key_size, const char* value, std::size_t value_size) {
    auto& head = *static_cast<HeadSeen*>(into);
    const auto is = [&](const char* name) { return key_size == std::strlen(name) && ::strncasecmp(key, name, key_size) == 0; };
    const std::string_view text(value == nullptr ? "" : value, value == nullptr ? 0 : value_size);
    if (is(MHD_HTTP_HEADER_HOST)) {
      ++head.hosts;
      head.host = text.substr(0, text.find_last_not_of(" \t") + 1);
    }
    head.has_body = head.has_body || is(MHD_HTTP_HEADER_TRANSFER_ENCODING) || (is(MHD_HTTP_HEADER_CONTENT_LENGTH) && text != "0");
    return MHD_YES;
  };
  (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, note, &seen);
  return seen;
}

// Of RFC 3986's host and port these characters; whether they name this machine is asked where it matters.
bool is_host_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
  });
}

// What is refused before anybody is asked; nothing: it is a request.
std::optional<HttpAnswer> wrong_with_request(const HeadSeen& head, std::string_view method, std::string_view version) {
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
    return plain_answer(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
  if (head.has_body) return plain_answer(MHD_HTTP_CONTENT_TOO_LARGE, "a request has no body here\n");
  // RFC 9112, 3.2.
  if (head.hosts > 1) return plain_answer(MHD_HTTP_BAD_REQUEST, "a request has one Host header\n");
  if (head.hosts == 0 && version != MHD_HTTP_VERSION_1_0) return plain_answer(MHD_HTTP_BAD_REQUEST, "the Host header is missing\n");
  if (!is_host_text(head.host)) return plain_answer(MHD_HTTP_BAD_REQUEST, "the Host header names no host\n");
  return std::nullopt;
}

}  // namespace

class HttpServer::Connections {
 public:
  Connections(Routes routes, Limits limits) : routes_(std::move(routes)), limits_(limits) {}
  ~Connections();
  Result<void> start(LoopbackListener listener);
  const std::string& endpoint() const { return endpoint_; }

 private:
  struct Connection {
    SteadyTime since{};
    int socket = -1;
    bool has_asked = false;
  };

  MHD_Result handle(MHD_Connection* connection, const char* url, const char* method, const char* version, void** request);
  void come(MHD_Connection* connection);
  static void end(const Connection& connection);
  void make_room();
  void answer_all();
  void answer(Pending& pending);
  void cut_late(SteadyTime now);
  std::size_t held_bytes();

  const Routes routes_;
  const Limits limits_;
  std::string endpoint_;
  MHD_Daemon* daemon_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  // A socket is touched only with the mutex held and while it stands here: the library closes it after it has said so.
  std::map<MHD_Connection*, Connection> connections_;
  std::deque<Pending*> waiting_;  // suspended
  bool stopping_ = false;
  std::vector<std::weak_ptr<const HttpAnswer>> given_;  // of the answering thread: those on their way to somebody
  std::thread thread_;
};

HttpServer::Connections::~Connections() {
  const Descriptor listener(daemon_ == nullptr ? -1 : MHD_quiesce_daemon(daemon_));
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  // Nothing is suspended any more, which the library insists on.
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

Result<void> HttpServer::Connections::start(LoopbackListener listener) {
  endpoint_ = fmt::format("http://{}:{}", listener.host, listener.port);
  const auto handle_request = [](void* self, MHD_Connection* connection, const char* url, const char* method, const char* version,
                                 const char*, std::size_t*, void** request) {
    MHD_Result done = MHD_NO;  // no exception may pass through the library
    faults::contained("http", [&] { done = static_cast<Connections*>(self)->handle(connection, url, method, version, request); });
    return done;
  };
  const auto forget_request = [](void*, MHD_Connection*, void** request, MHD_RequestTerminationCode) {
    delete static_cast<Pending*>(*request);
    *request = nullptr;
  };
  const auto note_connection = [](void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
    auto* server = static_cast<Connections*>(self);
    faults::contained("http", [&] {
      if (what == MHD_CONNECTION_NOTIFY_STARTED) return server->come(connection);
      std::scoped_lock lock(server->mutex_);
      server->connections_.erase(connection);
    });
  };
  thread_ = std::thread([this] { answer_all(); });
  const auto timeout_s = static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(limits_.whole_time).count());
  daemon_ = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr,
                             static_cast<MHD_AccessHandlerCallback>(handle_request), this, MHD_OPTION_LISTEN_SOCKET, listener.socket.get(),
                             MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(limits_.connections) + kBeyondLimit,
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeadBytes, MHD_OPTION_CONNECTION_MEMORY_INCREMENT, std::size_t{1024},
                             MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_NOTIFY_COMPLETED,
                             static_cast<MHD_RequestCompletedCallback>(forget_request), this, MHD_OPTION_NOTIFY_CONNECTION,
                             static_cast<MHD_NotifyConnectionCallback>(note_connection), this, MHD_OPTION_END);
  if (daemon_ == nullptr) return fail(ErrorKind::kIo, fmt::format("the HTTP server for {} cannot be started", endpoint_));
  (void)listener.socket.release();  // the library closes it
  return {};
}

// On the library's thread, as soon as the head of a request is there, and once more with the answer.
MHD_Result HttpServer::Connections::handle(MHD_Connection* connection, const char* url, const char* method, const char* version,
                                           void** request) {
  if (auto* pending = static_cast<Pending*>(*request)) return pending->answer ? queue_answer(connection, pending->answer) : MHD_NO;
  {
    std::scoped_lock lock(mutex_);
    if (const auto found = connections_.find(connection); found != connections_.end()) found->second.has_asked = true;
  }
  const HeadSeen head = seen_in_head(connection);
  if (auto wrong = wrong_with_request(head, method, version))
    return queue_answer(connection, std::make_shared<HttpAnswer>(std::move(*wrong)));
  auto pending = std::make_unique<Pending>(Pending{{url, std::string(head.host)}, connection, nullptr});
  if (auto now = routes_.at_once(pending->asked)) return queue_answer(connection, std::make_shared<HttpAnswer>(std::move(*now)));
  std::scoped_lock lock(mutex_);
  if (stopping_ || waiting_.size() >= kMostWaiting)
    return queue_answer(connection,
                        std::make_shared<HttpAnswer>(plain_answer(MHD_HTTP_SERVICE_UNAVAILABLE, "too many ask at once; ask again\n")));
  waiting_.push_back(pending.get());
  // Under the mutex: nobody may resume it before it is suspended.
  MHD_suspend_connection(connection);
  *request = pending.release();
  changed_.notify_all();
  return MHD_YES;
}

void HttpServer::Connections::come(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info == nullptr) return;
  std::scoped_lock lock(mutex_);
  if (connections_.size() >= limits_.connections) make_room();
  connections_[connection] = {std::chrono::steady_clock::now(), info->connect_fd, false};
}

// With the mutex held. The library sees the end of the socket in its next turn; what a slow reader has not taken yet is thrown away
// with it, here and in the kernel.
void HttpServer::Connections::end(const Connection& connection) {
  const linger at_once{1, 0};
  ::setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::shutdown(connection.socket, SHUT_RDWR);
}

void HttpServer::Connections::make_room() {
  const auto oldest = std::min_element(connections_.begin(), connections_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.has_asked, a.second.since) < std::pair(b.second.has_asked, b.second.since);
  });
  end(oldest->second);
  connections_.erase(oldest);
}

void HttpServer::Connections::cut_late(SteadyTime now) {
  std::erase_if(connections_, [&](const auto& entry) {
    if (now - entry.second.since < limits_.whole_time) return false;
    end(entry.second);
    return true;
  });
}

void HttpServer::Connections::answer_all() {
  name_this_thread("http");
  std::unique_lock lock(mutex_);
  while (!stopping_ || !waiting_.empty()) {
    changed_.wait_for(lock, kLookAfter, [&] { return stopping_ || !waiting_.empty(); });
    cut_late(std::chrono::steady_clock::now());
    if (waiting_.empty()) continue;
    Pending& pending = *waiting_.front();
    waiting_.pop_front();
    if (stopping_) {
      pending.answer = std::make_shared<HttpAnswer>(plain_answer(MHD_HTTP_SERVICE_UNAVAILABLE, "the gateway stops\n"));
    } else {
      lock.unlock();
      answer(pending);
      lock.lock();
    }
    // From here on it is the library's again.
    MHD_resume_connection(pending.connection);
  }
}

// Answers that several read count once.
std::size_t HttpServer::Connections::held_bytes() {
  std::size_t bytes = 0;
  std::erase_if(given_, [&](const std::weak_ptr<const HttpAnswer>& each) {
    const HttpAnswerPtr held = each.lock();
    bytes += held ? held->body.size() : 0;
    return !held;
  });
  return bytes;
}

void HttpServer::Connections::answer(Pending& pending) {
  faults::contained("http", [&] {
    if (held_bytes() > kMostHeldBytes) {
      pending.answer = std::make_shared<HttpAnswer>(plain_answer(MHD_HTTP_SERVICE_UNAVAILABLE, "too many read too slowly; ask again\n"));
      return;
    }
    pending.answer = routes_.answer(pending.asked);
    const bool is_new = std::none_of(given_.begin(), given_.end(), [&](const auto& each) { return each.lock() == pending.answer; });
    if (is_new) given_.push_back(pending.answer);
  });
  if (pending.answer) return;
  faults::contained("http", [&] {
    pending.answer = std::make_shared<HttpAnswer>(
        plain_answer(MHD_HTTP_INTERNAL_SERVER_ERROR, "internal: this could not be answered; the gateway's log says why\n"));
  });
}

HttpServer::HttpServer(std::unique_ptr<Connections> connections) : connections_(std::move(connections)) {}
HttpServer::~HttpServer() = default;
const std::string& HttpServer::endpoint() const { return connections_->endpoint(); }

Result<std::unique_ptr<HttpServer>> HttpServer::open(const std::string& listen, Routes routes, Limits limits) {
  auto listener = listen_on_loopback(listen);
  if (!listener) return tl::unexpected(listener.error());
  auto connections = std::make_unique<Connections>(std::move(routes), limits);
  if (auto started = connections->start(std::move(*listener)); !started) return tl::unexpected(started.error());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(connections)));
}

}  // namespace kanhu
