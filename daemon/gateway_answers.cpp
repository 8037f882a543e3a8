// What a gateway answers about itself: `state`, `info`, `look`, readiness; on the query socket and over HTTP.
#include <unistd.h>

#include "daemon/build_info.hpp"
#include "daemon/gateway.hpp"
#include "daemon/look_answer.hpp"
#include "daemon/visible.hpp"

namespace kanhu {
namespace {

Json access_json(const publish::Gate* gate) {
  if (gate == nullptr) return Json::object();
  const publish::GateStats stats = gate->stats();
  return {{"keys", stats.subscribers}, {"admitted", stats.admitted}, {"refused", stats.refused}};
}

}  // namespace

Result<void> Gateway::open_sockets() {
  const ConfigPtr config = config_.with([](const ConfigPtr& value) { return value; });
  publish::QueryServer::Requests requests;
  const auto at_once = [&requests](const char* name, auto function) {
    requests.emplace(name, publish::answered_at_once(name, std::move(function)));
  };
  at_once("state", [this](const Json&, const publish::Asker& asker) -> Result<Json> { return state_answer(asker.rights); });
  at_once("info", [this](const Json&, const publish::Asker& asker) -> Result<Json> {
    if (!asker.rights.sees_all())
      return fail(ErrorKind::kUnauthorized, "info is of the whole gateway, and this key sees only some facilities");
    return Json{{"info", info_answer()}};
  });
  requests.emplace("clip", [this](const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
    clip_answer_->ask(request, asker, reply);
  });
  requests.emplace("picture", [this](const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
    picture_answer_->ask(request, asker, reply);
  });
  at_once("look", [this](const Json& request, const publish::Asker& asker) { return look_answer(request, asker.rights); });
  requests.emplace("fetch", [this](const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
    fetch_answer_->ask(request, asker, reply);
  });
  auto query = publish::QueryServer::open(config->publish, std::move(requests), gate_.get());
  if (!query) return tl::make_unexpected(query.error());
  query_ = std::move(*query);
  if (!config->metrics.listen.empty()) {
    auto metrics = MetricsServer::open(
        config->metrics.listen, [this] { return info_answer(); }, [this] { return is_ready(); },
        [this](const Json& request) { return look_answer(request, publish::Rights::all()); });
    if (!metrics) return tl::make_unexpected(metrics.error());
    metrics_ = std::move(*metrics);
  }
  const Json endpoints{{"live", publisher_->live_endpoint()},
                       {"query", query_->endpoint()},
                       {"public_key", gate_ ? gate_->public_key() : ""},
                       {"metrics", metrics_ ? metrics_->endpoint() : ""},
                       {"pid", ::getpid()}};
  return folder_.write_endpoints(*files_, endpoints);
}

publish::JournalHead Gateway::head() const {
  std::scoped_lock lock(head_mutex_);
  return journal_ ? journal_->head() : last_head_;
}

Json Gateway::state_answer(const publish::Rights& rights) {
  Json answer = rules_->ask(
      [this](const rules::Rules& rules) {
        const publish::JournalHead now = head();
        return Json{{"epoch", now.epoch}, {"seq", now.seq}, {"state", rules.state()}};
      },
      std::chrono::seconds(2));
  if (answer.is_object()) answer["state"] = visible_state(std::move(answer["state"]), rights);
  return answer;
}

Json Gateway::info_answer() {
  const ConfigPtr config = config_.with([](const ConfigPtr& value) { return value; });
  const publish::JournalHead now = head();
  const publish::JournalStats journal = journal_->stats();
  const publish::PublisherStats published = publisher_->stats();
  const auto [wait, work] = board_.latencies(clock_.mono());
  Json cameras = Json::object();
  for (const auto& [id, row] : board_.rows(clock_.mono())) cameras[id] = to_json(row);
  Json workers = Json::array();
  for (const Workers::View& view : workers_->view()) {
    workers.push_back({{"pid", view.pid},
                       {"running", view.running},
                       {"restarts", view.restarts},
                       {"resident_bytes", view.resident_bytes},
                       {"last_cause", view.last_cause}});
  }
  return {{"gateway",
           {{"id", config->gateway.id},
            {"build", provenance_build()},
            {"pid", ::getpid()},
            {"started", format_utc(started_wall_)},
            {"uptime_s", round4(to_seconds(clock_.mono() - started_))},
            {"config", config->digest},
            {"cameras", cameras_enabled_.load()},
            {"cameras_up", cameras_up_.load()}}},
          {"journal",
           {{"epoch", now.epoch},
            {"seq", now.seq},
            {"durable_seq", now.durable_seq},
            {"accepted", journal.accepted},
            {"durable", journal.durable},
            {"not_durable", journal.not_durable},
            {"commits", journal.commits},
            {"bytes", journal.bytes}}},
          {"publish",
           {{"published", published.published},
            {"heads", published.heads},
            {"queue_drops", published.queue_drops},
            {"subscribers", published.subscribers},
            {"cut_off", published.cut_off}}},
          {"access", access_json(gate_.get())},
          {"latency",
           {{"wait_for_analysis", latency_json(wait)},
            {"analysis", latency_json(work)},
            {"commit", latency_json(journal.commit)},
            {"capture_to_socket", latency_json(published.capture_to_socket)},
            {"capture_to_receipt", latency_json(published.capture_to_receipt)}}},
          {"faces", {{"galleries", galleries_->info()}, {"ledger", {{"written", ledger_->written()}, {"lost", ledger_->lost()}}}}},
          {"workers", workers},
          {"infrared", look_list(*config, thermal_, clock_.mono())},
          {"cameras", cameras}};
}

Result<Json> Gateway::look_answer(const Json& request, const publish::Rights& rights) {
  const ConfigPtr config = visible_config(config_.with([](const ConfigPtr& value) { return value; }), rights);
  const auto source = request.find("source");
  if (source == request.end()) return Json{{"sources", look_list(*config, thermal_, clock_.mono())}};
  if (!source->is_string())
    return fail(ErrorKind::kInvalidArgument, R"("source" is the id of an infrared source; without it all of them are listed)");
  return look_at(*config, thermal_, source->get<std::string>(), clock_.mono()).map([](Json seen) {
    return Json{{"look", std::move(seen)}};
  });
}

bool Gateway::is_ready() const {
  for (const Workers::View& view : workers_->view()) {
    if (!view.running) return false;
  }
  return true;
}

}  // namespace kanhu
