#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <variant>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "pipelines/identify/desk.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu {

// The `rules` thread: the only one that touches Rules and, before them, the Desk that says whose a face is. Observations and pieces of work
// are taken in the order they came; once a second the rules learn what time it is. Queue: 8,192 items; full: the caller waits, which holds
// the workers' analysis back (a rule never waits for disk or network, so this lasts milliseconds). Closes in the destructor after what is
// queued has been done. Thread: observe, post and ask from any thread but its own.
class RulesThread final : public ObservationSink {
 public:
  using Work = std::function<void(rules::Rules&)>;
  using FaceWork = std::function<void(identify::Desk&)>;
  using Onlooker = std::function<void(const Observation&)>;

  // `each_second` runs on this thread after the rules have learnt the time; `ledger` takes what decisions about faces rest on;
  // `onlooker` sees every observation there before it is judged.
  RulesThread(const ConfigPtr& config, rules::RulesSink& sink, const Clock& clock, Work each_second, identify::Desk::Record ledger,
              Onlooker onlooker);
  ~RulesThread() override;

  void observe(Observation observation) override;
  void post(Work work);
  void post_faces(FaceWork work);
  // Until everything that was asked for before has been done.
  void wait();
  // What `question` answers, or null when the thread does not come to it within `patience`.
  Json ask(std::function<Json(const rules::Rules&)> question, std::chrono::milliseconds patience);
  // Counts rounds of the loop: moves at least ten times a second while the thread is well.
  std::uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }

 private:
  void run();

  const Clock& clock_;
  const Work each_second_;
  const Onlooker onlooker_;
  rules::Rules rules_;
  identify::Desk desk_;
  BoundedQueue<std::variant<Observation, Work, FaceWork>> queue_{8192};
  std::atomic<std::uint64_t> progress_{0};
  std::thread thread_;
};

}  // namespace kanhu
