// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <variant>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "pipelines/identify/identifier.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu {

// The `rules` thread: the only one that touches Rules and, before them, the Identifier that says whose a face is. Observations and pieces
// of work are taken in the order they came; once a second the rules learn what time it is. Queue: 8,192 items; full: the caller waits,
// which holds the workers' analysis back (a rule never waits for disk or network, so this lasts milliseconds). Closes in the destructor
// after what is queued has been done. An observation or piece of work that throws is lost alone. Thread: observe, post and ask from any
// thread but its own.
class RulesThread final : public ObservationSink {
 public:
  using Work = std::function<void(rules::Rules&)>;
  using FaceWork = std::function<void(identify::Identifier&)>;
  using Onlooker = std::function<void(const Observation&)>;

  // `each_second` runs on this thread after the rules have learnt the time; `ledger` takes what decisions about faces rest on;
  // `onlooker` sees every observation there before it is judged.
  RulesThread(const ConfigPtr& config, rules::RulesSink& sink, const Clock& clock, Work each_second, identify::Identifier::Record ledger,
              Onlooker onlooker);
  ~RulesThread() override;

  void observe(Observation observation) override;
  void post(Work work);
  void post_faces(FaceWork work);
  // Until everything that was asked for before has been done.
  void wait();
  // What `question` answers. kTimeout: the thread does not come to it within `patience`; kInternal: it threw; kClosed: at the stop.
  Result<Json> ask(std::function<Json(const rules::Rules&)> question, std::chrono::milliseconds patience);
  // Counts rounds of the loop: moves at least ten times a second while the thread is well.
  std::uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }

 private:
  using Item = std::variant<Observation, Work, FaceWork>;
  void run();
  void handle(Item& item);

  const Clock& clock_;
  const Work each_second_;
  const Onlooker onlooker_;
  rules::Rules rules_;
  identify::Identifier identifier_;
  BoundedQueue<Item> queue_{8192};
  std::atomic<std::uint64_t> progress_{0};
  std::thread thread_;
};

}  // namespace kanhu
