// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"
#include "daemon/http/http_server.hpp"

namespace kanhu {

// GET /metrics (Prometheus text format), /healthz (the process answers), /readyz (it watches: 200 or 503) and /look (what infrared
// sees, for browsers) on a loopback port, within the limits of HttpServer. /healthz waits for nobody; metrics are at most 1 s old. All but
// /healthz and /readyz are refused to who does not call this machine 127.0.0.1, [::1] or localhost.
// Thread: `info`, `ready` and `look` are called on the server's answering thread.
class MetricsServer {
 public:
  // `listen` as HttpServer takes it. `info` is what the query socket answers to `info`.
  // `look` is what it answers to `look`; without it there is no /look.
  using Look = std::function<Result<Json>(const Json& request)>;
  static Result<std::unique_ptr<MetricsServer>> open(const std::string& listen, std::function<Json()> info, std::function<bool()> ready,
                                                     Look look = nullptr);
  std::string endpoint() const { return server_->endpoint(); }  // http://host:port

 private:
  explicit MetricsServer(std::unique_ptr<HttpServer> server) : server_(std::move(server)) {}

  const std::unique_ptr<HttpServer> server_;
};

}  // namespace kanhu
