// SPDX-License-Identifier: MIT
// The rules thread goes on whatever is thrown on it, and nobody waits for what will never come.
#include "daemon/gateway/rules_thread.hpp"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "base/fault.hpp"
#include "daemon/gateway/fault_teller.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/unit/daemon/query/infrared_rig.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

struct Nowhere final : rules::RulesSink {
  void emit(EventDraft) override {}
  void request_clip(ClipRequest) override {}
  void keep_series(rules::ThermalSeries) override {}
};

struct RulesRig {
  Nowhere sink;
  test::FakeClock clock;
  RulesThread thread{std::make_shared<const Config>(test::infrared_config()),
                     sink,
                     clock,
                     [](rules::Rules&) { throw std::runtime_error("each second"); },
                     [](identify::LedgerEntry) {},
                     [](const Observation& seen) {
                       if (seen.source == "bed-1") throw std::runtime_error("an observation");
                     }};
};

std::uint64_t faults_of_rules() {
  for (const faults::Count& each : faults::counts())
    if (each.thread == "rules") return each.times;
  return 0;
}

}  // namespace

TEST_CASE("an observation that throws costs itself, not the rules") {
  RulesRig rig;
  const std::uint64_t before = faults_of_rules();
  rig.thread.observe(test::said("bed-1", ContactObservation{true}));
  rig.thread.observe(test::said("front-door", ContactObservation{true}));
  rig.thread.post([](rules::Rules&) { throw std::runtime_error("work"); });
  rig.thread.post_faces([](identify::Identifier&) { throw 1; });
  rig.thread.wait();
  CHECK(faults_of_rules() - before >= 3);
  const auto state = rig.thread.ask([](const rules::Rules& rules) { return rules.state(); }, 20s);
  REQUIRE(state);
  CHECK(state->contains("cameras"));
}

TEST_CASE("who asks the rules is told at once when they cannot answer") {
  RulesRig rig;
  const auto answer = rig.thread.ask([](const rules::Rules&) -> Json { throw std::runtime_error("a question"); }, 1h);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::kInternal);
  const std::uint64_t seen = rig.thread.progress();
  rig.clock.advance(2s);  // the second's own work throws, too
  rig.thread.wait();
  rig.thread.wait();
  CHECK(rig.thread.progress() > seen);
}

TEST_CASE("a worker has its five seconds to come back, whatever the wall clock is set to meanwhile") {
  RulesRig rig;
  const auto word = [&] {
    rig.thread.wait();
    rig.thread.wait();  // the second that followed the first has been told
    const auto state = rig.thread.ask([](const rules::Rules& rules) { return rules.state(); }, 1h);
    return state ? state->at("cameras").at("front-door").at("state").get<std::string>() : state.error().message;
  };
  rig.thread.wait();
  rig.thread.post([&](rules::Rules& rules) { rules.worker_lost({"front-door"}, rig.clock.wall(), "it was killed"); });
  CHECK(word() == "not_analysed");
  rig.clock.step_wall(24h);
  rig.clock.advance(2s);
  CHECK(word() == "not_analysed");
  rig.clock.step_wall(-48h);
  rig.clock.advance(2s);
  CHECK(word() == "not_analysed");
  rig.clock.advance(2s);
  CHECK(word() == "offline");
}

TEST_CASE("a fault is an event at once, and one a minute when it comes again and again") {
  FaultTeller teller;
  const MonoTime now{};
  CHECK(teller.due({}, now).empty());
  REQUIRE(teller.due({{"rules", 3, "x"}}, now).size() == 1);
  CHECK(teller.due({{"rules", 3, "x"}}, now + 2min).empty());
  CHECK(teller.due({{"rules", 3, "x"}, {"query", 1, "y"}}, now + 2min).size() == 1);
  REQUIRE(teller.due({{"rules", 9, "x"}, {"query", 500, "y"}}, now + 2min + 59s).size() == 1);
  const auto due = teller.due({{"rules", 10, "x"}, {"query", 900, "y"}}, now + 3min);
  REQUIRE(due.size() == 1);
  CHECK(due[0].thread == "query");
  CHECK(due[0].times == 900);
}

}  // namespace kanhu
