// SPDX-License-Identifier: MIT
// People in infrared: who is there, who is not, and when it cannot be told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"
#include "media/detection.hpp"
#include "media/thermal_frame.hpp"

namespace kanhu::models {

// Metres a pixel at the height of a seated person's shoulders (1.1 m), by row of a `width` x `height` picture, from how the sensor
// hangs (pinhole camera; row 0 is the farther side of a tilted one). What is not said: 2.7 m above the floor, straight down, and the
// lens usual for that size. Rays that meet that height farther than 8 m away, or never, count as 8 m away.
std::vector<double> pixel_pitch_m(const MountConfig& mount, int width, int height);

struct ThermalPresenceOptions {
  double pixel_pitch_m = 0;  // of all rows; 0: from `mount`
  MountConfig mount;
  double least_heat_k_m2 = 0.45;  // warmth above the room times area that a person has at least: a seated one has about 1.2,
                                  // one half in a door 0.6, a cat or a cup of tea under 0.4
  double hottest_person_c = 40;   // apparent temperature; what is hotter is a thing. Radiometric frames only
  double too_warm_room_c = 31;    // skin is at 33 to 35: nearer than 2 to 4 K nobody can be told from the room. Radiometric only
};

struct ThermalResult {
  Presence state = Presence::kUnknown;
  std::string reason;  // why unknown: starting, too_warm, stuck, lost_sight, not_yet_clear, unreadable, or the frame's own
  std::vector<ThermalPerson> people;
  std::vector<HotSpot> hot_spots;
};

// Background subtraction that learns a place only while nobody is there (thermal_background.hpp), and a judgement of everything warm
// by how it came and how it lives (thermal_tracks.hpp). During a calibration pause, and for two seconds after, what was known holds.
// Thread: confined.
class ThermalPresence {
 public:
  explicit ThermalPresence(const ThermalPresenceOptions& options);
  ~ThermalPresence();
  ThermalPresence(ThermalPresence&&) noexcept;
  ThermalPresence& operator=(ThermalPresence&&) noexcept;

  // `time` rises from frame to frame. A frame of another size or kind starts anew.
  ThermalResult look(const ThermalFrame& frame, MediaTime time);

 private:
  class Room;
  std::unique_ptr<Room> room_;
};

}  // namespace kanhu::models
