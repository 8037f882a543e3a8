#include "daemon/metrics.hpp"

#include <charconv>

#include <fmt/format.h>
#include <httplib.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "daemon/look_page.hpp"

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

class HttpServer final : public MetricsServer {
 public:
  HttpServer(std::function<Json()> info, std::function<bool()> ready, Look look) {
    server_.Get("/metrics", [info = std::move(info)](const httplib::Request&, httplib::Response& response) {
      response.set_content(metrics_text(info()), "text/plain; version=0.0.4");
    });
    server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) { response.set_content("ok\n", "text/plain"); });
    server_.Get("/readyz", [ready = std::move(ready)](const httplib::Request&, httplib::Response& response) {
      const bool is_ready = ready();
      response.status = is_ready ? 200 : 503;
      response.set_content(is_ready ? "ready\n" : "not ready\n", "text/plain");
    });
    if (look) serve_look(std::move(look));
    // A browser opens connections that it keeps, and some that it never uses: none may hold a thread for long.
    server_.new_task_queue = [] { return new httplib::ThreadPool(4); };
    server_.set_keep_alive_max_count(1);
    server_.set_read_timeout(2);
    server_.set_payload_max_length(4096);
  }
  ~HttpServer() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> listen(const std::string& host, int port) {
    // cpp-httplib would share a port in use with its owner (SO_REUSEPORT): two gateways must not.
    server_.set_socket_options([](socket_t) {});
    if (port == 0) {
      port = server_.bind_to_any_port(host.c_str());
    } else if (!server_.bind_to_port(host.c_str(), port)) {
      port = -1;
    }
    if (port < 0) return fail(ErrorKind::kIo, fmt::format("metrics: cannot listen on {}: is the port in use?", host));
    endpoint_ = fmt::format("http://{}:{}", host, port);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Stopping a server that does not run yet would be forgotten.
    while (!server_.is_running()) std::this_thread::yield();
    return {};
  }
  std::string endpoint() const override { return endpoint_; }

 private:
  void serve_look(Look look);

  httplib::Server server_;
  std::string endpoint_;
  std::thread thread_;
};

// What `look` says to `request` as a page or as JSON, for who asked from this machine.
void answer_look(const httplib::Request& asked, httplib::Response& response, const MetricsServer::Look& look, const Json& request,
                 const std::function<void(const Json&)>& good) {
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Cross-Origin-Resource-Policy", "same-origin");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Content-Security-Policy", look_page_policy());
  if (!is_loopback_host(asked.get_header_value("Host"))) {
    response.status = 403;
    response.set_content("ask by 127.0.0.1 or localhost\n", "text/plain");
    return;
  }
  const Result<Json> answer = look(request);
  if (answer) return good(*answer);
  response.status = answer.error().kind == ErrorKind::kNotFound || answer.error().kind == ErrorKind::kInvalidArgument ? 404 : 503;
  response.set_content(answer.error().message + "\n", "text/plain; charset=utf-8");
}

void HttpServer::serve_look(Look look) {
  constexpr const char* kHtml = "text/html; charset=utf-8";
  server_.Get("/look", [look](const httplib::Request& asked, httplib::Response& response) {
    answer_look(asked, response, look, Json::object(),
                [&](const Json& answer) { response.set_content(look_list_page(value_in(answer, "sources")), kHtml); });
  });
  const std::string id = "/look/([a-z0-9][a-z0-9_-]{0,31})";
  server_.Get(id, [look](const httplib::Request& asked, httplib::Response& response) {
    const std::string source = asked.matches[1];
    answer_look(asked, response, look, {{"source", source}}, [&](const Json&) { response.set_content(look_source_page(source), kHtml); });
  });
  server_.Get(id + R"(\.json)", [look = std::move(look)](const httplib::Request& asked, httplib::Response& response) {
    answer_look(asked, response, look, {{"source", std::string(asked.matches[1])}},
                [&](const Json& answer) { response.set_content(canonical_json(value_in(answer, "look")), "application/json"); });
  });
}

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(const std::string& listen, std::function<Json()> info,
                                                           std::function<bool()> ready, Look look) {
  const auto colon = listen.rfind(':');
  int port = -1;
  if (colon != std::string::npos) std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
  if (port < 0 || port > 65535) return fail(ErrorKind::kInvalidArgument, fmt::format("metrics.listen: '{}' is not host:port", listen));
  auto server = std::make_unique<HttpServer>(std::move(info), std::move(ready), std::move(look));
  if (auto listening = server->listen(listen.substr(0, colon), port); !listening) return tl::make_unexpected(listening.error());
  return server;
}

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
    families.add("kanhu_access_admitted_total", "Handshakes let in", MetricType::Counter, number(value_in(access, "admitted")));
    families.add("kanhu_access_refused_total", "Handshakes refused: no key, or none of the list", MetricType::Counter,
                 number(value_in(access, "refused")));
  }
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
