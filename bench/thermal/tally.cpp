// SPDX-License-Identifier: MIT
#include "bench/thermal/tally.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace kanhu::bench {
namespace {

constexpr int kDraws = 2000;

double share_or_one(std::size_t part, std::size_t whole) { return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole); }

void tally_frame(const ThermalTruth& truth, const ThermalAnswer& answer, ThermalTally& tally) {
  const bool unknown = answer.state == Presence::kUnknown, present = answer.state == Presence::kPresent;
  if (unknown && truth.unknown_allowed) {
    ++tally.unknown_allowed;
    return;
  }
  ++tally.frames;
  const bool there = truth.people > 0;
  if (there) ++tally.with_people;
  if (there && present) ++tally.hits;
  if (there && !present) ++tally.missed;
  if (!there && present) ++tally.false_present;
  if (unknown) ++tally.unknown;
  if (unknown && !there) ++tally.unknown_empty;
  if (!truth.counted) return;
  const auto error = static_cast<std::size_t>(std::abs((present ? answer.people : 0) - truth.people));
  ++tally.counted;
  tally.count_error += error;
  if (!there || truth.people > 4) return;
  tally.few_people += static_cast<std::size_t>(truth.people);
  tally.few_error += error;
  ++tally.few_frames;
  if (error > 0) ++tally.few_wrong;
}

// What needs the order of frames: runs and waits.
class Runs {
 public:
  Runs(double period_s, ThermalTally& tally) : period_s_(period_s), tally_(tally) {}

  void frame(const ThermalTruth& truth, const ThermalAnswer& answer) {
    if (truth.people == ThermalTruth::kNotLabelled) {
      forget();
      return;
    }
    const bool there = truth.people > 0, present = answer.state == Presence::kPresent;
    if (there && !was_there_) {
      waiting_ = true;
      since_ = truth.seconds;
      at_start_ = !seen_empty_;
    }
    if (waiting_ && present) wait_is(truth.seconds - since_);
    if (!there && waiting_) wait_is(std::numeric_limits<double>::infinity());
    if (!there) {
      seen_empty_ = true;
      tally_.empty_s += period_s_;
    }
    absent_s_ = there && answer.state == Presence::kAbsent ? absent_s_ + period_s_ : 0;
    tally_.longest_absent_s = std::max(tally_.longest_absent_s, absent_s_);
    if (present && !was_present_) false_run_ = !there;
    if (there) false_run_ = false;
    if (!present && was_present_) visit_ends();
    was_there_ = there;
    was_present_ = present;
  }

  void end() {
    if (was_present_) visit_ends();
    if (waiting_) wait_is(std::numeric_limits<double>::infinity());
  }

 private:
  void visit_ends() {
    if (std::exchange(false_run_, false)) ++tally_.false_visits;
  }
  void wait_is(double seconds) {
    (at_start_ ? tally_.first_waits_s : tally_.waits_s).push_back(seconds);
    waiting_ = false;
  }
  // Nothing is known here: who comes out of it has been there for a time that nobody knows.
  void forget() {
    false_run_ = waiting_ = false;
    absent_s_ = 0;
    was_there_ = true;
  }

  double period_s_;
  ThermalTally& tally_;
  bool was_there_ = false, was_present_ = false, waiting_ = false, at_start_ = false, seen_empty_ = false, false_run_ = false;
  double since_ = 0, absent_s_ = 0;
};

}  // namespace

double ThermalTally::precision() const { return share_or_one(hits, hits + false_present); }
double ThermalTally::recall() const { return share_or_one(hits, hits + missed); }
double ThermalTally::f1() const { return share_or_one(2 * hits, 2 * hits + missed + false_present); }

void ThermalTally::add(const ThermalTally& other) {
  for (const auto member : {&ThermalTally::frames, &ThermalTally::with_people, &ThermalTally::hits, &ThermalTally::missed,
                            &ThermalTally::false_present, &ThermalTally::unknown, &ThermalTally::unknown_empty,
                            &ThermalTally::unknown_allowed, &ThermalTally::counted, &ThermalTally::count_error, &ThermalTally::few_people,
                            &ThermalTally::few_error, &ThermalTally::few_frames, &ThermalTally::few_wrong, &ThermalTally::false_visits})
    this->*member += other.*member;
  empty_s += other.empty_s;
  longest_absent_s = std::max(longest_absent_s, other.longest_absent_s);
  waits_s.insert(waits_s.end(), other.waits_s.begin(), other.waits_s.end());
  first_waits_s.insert(first_waits_s.end(), other.first_waits_s.begin(), other.first_waits_s.end());
}

ThermalTally tally_of(std::span<const ThermalTruth> truths, std::span<const ThermalAnswer> answers, double rate) {
  ThermalTally tally;
  Runs runs(rate > 0 ? 1 / rate : 0, tally);
  for (std::size_t i = 0; i < truths.size(); ++i) {
    if (truths[i].people != ThermalTruth::kNotLabelled) tally_frame(truths[i], answers[i], tally);
    runs.frame(truths[i], answers[i]);
  }
  runs.end();
  return tally;
}

Interval bootstrap_interval(std::size_t recordings, const std::function<double(std::span<const std::size_t>)>& figure) {
  if (recordings < 2) return {0, 0};
  // Splitmix64 (Steele, Lea and Flood, 2014): the same draws everywhere.
  std::uint64_t state = 1;
  const auto draw = [&] {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<std::size_t>((z ^ (z >> 31)) % recordings);
  };
  std::vector<double> figures;
  std::vector<std::size_t> drawn(recordings);
  for (int i = 0; i < kDraws; ++i) {
    for (auto& one : drawn) one = draw();
    figures.push_back(figure(drawn));
  }
  std::sort(figures.begin(), figures.end());
  return {figures[kDraws / 40], figures[kDraws - 1 - kDraws / 40]};
}

}  // namespace kanhu::bench
