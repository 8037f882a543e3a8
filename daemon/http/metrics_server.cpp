// SPDX-License-Identifier: MIT
#include "daemon/http/metrics_server.hpp"

#include <chrono>
#include <string_view>
#include <utility>

#include "daemon/http/look_page.hpp"
#include "daemon/http/metrics_text.hpp"

namespace kanhu {
namespace {

// Whoever asks more often gets the same text: one for all slow readers, and one look at every camera a second.
constexpr auto kMetricsFresh = std::chrono::seconds(1);
constexpr const char* kPage = "text/html; charset=utf-8";

HttpAnswer text_answer(int status, std::string text) { return {status, std::move(text)}; }

bool is_source_id(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 32 || !letter(text.front())) return false;
  for (const char each : text)
    if (!letter(each) && each != '_' && each != '-') return false;
  return true;
}

// /look, /look/SOURCE or /look/SOURCE.json
bool is_look_path(std::string_view path) {
  if (path == "/look") return true;
  if (!path.starts_with("/look/")) return false;
  path.remove_prefix(std::string_view("/look/").size());
  if (path.ends_with(".json")) path.remove_suffix(std::string_view(".json").size());
  return is_source_id(path);
}

// /metrics, /readyz and /look. Thread: the answering thread.
class Answers {
 public:
  Answers(std::function<Json()> info, std::function<bool()> ready, MetricsServer::Look look)
      : info_(std::move(info)), ready_(std::move(ready)), look_(std::move(look)) {}

  HttpAnswerPtr answer(const HttpAsked& asked) {
    if (asked.path == "/readyz") {
      const bool is_ready = ready_();
      return shared(text_answer(is_ready ? 200 : 503, is_ready ? "ready\n" : "not ready\n"));
    }
    const bool is_look = look_ && is_look_path(asked.path);
    if (asked.path != "/metrics" && !is_look) return shared(text_answer(404, "not found\n"));
    if (!is_loopback_host(asked.host)) return shared(with_look_headers(text_answer(403, "ask by 127.0.0.1, [::1] or localhost\n")));
    return is_look ? shared(with_look_headers(look(asked.path))) : metrics();
  }

 private:
  static HttpAnswerPtr shared(HttpAnswer answer) { return std::make_shared<HttpAnswer>(std::move(answer)); }
  static HttpAnswer with_look_headers(HttpAnswer answer) {
    answer.headers = {{"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Content-Security-Policy", look_page_policy()}};
    return answer;
  }

  HttpAnswerPtr metrics() {
    const auto now = std::chrono::steady_clock::now();
    if (!metrics_ || now - metrics_made_ >= kMetricsFresh) {
      metrics_ = shared({200, metrics_text(info_()), "text/plain; version=0.0.4", {{"X-Content-Type-Options", "nosniff"}}});
      metrics_made_ = now;
    }
    return metrics_;
  }

  // The path is_look_path.
  HttpAnswer look(std::string_view path) const {
    path.remove_prefix(std::string_view("/look").size());
    if (path.empty())
      return look_at(Json::object(), [](const Json& seen) { return HttpAnswer{200, look_list_page(member(seen, "sources")), kPage}; });
    path.remove_prefix(1);
    const bool as_json = path.ends_with(".json");
    if (as_json) path.remove_suffix(std::string_view(".json").size());
    return look_at({{"source", path}}, [&](const Json& seen) {
      return as_json ? HttpAnswer{200, canonical_json(member(seen, "look")), "application/json"}
                     : HttpAnswer{200, look_source_page(std::string(path)), kPage};
    });
  }

  template <typename Page>
  HttpAnswer look_at(const Json& request, Page page) const {
    const Result<Json> seen = look_(request);
    if (seen) return page(*seen);
    const bool none = seen.error().kind == ErrorKind::kNotFound || seen.error().kind == ErrorKind::kInvalidArgument;
    return text_answer(none ? 404 : 503, seen.error().message + "\n");
  }

  const std::function<Json()> info_;
  const std::function<bool()> ready_;
  const MetricsServer::Look look_;
  HttpAnswerPtr metrics_;
  std::chrono::steady_clock::time_point metrics_made_{};
};

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(const std::string& listen, std::function<Json()> info,
                                                           std::function<bool()> ready, Look look) {
  const auto answers = std::make_shared<Answers>(std::move(info), std::move(ready), std::move(look));
  HttpServer::Routes routes;
  routes.at_once = [](const HttpAsked& asked) { return asked.path == "/healthz" ? std::optional(text_answer(200, "ok\n")) : std::nullopt; };
  routes.answer = [answers](const HttpAsked& asked) { return answers->answer(asked); };
  auto server = HttpServer::open(listen, std::move(routes));
  if (!server) return fail(server.error().kind, "metrics.listen: " + server.error().message);
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(*server)));
}

}  // namespace kanhu
