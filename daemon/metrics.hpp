#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu {

// GET /metrics (Prometheus text format), /healthz (the process answers) and /readyz (it watches: 200 or 503) on a
// loopback port, by cpp-httplib and prometheus-cpp.
// Thread: `info` and `ready` are called on the server's threads.
class MetricsServer {
 public:
  // `listen` is "host:port"; port 0: chosen by the system. `info` is what the query socket answers to `info`.
  static Result<std::unique_ptr<MetricsServer>> open(const std::string& listen, std::function<Json()> info, std::function<bool()> ready);
  virtual ~MetricsServer() = default;
  virtual std::string endpoint() const = 0;  // http://host:port
};

// The answer of `info` in Prometheus' text format.
std::string metrics_text(const Json& info);

}  // namespace kanhu
