// What a gateway answers about itself: `state`, `info`, readiness.
#include <unistd.h>

#include "daemon/build_info.hpp"
#include "daemon/gateway.hpp"

namespace kanhu {

publish::JournalHead Gateway::head() const {
  std::scoped_lock lock(head_mutex_);
  return journal_ ? journal_->head() : last_head_;
}

Json Gateway::state_answer() {
  return rules_->ask(
      [this](const rules::Rules& rules) {
        const publish::JournalHead now = head();
        return Json{{"epoch", now.epoch}, {"seq", now.seq}, {"state", rules.state()}};
      },
      std::chrono::seconds(2));
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
          {"publish", {{"published", published.published}, {"heads", published.heads}, {"queue_drops", published.queue_drops}}},
          {"latency",
           {{"wait_for_analysis", latency_json(wait)},
            {"analysis", latency_json(work)},
            {"commit", latency_json(journal.commit)},
            {"capture_to_socket", latency_json(published.capture_to_socket)},
            {"capture_to_receipt", latency_json(published.capture_to_receipt)}}},
          {"faces", {{"galleries", galleries_->info()}, {"ledger", {{"written", ledger_->written()}, {"lost", ledger_->lost()}}}}},
          {"workers", workers},
          {"cameras", cameras}};
}

bool Gateway::is_ready() const {
  for (const Workers::View& view : workers_->view()) {
    if (!view.running) return false;
  }
  return true;
}

}  // namespace kanhu
