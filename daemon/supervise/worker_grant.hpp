// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <set>
#include <string>

#include "pipelines/relay/message.hpp"

namespace kanhu {

// What one assignment of a camera allows its worker to say, by what the source is: whoever looks for nobody tells of nobody, and whoever
// cannot know that nobody is there never says so. Pure. Thread: any.
struct WorkerGrant {
  std::set<std::string> facilities;
  std::set<std::string> zones;   // of tracks and presence; the zone without a name stands for a source without zones
  std::set<std::string> labels;  // of tracks
  std::array<bool, 2> roles{};   // sessions
  bool given = false;
  bool sensor = false;     // its runs are its broker's connections
  bool presence = false;   // it tells of people
  bool absence = false;    // its silence means that nobody is there
  bool sightless = false;  // detector none: it says that it does not know, and nothing else
  bool faces = false, thermal = false, contact = false;

  // All that either allows.
  void add(const WorkerGrant& more);
  // Why it does not allow `observation`; empty: it does.
  std::string refuses(const Observation& observation) const;
};

WorkerGrant grant_of(const relay::Assign& assign);

}  // namespace kanhu
