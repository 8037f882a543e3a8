// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "daemon/commands/watch/feed.hpp"
#include "pipelines/publish/client/gap_check.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "tests/support/demo/children.hpp"
#include "tests/support/demo/expectations.hpp"
#include "tests/support/demo/ledger.hpp"
#include "tests/support/demo/plan.hpp"
#include "tests/support/demo/stage.hpp"

namespace kanhu::demo {

// What the office's secret holds; the simulated camera wants another. It must never come out again.
inline constexpr const char* kWrongPassword = "wrong-donkey-17";

struct Options {
  int duration_seconds = 0;  // 0: until a signal
  std::string faces, models;
  std::string kanhu, simulator;  // programs
  std::string config, run_dir;
};

// Simulated cameras and a gateway, a feed of what the gateway says, and in the end the proof that what was let happen
// was told: nothing lost, nothing repeated, every incident ended, every clip there or with a reason.
// Thread: confined.
class Demo {
 public:
  explicit Demo(Options options);
  // Exit code: 0 when everything that was due really happened.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  Result<void> set_the_stage();
  Result<void> start_gateway();
  void print_head();
  Result<void> play();
  Result<void> look_after(Clock::time_point now);
  void advance_plan(Clock::time_point now);
  void perform(const PlanItem& item);
  void listen(std::chrono::milliseconds patience);
  void catch_up(bool print);
  void show_status(Clock::time_point now);
  bool is_time_to_end(Clock::time_point now);
  void begin_enrolment();
  void await_enrolment(std::chrono::milliseconds patience);
  void note_hall_state();
  Result<void> command(const std::string& line);
  void stop();
  int sum_up(bool interrupted);
  std::vector<Check> check_files();
  void print_next_steps(bool running);
  void planned(const std::string& words);

  Options options_;
  std::string config_path_, log_path_;
  Ports ports_;
  std::optional<Child> simulator_, gateway_, enrolment_;
  std::unique_ptr<publish::Subscriber> subscriber_;
  Feed feed_;
  GapCheck gaps_;
  CpuMeter cpu_;
  Ledger ledger_;
  Plan plan_;
  Progress progress_;
  std::vector<std::string> faults_;  // of the demo itself: a process that ended, a command that failed
  bool with_plan_ = true, stopped_in_order_ = false, said_overtime_ = false, said_next_steps_ = false;
  Clock::time_point begun_{}, first_message_{}, status_due_{}, gateway_started_{};
  std::optional<Clock::time_point> catch_up_at_;
};

// Empty when the gateway can compare faces; else what it has no weights for.
std::string why_nobody_is_compared(const std::string& kanhu, const std::string& models);

// SIGINT, SIGTERM and SIGHUP are counted instead of ending the program.
void count_signals();

}  // namespace kanhu::demo
