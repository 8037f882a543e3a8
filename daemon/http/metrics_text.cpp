// SPDX-License-Identifier: MIT
#include "daemon/http/metrics_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace kanhu {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// A member of an object, or nothing; by reference, so that loops over it do not outlive it.
const Json& value_in(const Json& object, const std::string& key) {
  static const Json kNothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNothing;
}

double number(const Json& json) { return json.is_boolean() ? (json.get<bool>() ? 1 : 0) : json.is_number() ? json.get<double>() : 0; }

class Families {
 public:
  void add(const std::string& name, const std::string& help, MetricType type, double value, std::vector<ClientMetric::Label> labels = {}) {
    auto found = std::find_if(families_.begin(), families_.end(), [&](const MetricFamily& family) { return family.name == name; });
    if (found == families_.end()) {
      families_.push_back({name, help, type, {}});
      found = std::prev(families_.end());
    }
    ClientMetric metric;
    metric.label = std::move(labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    found->metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

struct CameraMetric {
  const char* member;
  const char* name;
  const char* help;
  MetricType type;
};

constexpr CameraMetric kCameraMetrics[] = {
    {"packets", "kanhu_camera_packets_total", "Access units received", MetricType::Counter},
    {"bytes", "kanhu_camera_bytes_total", "Encoded bytes received", MetricType::Counter},
    {"packets_lost", "kanhu_camera_packets_lost_total", "RTP packets lost, by sequence number", MetricType::Counter},
    {"packets_not_decoded", "kanhu_camera_packets_not_decoded_total", "Access units the gate held back", MetricType::Counter},
    {"frames_decoded", "kanhu_camera_frames_decoded_total", "Pictures decoded", MetricType::Counter},
    {"decode_errors", "kanhu_camera_decode_errors_total", "Access units that did not decode", MetricType::Counter},
    {"frames_analysed", "kanhu_camera_frames_analysed_total", "Pictures shown to the detector", MetricType::Counter},
    {"faces_compared", "kanhu_camera_faces_compared_total", "Shots of faces turned into embeddings", MetricType::Counter},
    {"faces_shed", "kanhu_camera_faces_shed_total", "Shots worth comparing that found no room in shots_per_second", MetricType::Counter},
    {"frames_dropped", "kanhu_camera_frames_dropped_total", "Pictures overtaken by a newer one before their turn", MetricType::Counter},
    {"detections", "kanhu_camera_detections_total", "Things found by the detector", MetricType::Counter},
    {"held_bytes", "kanhu_camera_held_bytes", "Encoded bytes in memory for this camera", MetricType::Gauge},
    {"ring_seconds", "kanhu_camera_ring_seconds", "Pre-roll at hand", MetricType::Gauge},
    {"ring_overflow_drops", "kanhu_camera_ring_overflow_drops_total", "Packets dropped before the pre-roll was over", MetricType::Counter},
};

void add_cameras(Families& families, const Json& cameras) {
  for (const auto& [id, camera] : cameras.items()) {
    for (const CameraMetric& metric : kCameraMetrics) {
      if (camera.contains(metric.member))
        families.add(metric.name, metric.help, metric.type, number(camera.at(metric.member)), {{"camera", id}});
    }
  }
}

void add_latencies(Families& families, const Json& latencies) {
  for (const auto& [stage, latency] : latencies.items()) {
    for (const auto& [which, quantile] : {std::pair{"p50_ms", "0.5"}, {"p99_ms", "0.99"}}) {
      families.add("kanhu_latency_seconds", "Latency of a stage since the start", MetricType::Gauge,
                   number(value_in(latency, which)) / 1000, {{"stage", stage}, {"quantile", quantile}});
    }
  }
}

}  // namespace

std::string metrics_text(const Json& info) {
  Families families;
  const Json& gateway = value_in(info, "gateway");
  families.add("kanhu_build_info", "Version and CPU level", MetricType::Gauge, 1,
               {{"build", value_in(gateway, "build").is_string() ? value_in(gateway, "build").get<std::string>() : ""}});
  families.add("kanhu_uptime_seconds", "Since the gateway started", MetricType::Gauge, number(value_in(gateway, "uptime_s")));
  families.add("kanhu_cameras_up", "Cameras that are seen and analysed", MetricType::Gauge, number(value_in(gateway, "cameras_up")));
  families.add("kanhu_cameras", "Cameras configured and enabled", MetricType::Gauge, number(value_in(gateway, "cameras")));
  for (const auto& [name, value] : value_in(info, "journal").items()) {
    if (value.is_number()) {
      families.add("kanhu_journal_" + name, "Journal: " + name, MetricType::Gauge, number(value));
    }
  }
  for (const auto& [name, value] : value_in(info, "publish").items()) {
    if (name == "subscribers")
      families.add("kanhu_publish_subscribers", "Connections with a subscription", MetricType::Gauge, number(value));
    else if (value.is_number())
      families.add("kanhu_publish_" + name + "_total", "Live socket: " + name, MetricType::Counter, number(value));
  }
  if (const Json& access = value_in(info, "access"); !access.empty()) {
    families.add("kanhu_access_keys", "Subscribers in the allow-list", MetricType::Gauge, number(value_in(access, "keys")));
    families.add("kanhu_access_admitted_total", "Handshakes allowed", MetricType::Counter, number(value_in(access, "admitted")));
    families.add("kanhu_access_refused_total", "Handshakes refused: no key, or none of the list", MetricType::Counter,
                 number(value_in(access, "refused")));
  }
  for (const auto& [thread, fault] : value_in(info, "faults").items())
    families.add("kanhu_faults_total", "Pieces of work that failed inside the gateway and are lost", MetricType::Counter,
                 number(value_in(fault, "count")), {{"thread", thread}});
  const Json& workers = value_in(info, "workers");
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const std::vector<ClientMetric::Label> label{{"worker", std::to_string(i)}};
    families.add("kanhu_worker_restarts_total", "Times a worker was started again", MetricType::Counter,
                 number(value_in(workers[i], "restarts")), label);
    families.add("kanhu_worker_resident_bytes", "Memory of a worker", MetricType::Gauge, number(value_in(workers[i], "resident_bytes")),
                 label);
  }
  add_cameras(families, value_in(info, "cameras"));
  add_latencies(families, value_in(info, "latency"));
  return families.text();
}

}  // namespace kanhu
