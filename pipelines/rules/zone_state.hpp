// SPDX-License-Identifier: MIT
// What the rules know about one zone, from everything that watches it.
#pragma once

#include <string>
#include <vector>

#include "pipelines/observation.hpp"
#include "pipelines/rules/change_rate.hpp"

namespace kanhu::rules {

struct Context;
struct CameraState;
struct Stamp;

// Presence of a zone, three-valued: somebody is there when one device sees somebody; nobody is there when every device that could tell
// says so; else it is unknown. A source whose silence does not mean that nobody is there (config/detectors.hpp) only ever adds somebody.
struct ZoneState {
  std::string facility, zone;
  std::vector<std::string> sources;  // that watch it, in order of their ids
  Presence state = Presence::kUnknown;
  std::string reason = "starting";  // of the first device that cannot tell
  bool silent = false;              // unknown only because those who could add somebody see nobody
  int count = 0;                    // the most one device sees
  WallTime since{};
  std::string subject;                   // of the open incident of a zone that several devices watch
  Presence judged = Presence::kUnknown;  // by its devices; `state` is unknown while that changes too often
  ChangeRate changes;

  // What is sampled: how much of it was known, and how full it was.
  WallTime counted_to{}, sampled_at{};
  double known_s = 0, person_s = 0, present_s = 0;
  int most = 0;
};

// The presence of one device in a zone is another one, at `stamp`. For a zone that several devices watch, presence events of the zone
// itself (source "-") follow; a zone of one device has that device's events alone.
void fuse(Context& context, const std::string& facility, const std::string& zone, const Stamp& stamp);
// The zones of the configuration as it is now; incidents of zones that are gone, or watched by one device only, end.
void enrol_zones(Context& context, const Stamp& stamp);
// Samples of zones whose time has come (occupancy.sampled).
void sample_zones(Context& context);
// Tells what is so of zones that changed too often and are calm again.
void advance_zones(Context& context);
void forget_zones(Context& context);

}  // namespace kanhu::rules
