#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu {

// GET /metrics (Prometheus text format), /healthz (the process answers), /readyz (it watches: 200 or 503) and /look (what infrared
// sees, for browsers) on a loopback port, by cpp-httplib and prometheus-cpp.
// Thread: `info`, `ready` and `look` are called on the server's threads.
class MetricsServer {
 public:
  // `listen` is "host:port"; port 0: chosen by the system. `info` is what the query socket answers to `info`.
  // `look` is what it answers to `look`; without it there is no /look.
  using Look = std::function<Result<Json>(const Json& request)>;
  static Result<std::unique_ptr<MetricsServer>> open(const std::string& listen, std::function<Json()> info, std::function<bool()> ready,
                                                     Look look = nullptr);
  virtual ~MetricsServer() = default;
  virtual std::string endpoint() const = 0;  // http://host:port
};

// The answer of `info` in Prometheus' text format.
std::string metrics_text(const Json& info);

}  // namespace kanhu
