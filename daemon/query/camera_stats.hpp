// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/guarded.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// The newest counters of every camera, and rates from the two newest: what `info`, `status` and /metrics show.
// Counters that a restarted worker begins again at 0 go on from where they were.
// Thread: any.
class CameraStats {
 public:
  struct Row {
    relay::CameraReport total;  // since the gateway started
    double packets_per_second = 0;
    double frames_per_second = 0;  // analysed
    double kilobits_per_second = 0;
  };

  void update(const relay::CameraReport& stats, MonoTime now);
  void forget(const std::string& camera);
  std::map<std::string, Row> rows(MonoTime now) const;  // rates are 0 when nothing was heard for 5 s
  // Waits and works of all cameras together.
  std::pair<LatencyHistogram, LatencyHistogram> latencies(MonoTime now) const;

 private:
  struct Entry {
    relay::CameraReport before;  // of workers that are gone
    relay::CameraReport newest;
    MonoTime seen{};
    Row row;
  };
  Guarded<std::map<std::string, Entry>> entries_;
};

Json to_json(const CameraStats::Row& row);

// {"count":n,"p50_ms":..,"p99_ms":..}
Json latency_json(const LatencyHistogram& histogram);

}  // namespace kanhu
