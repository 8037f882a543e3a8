#include "daemon/rules_thread.hpp"

#include <future>
#include <memory>
#include <utility>

#include "base/thread_name.hpp"

namespace kanhu {

RulesThread::RulesThread(const ConfigPtr& config, rules::RulesSink& sink, const Clock& clock, Work each_second,
                         identify::Desk::Record ledger, Onlooker onlooker)
    : clock_(clock),
      each_second_(std::move(each_second)),
      onlooker_(std::move(onlooker)),
      rules_(config, sink),
      desk_(
          config, [this](const Observation& observation) { rules_.observe(observation); }, std::move(ledger)),
      thread_([this] { run(); }) {}

RulesThread::~RulesThread() {
  queue_.close();
  thread_.join();
}

void RulesThread::observe(Observation observation) { queue_.push(std::move(observation)); }

void RulesThread::post(Work work) { queue_.push(std::move(work)); }

void RulesThread::post_faces(FaceWork work) { queue_.push(std::move(work)); }

void RulesThread::wait() {
  std::promise<void> done;
  auto future = done.get_future();
  post([&done](rules::Rules&) { done.set_value(); });
  future.wait();
}

Json RulesThread::ask(std::function<Json(const rules::Rules&)> question, std::chrono::milliseconds patience) {
  auto answer = std::make_shared<std::promise<Json>>();
  auto future = answer->get_future();
  post([answer, question = std::move(question)](rules::Rules& rules) { answer->set_value(question(rules)); });
  return future.wait_for(patience) == std::future_status::ready ? future.get() : Json();
}

void RulesThread::run() {
  name_this_thread("rules");
  MonoTime advanced = clock_.mono();
  for (;;) {
    auto item = queue_.pop_for(std::chrono::milliseconds(100));
    if (!item && queue_.closed()) return;
    if (item) {
      if (const auto* observation = std::get_if<Observation>(&*item)) {
        onlooker_(*observation);
        desk_.observe(*observation);
      } else if (const auto* work = std::get_if<Work>(&*item)) {
        (*work)(rules_);
      } else {
        std::get<FaceWork> (*item)(desk_);
      }
    }
    if (const MonoTime now = clock_.mono(); now - advanced >= std::chrono::seconds(1)) {
      advanced = now;
      rules_.advance(clock_.wall());
      each_second_(rules_);
    }
    progress_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace kanhu
