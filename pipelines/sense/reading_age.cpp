// SPDX-License-Identifier: MIT
#include "pipelines/sense/reading_age.hpp"

#include <algorithm>
#include <utility>

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kAheadAtMost = 5s;  // as in sender_clock.cpp
constexpr nanoseconds kPaceFor = 5s;
constexpr nanoseconds kPaceWithin = 2s;  // a network hands on in bunches

nanoseconds hold_of(const SensorConfig& sensor) { return sensor.kind == SensorKind::kPir ? sensor.hold : sensor.silent_after; }

}  // namespace

ReadingAge::ReadingAge(const SensorConfig& sensor) : hold_(hold_of(sensor)), speaks_always_(sensor.kind == SensorKind::kThermalArray) {}

bool ReadingAge::keeps_pace(WallTime measured, MonoTime mono) {
  const nanoseconds ahead = pace_ ? nanoseconds(measured - pace_->first) - (mono - pace_->second) : 0ns;
  if (!pace_ || std::chrono::abs(ahead) > kPaceWithin || mono - pace_heard_ > std::max(hold_, kPaceFor)) pace_.emplace(measured, mono);
  pace_heard_ = mono;
  return mono - pace_->second >= kPaceFor;
}

void ReadingAge::unreadable(const std::string& why) { fault_ = why + ": its readings count for nothing"; }

ReadingAge::Verdict ReadingAge::judge(std::optional<WallTime> measured, WallTime arrival, MonoTime mono, bool retained) {
  if (!retained) fault_.clear();
  if (!measured) return {!retained, 0ns};
  const nanoseconds age = arrival - *measured;
  if (retained) return {age < hold_ && -age <= kAheadAtMost, std::max(age, 0ns)};
  // What keeps pace is known before it is needed: a clock that is set while it runs costs no reading.
  const bool paced = speaks_always_ && keeps_pace(*measured, mono);
  if (age < hold_ && -age < hold_) return {true, std::max(age, 0ns)};
  if (paced) return {true, 0ns};
  fault_ = age > 0ns ? "its readings are older than they may be, by their own time: they count for nothing; is its clock right?"
                     : "its readings are from the future, by their own time: they count for nothing; is its clock right?";
  return {false, 0ns};
}

}  // namespace kanhu::sense
