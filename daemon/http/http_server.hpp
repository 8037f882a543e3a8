// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace kanhu {

// One GET or HEAD request: what of it is looked at.
struct HttpAsked {
  std::string path;  // %-escapes decoded, without what stands behind a '?'
  std::string host;  // the Host header; empty: none came
};
struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
};
// Shared, so that a hundred slow readers of the same answer cost its memory once.
using HttpAnswerPtr = std::shared_ptr<const HttpAnswer>;

// An HTTP server for this machine's own programs, by libmicrohttpd (docs/design/0006-http-server.md). Everything a client decides has a
// limit: a request's head 8 KiB, no body, one request a connection, 10 s from the connection to the last byte of the answer, 256
// connections at once (one more ends the oldest that has not asked anything yet, else the oldest). What is answered `at_once` therefore
// waits for nobody: not for slow or silent clients, however many, nor for the other answers, which are made one after the other on a
// thread of their own, at most 32 in line and 32 MiB of them held for who reads slowly (then 503).
// Thread: open and destroy from one owner.
class HttpServer {
 public:
  struct Routes {
    // On the server's own thread, and must not wait for anything; nothing: it is for `answer`.
    std::function<std::optional<HttpAnswer>(const HttpAsked&)> at_once;
    // On the answering thread; what throws is answered with 500.
    std::function<HttpAnswerPtr(const HttpAsked&)> answer;
  };
  struct Limits {
    std::chrono::milliseconds whole_time = std::chrono::seconds(10);
    std::size_t connections = 256;
  };

  // `listen`: an IPv4 address, an IPv6 one in brackets, or localhost, and a port (0: chosen by the system). Loopback only.
  // kInvalidArgument: it is none of these; kIo: it cannot be listened on.
  static Result<std::unique_ptr<HttpServer>> open(const std::string& listen, Routes routes, Limits limits);
  static Result<std::unique_ptr<HttpServer>> open(const std::string& listen, Routes routes) {
    return open(listen, std::move(routes), Limits());
  }
  ~HttpServer();  // who waits loses the connection
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  const std::string& endpoint() const;  // http://host:port

 private:
  class Connections;
  explicit HttpServer(std::unique_ptr<Connections> connections);

  const std::unique_ptr<Connections> connections_;
};

}  // namespace kanhu
