// SPDX-License-Identifier: MIT
// The query socket (docs/events.md).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "pipelines/publish/access/rights.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu::publish {

class Admission;

// What goes back: one frame of JSON, and a second one of bytes where the request is for bytes.
struct Answer {
  std::string text;
  std::string bytes;
  bool has_bytes = false;
};
// Called once, from any thread, also after the server has gone. Where the last copy goes without having been called, the asker is
// answered `internal`: a question that throws, on whatever thread, needs no answer of its own.
using Reply = std::function<void(Result<Answer>)>;
using Question = std::function<void(const Json& request, const Asker& asker, Reply reply)>;
// The common kind: an object, answered on the query thread; "v", "ok" and "request" are added. Anything but an object: timeout.
Question answered_at_once(std::string name, std::function<Result<Json>(const Json& request, const Asker& asker)> function);

// The ROUTER socket on its own thread: {"v":1,"request":NAME} goes to the question of that name; an error becomes
// {"v":1,"ok":false,"error":{"kind","message"}}, and so does a name that is not known, which is answered with those that are. Both
// [json] and ["", json] (REQ) are taken, and answered alike. With a gate, which outlives it, each asker has the rights of its key at
// that moment; nobody's key is answered with unauthorized.
// Thread: open and destroy from one owner; questions are asked on the query thread and must not wait long.
class QueryServer {
 public:
  using Requests = std::map<std::string, Question>;
  static Result<std::unique_ptr<QueryServer>> open(const PublishConfig& config, Requests requests, Admission* gate = nullptr);
  ~QueryServer();
  QueryServer(const QueryServer&) = delete;
  QueryServer& operator=(const QueryServer&) = delete;
  const std::string& endpoint() const;

 private:
  class Socket;
  explicit QueryServer(std::unique_ptr<Socket> socket);

  const std::unique_ptr<Socket> socket_;
};

}  // namespace kanhu::publish
