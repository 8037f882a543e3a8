// SPDX-License-Identifier: MIT
// The HTTP server against clients that mean it no good: nothing they send or leave out grows without bound, and who asks whether the
// gateway lives never waits behind them.
#include "daemon/http/http_server.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <future>
#include <random>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/descriptor.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBig = 8u << 20;
constexpr int kPatience_ms = 30'000;

struct Server {
  std::promise<void> go;
  std::shared_future<void> gone{go.get_future()};
  std::atomic<int> answered{0};
  std::unique_ptr<HttpServer> http;

  explicit Server(HttpServer::Limits limits = {}) {
    HttpServer::Routes routes;
    routes.at_once = [](const HttpAsked& asked) {
      return asked.path == "/healthz" ? std::optional(HttpAnswer{200, "ok\n"}) : std::nullopt;
    };
    routes.answer = [this](const HttpAsked& asked) -> HttpAnswerPtr {
      if (asked.path == "/throws") throw std::runtime_error("inside");
      if (asked.path == "/hangs") gone.wait();
      ++answered;
      return std::make_shared<HttpAnswer>(HttpAnswer{200, asked.path == "/big" ? std::string(kBig, 'x') : asked.path + "|" + asked.host});
    };
    auto opened = HttpServer::open("127.0.0.1:0", std::move(routes), limits);
    if (!opened) throw std::runtime_error(opened.error().message);
    http = std::move(*opened);
  }
  ~Server() { let_go(); }
  void let_go() {
    if (!std::exchange(is_gone_, true)) go.set_value();
  }

  Descriptor connect(int receive_buffer = 0) const {
    const std::string endpoint = http->endpoint();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{kPatience_ms / 1000, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
  }

 private:
  bool is_gone_ = false;
};

bool send_all(const Descriptor& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Until the server closes.
std::string read_all(const Descriptor& socket) {
  std::string answer;
  std::array<char, 65'536> buffer{};
  for (ssize_t got = 0; (got = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;)
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  return answer;
}

std::string ask(const Server& server, const std::string& request) {
  const Descriptor socket = server.connect();
  (void)send_all(socket, request);
  return read_all(socket);
}

std::string get(const Server& server, const std::string& path) {
  return ask(server, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

bool lives(const Server& server) { return get(server, "/healthz").ends_with("\r\n\r\nok\n"); }

// Whether the server ends the connection by itself.
bool is_ended(const Descriptor& socket) {
  pollfd wait{socket.get(), POLLRDHUP, 0};
  return ::poll(&wait, 1, kPatience_ms) == 1;
}

// 0 where sanitizers keep what was freed.
long resident_kib() {
#ifdef KANHU_SANITIZED
  return 0;
#endif
  long all = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%ld %ld", &all, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace

TEST_CASE("a request is answered, and one that is none is refused, each with its own number") {
  const Server server;
  CHECK(lives(server));
  CHECK_THAT(get(server, "/a?b=c"),
             Catch::StartsWith("HTTP/1.1 200") && Catch::EndsWith("/a|localhost") && Catch::Contains("Connection: close"));
  CHECK_THAT(get(server, "/throws"), Catch::StartsWith("HTTP/1.1 500") && Catch::Contains("internal") && !Catch::Contains("inside"));
  CHECK_THAT(ask(server, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"), Catch::StartsWith("HTTP/1.1 200") && Catch::EndsWith("\r\n\r\n"));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PURGE"})
    CHECK_THAT(ask(server, std::string(method) + " /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n"),
               Catch::StartsWith("HTTP/1.1 405"));
  for (const char* body : {"Content-Length: 10\r\n\r\n0123456789", "Transfer-Encoding: chunked\r\n\r\nffffffff\r\nx"})
    CHECK_THAT(ask(server, std::string("GET /a HTTP/1.1\r\nHost: x\r\n") + body), Catch::StartsWith("HTTP/1.1 413"));
  const std::string two = "GET /a HTTP/1.1\r\nHost: one\r\n\r\nGET /b HTTP/1.1\r\nHost: two\r\n\r\n";
  const std::string first = ask(server, two + two + two);
  CHECK_THAT(first, Catch::EndsWith("/a|one") && !Catch::Contains("two"));
}

TEST_CASE("a request names one host, and every header that stands there counts") {
  const Server server;
  for (const char* path : {"/healthz", "/a"}) {
    CAPTURE(path);
    const auto with = [&](const std::string& headers, const char* version = "1.1") {
      return ask(server, fmt::format("GET {} HTTP/{}\r\n{}\r\n", path, version, headers));
    };
    for (const char* wrong :
         {"Host: localhost\r\nHost: evil\r\n", "Host: evil\r\nX: y\r\nhost: localhost\r\n", "Host: localhost\r\nHOST: localhost\r\n",
          "Host: localhost\r\nHost:\r\n", "X: y\r\n", "", "Host: local host\r\n", "Host: localhost\x01\r\n", "Host: a@localhost\r\n",
          "Host: localhost/evil\r\n", "Host: \xc3\xa9\r\n"}) {
      CAPTURE(wrong);
      CHECK_THAT(with(wrong), Catch::StartsWith("HTTP/1.1 400"));
    }
    for (const char* right : {"Host: localhost\r\n", "host:localhost:80\r\n", "HOST:   [::1]:9100  \r\n", "Host:\r\n"}) {
      CAPTURE(right);
      CHECK_THAT(with(right), Catch::StartsWith("HTTP/1.1 200"));
    }
    CHECK_THAT(with("", "1.0"), Catch::Contains(" 200 "));
    CHECK_THAT(with("Host: x\r\nContent-Length: 0\r\nContent-Length: 10\r\n"), Catch::StartsWith("HTTP/1.1 4"));
  }
  CHECK_THAT(ask(server, "GET /a HTTP/1.1\r\nHost: localhost:80  \r\n\r\n"), Catch::EndsWith("/a|localhost:80"));
}

TEST_CASE("what has no end is cut off, whatever it is, and costs no memory") {
  const Server server;
  const long before = resident_kib();
  const std::string line(4'096, 'a');
  struct Endless {
    const char* what;
    std::string begin, again;
  };
  for (const Endless& endless :
       {Endless{"headers", "GET /metrics HTTP/1.1\r\n", "X-A: b\r\n"}, Endless{"a header line", "GET /metrics HTTP/1.1\r\nX-A: ", line},
        Endless{"a folded header", "GET /metrics HTTP/1.1\r\nX-A: b\r\n", " c\r\n"}, Endless{"a path", "GET /", line},
        Endless{"arguments", "GET /?", "a=b&"}, Endless{"a method", "", line}, Endless{"empty lines", "", "\r\n"},
        Endless{"cookies", "GET / HTTP/1.1\r\nHost: x\r\n", "Cookie: a=b; c=d\r\n"},
        Endless{"a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n", line},
        Endless{"chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"}}) {
    CAPTURE(endless.what);
    const Descriptor socket = server.connect();
    std::string piece;
    while (piece.size() < 65'536) piece += endless.again;
    bool open = send_all(socket, endless.begin);
    for (int i = 0; open && i < 1'024; ++i) open = send_all(socket, piece);
    CHECK_FALSE(open);  // 64 MiB were not taken
    CHECK(lives(server));
  }
  std::mt19937 random(20261130);
  for (int i = 0; i < 200; ++i) {
    std::string garbage(random() % 4'096, '\0');
    for (char& each : garbage) each = static_cast<char>(random());
    (void)ask(server, garbage + "\r\n\r\n");
  }
  CHECK(lives(server));
  CHECK(resident_kib() - before < 64 * 1024);
}

TEST_CASE("who sends or reads too slowly is cut off when his time is over") {
  HttpServer::Limits limits;
  limits.whole_time = 500ms;
  const Server server(limits);
  SECTION("nothing at all") { CHECK(is_ended(server.connect())); }
  SECTION("a byte now and then") {
    const Descriptor socket = server.connect();
    const std::string request = "GET /healthz HTTP/1.1\r\nX-A: " + std::string(100'000, 'a');
    pollfd ended{socket.get(), POLLRDHUP, 0};
    std::size_t sent = 0;
    while (sent < request.size() && ::poll(&ended, 1, 5) == 0) sent += send_all(socket, request.substr(sent, 1)) ? 1 : 0;
    CHECK(sent > 0);
    CHECK(sent < 8'192);  // time ended it, not size
  }
  SECTION("a slow reader") {
    const Descriptor socket = server.connect(4'096);
    REQUIRE(send_all(socket, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
    std::array<char, 16> some{};
    REQUIRE(::recv(socket.get(), some.data(), some.size(), MSG_WAITALL) == 16);
    pollfd ended{socket.get(), POLLRDHUP, 0};
    REQUIRE(::poll(&ended, 1, kPatience_ms) == 1);
    CHECK(read_all(socket).size() < kBig);
  }
  CHECK(lives(server));
}

TEST_CASE("a thousand silent, slow and unread clients keep nobody from knowing that the gateway lives") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlimit more{std::min<rlim_t>(files.rlim_max, 4'096), files.rlim_max};
  if (files.rlim_cur < more.rlim_cur) ::setrlimit(RLIMIT_NOFILE, &more);
  const Server server;
  const long before = resident_kib();
  std::vector<Descriptor> clients;
  for (int i = 0; i < 1'000; ++i) {
    clients.push_back(server.connect(4'096));
    if (i % 3 == 1) (void)send_all(clients.back(), "GET /healthz HTTP/1.1\r\nX-A: ");
    if (i % 3 == 2) (void)send_all(clients.back(), "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i % 100 == 99) CHECK(lives(server));
  }
  for (int i = 0; i < 20; ++i) CHECK(lives(server));
  CHECK_THAT(get(server, "/a"), Catch::StartsWith("HTTP/1.1 200") || Catch::StartsWith("HTTP/1.1 503"));
  // 333 answers of 8 MiB were asked for, each of its own; some are held for those who do not read.
  CHECK(resident_kib() - before < 200 * 1024L);
}

TEST_CASE("an answer that hangs keeps others waiting, at most 32 of them, and the word that the gateway lives never") {
  Server server;
  std::vector<Descriptor> clients;
  for (int i = 0; i < 34; ++i) {
    clients.push_back(server.connect());
    REQUIRE(send_all(clients.back(), "GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(lives(server));
  }
  CHECK_THAT(get(server, "/a"), Catch::StartsWith("HTTP/1.1 503"));
  server.let_go();
  CHECK_THAT(read_all(clients.front()), Catch::StartsWith("HTTP/1.1 200"));
}

TEST_CASE("it listens on loopback alone, of either kind, and shares its port with nobody") {
  const auto open = [](const std::string& listen) {
    HttpServer::Routes routes;
    routes.at_once = [](const HttpAsked&) { return std::optional(HttpAnswer{200, "here\n"}); };
    return HttpServer::open(listen, std::move(routes));
  };
  for (const std::string host : {"127.0.0.1", "localhost", "127.0.0.2", "[::1]"}) {
    CAPTURE(host);
    const auto server = open(host + ":0");
    if (host == "[::1]" && !server) {
      WARN("skipped: this machine has no IPv6");
      CHECK(server.error().kind == ErrorKind::kIo);
      continue;
    }
    REQUIRE(server);
    const std::string endpoint = (*server)->endpoint();
    CHECK_THAT(endpoint, Catch::StartsWith(host == "localhost" ? "http://127.0.0.1:" : "http://" + host + ":"));
    const auto again = open(host + endpoint.substr(endpoint.rfind(':')));
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == ErrorKind::kIo);
  }
  // As the configuration reads it: another spelling is the same address.
  const auto mapped = open("[::ffff:127.0.0.1]:0");
  REQUIRE(mapped);
  CHECK_THAT((*mapped)->endpoint(), Catch::StartsWith("http://127.0.0.1:"));
  for (const char* bad : {"0.0.0.0:0", "[::]:0", "[::1%lo]:0", "10.0.0.1:0", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                          "127.0.0.1:1x", "::1:0", "[::1:0", "example.org:80", "127.999.1.1:0", ""}) {
    CAPTURE(bad);
    const auto refused = open(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kInvalidArgument);
  }
}

}  // namespace kanhu
