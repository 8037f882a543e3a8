// SPDX-License-Identifier: MIT
// What others ask of the gateway: sockets, readiness, where the journal stands.
#include <unistd.h>

#include "daemon/gateway/gateway.hpp"
#include "daemon/query/info_answer.hpp"

namespace kanhu {

void Gateway::open_queries() {
  queries_ = std::make_unique<QueryService>(
      *files_, folder_, clock_, thermal_, missing_clips_,
      QueryService::Upcalls{[this] { return config(); }, [this] { return head(); }, [this] { return state(); }, [this] { return info(); },
                            [this](const std::string& subject) { return clip_of(subject); },
                            [this](const relay::AskPicture& ask) { return cameras_->try_tell(ask); },
                            [this](std::vector<EventDraft> events) {
                              return journalled([&] {
                                for (EventDraft& event : events) note(std::move(event));
                              });
                            }});
}

Result<void> Gateway::open_sockets() {
  if (auto listens = queries_->listen(config()->publish, gate_.get()); !listens) return listens;
  if (const std::string listen = config()->metrics.listen; !listen.empty()) {
    auto metrics = MetricsServer::open(
        listen, [this] { return info(); }, [this] { return is_ready(); },
        [this](const Json& request) { return queries_->look_here(request); });
    if (!metrics) return tl::make_unexpected(metrics.error());
    metrics_ = std::move(*metrics);
  }
  const Json endpoints{{"live", publisher_->live_endpoint()},
                       {"query", queries_->endpoint()},
                       {"public_key", gate_ ? gate_->public_key() : ""},
                       {"metrics", metrics_ ? metrics_->endpoint() : ""},
                       {"pid", ::getpid()}};
  return folder_.write_endpoints(*files_, endpoints);
}

journal::JournalHead Gateway::head() const {
  std::scoped_lock lock(head_mutex_);
  return journal_ ? journal_->head() : last_head_;
}

Result<Json> Gateway::state() {
  return rules_->ask(
      [this](const rules::Rules& rules) {
        const journal::JournalHead now = head();
        return Json{{"epoch", now.epoch}, {"seq", now.seq}, {"state", rules.state()}};
      },
      std::chrono::seconds(2));
}

std::string Gateway::clip_of(const std::string& subject) {
  const auto found = rules_->ask([subject](const rules::Rules& rules) { return Json(rules.clip_of(subject)); }, std::chrono::seconds(1));
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

Json Gateway::info() {
  const ConfigPtr running = config();
  const journal::JournalHead now = head();
  const std::vector<Workers::View> workers = worker_views();
  return info_of({*running, camera_stats_, thermal_, *journal_, now, *publisher_, gate_.get(), *galleries_, *ledger_, workers,
                  started_wall_, started_, cameras_enabled_.load(), cameras_up_.load()},
                 clock_.mono());
}

bool Gateway::is_ready() const {
  for (const Workers::View& view : worker_views()) {
    if (!view.running && !view.retired) return false;
  }
  return true;
}

}  // namespace kanhu
