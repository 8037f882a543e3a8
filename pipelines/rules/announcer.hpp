// SPDX-License-Identifier: MIT
// Decision -> EventDraft: what every event carries, whatever it is about.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "pipelines/event.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu::rules {

// Whom an event is about.
struct Place {
  std::string facility = "-";
  std::string source = "-";
  std::string zone;
};

// The moment something was decided, and what identifies it: the observation, or a timer.
struct Stamp {
  WallTime time{};        // of the event, in the clock of its camera
  bool captured = false;  // `time` is a frame's capture time
  MonoTime arrival{};
  std::string run;
  MediaTime pts{};
  std::uint64_t ordinal = 0;
  std::string models;
  std::optional<ClockSource> clock;
  std::chrono::microseconds clock_offset{0};
  std::chrono::microseconds clock_uncertainty{0};
  WallTime arrived{};  // `time` by this machine's clock
};

// When it arrived at this machine: the gateway's time, whatever the camera's clock says.
WallTime arrived_of(const Observation& observation);
Stamp stamp_of(const Observation& observation);
Stamp stamp_at(WallTime time);

// Name of an incident or point: content_id(kind, source, zone, run, start pts in ns, ordinal). A decision without a
// run (a timer) is named by its time instead of a pts.
std::string subject_of(std::string_view kind, const Place& place, const Stamp& stamp);

// Makes the drafts. Promises that each agrees with the table of types and phases; one that does not is a broken
// promise of our own, logged and not sent.
// Thread: confined to the rules.
class Announcer {
 public:
  explicit Announcer(RulesSink& sink) : sink_(sink) {}

  void use(ConfigPtr config) { config_ = std::move(config); }
  // `decided`: when it was said; differs from the stamp when an update was held back.
  void say(std::string_view type, Phase phase, const std::string& subject, const Place& place, const Stamp& stamp, WallTime decided,
           Json data);

  RulesSink& sink() { return sink_; }

  struct Last {
    std::string type;
    WallTime time{};
  };
  const Last* last_of(const std::string& source) const;
  void forget(const std::string& source) { last_.erase(source); }

 private:
  void describe(Json& data, const Place& place) const;

  RulesSink& sink_;
  ConfigPtr config_;
  std::map<std::string, Last> last_;  // by camera
};

// The stream analysis looks at, as configured and available.
StreamRole analysed_role(const CameraConfig& camera);
// `facility`, `camera` and `zone` of an event's data, with the names that `config` (may be nullptr) has for them.
void name_place(Json& data, const Config* config, const Place& place);

}  // namespace kanhu::rules
