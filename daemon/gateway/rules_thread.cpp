// SPDX-License-Identifier: MIT
#include "daemon/gateway/rules_thread.hpp"

#include <future>
#include <memory>
#include <utility>

#include "base/fault.hpp"
#include "base/overloaded.hpp"
#include "base/thread_name.hpp"

namespace kanhu {

RulesThread::RulesThread(const ConfigPtr& config, rules::RulesSink& sink, const Clock& clock, Work each_second,
                         identify::Identifier::Record ledger, Onlooker onlooker)
    : clock_(clock),
      each_second_(std::move(each_second)),
      onlooker_(std::move(onlooker)),
      rules_(config, sink),
      identifier_(
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
  // Only the queue holds the promise: should it never be kept, the wait ends all the same.
  auto done = std::make_shared<std::promise<void>>();
  const auto future = done->get_future();
  post([done = std::move(done)](rules::Rules&) { done->set_value(); });
  future.wait();
}

Result<Json> RulesThread::ask(std::function<Json(const rules::Rules&)> question, std::chrono::milliseconds patience) {
  auto answer = std::make_shared<std::promise<Json>>();
  auto future = answer->get_future();
  const bool posted = queue_.push(
      Work([answer = std::move(answer), question = std::move(question)](rules::Rules& rules) { answer->set_value(question(rules)); }));
  if (!posted) return fail(ErrorKind::kClosed, "the gateway stops");
  if (future.wait_for(patience) != std::future_status::ready)
    return fail(ErrorKind::kTimeout, "the gateway is too busy to answer now; ask again");
  try {
    return future.get();
  } catch (const std::future_error&) {
    // The question threw, which is noted, and with it went the promise.
    return fail(ErrorKind::kInternal, "the rules could not answer; the gateway's log says why");
  }
}

void RulesThread::handle(Item& item) {
  std::visit(Overloaded{
                 [&](const Observation& observation) {
                   onlooker_(observation);
                   identifier_.observe(observation);
                 },
                 [&](const Work& work) { work(rules_); },
                 [&](const FaceWork& work) { work(identifier_); },
             },
             item);
}

void RulesThread::run() {
  name_this_thread("rules");
  const WallTime began_at = clock_.wall();
  const MonoTime began = clock_.mono();
  const auto tell = [&](MonoTime now) { rules_.steady(began_at + std::chrono::floor<WallTime::duration>(now - began)); };
  MonoTime advanced = began;
  for (;;) {
    auto item = queue_.pop_for(std::chrono::milliseconds(100));
    if (!item && queue_.closed()) return;
    tell(clock_.mono());
    if (item) faults::contained("rules", [&] { handle(*item); });
    if (const MonoTime now = clock_.mono(); now - advanced >= std::chrono::seconds(1)) {
      advanced = now;
      tell(now);
      faults::contained("rules", [&] { rules_.advance(clock_.wall()); });
      faults::contained("rules", [&] { each_second_(rules_); });
    }
    progress_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace kanhu
