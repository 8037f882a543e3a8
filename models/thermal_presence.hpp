// People in radiometric infrared: who is there, who is not, and when it cannot be told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/thermal_frame.hpp"

namespace kanhu::models {

struct ThermalPresenceOptions {
  double pixel_pitch_m = 0.2;     // metres a pixel at the height of people, from mounting height and lens
  double least_heat_k_m2 = 0.45;  // warmth above the room times area that a person has at least: a seated one has about 1.2,
                                  // one half in a door 0.6, a cat or a cup of tea under 0.4
  double hottest_person_c = 40;   // apparent temperature; what is hotter is a thing
  double too_warm_room_c = 31;    // skin is at 33 to 35: nearer than 2 to 4 K nobody can be told from the room
};

struct ThermalResult {
  Presence state = Presence::kUnknown;
  std::string reason;  // why unknown: starting, no_contrast, stuck, not_yet_clear
  std::vector<ThermalPerson> people;
  std::vector<HotSpot> hot_spots;
};

// Background subtraction that learns a place only while nobody is there (selective update, as Kaew TraKulPong and Bowden, 2001), with
// the common drift taken out by the median of the rest. What appears is followed; a person is told from a thing by how it came
// (walking in, at once; the sun and a radiator come slowly), by its heat, and by never being quite still. What somebody leaves
// behind (a warm chair) is where he was, does not move and only cools. Thread: confined.
class ThermalPresence {
 public:
  explicit ThermalPresence(const ThermalPresenceOptions& options);
  ~ThermalPresence();
  ThermalPresence(ThermalPresence&&) noexcept;
  ThermalPresence& operator=(ThermalPresence&&) noexcept;

  // `time` rises from picture to picture. A picture of another size starts anew.
  ThermalResult look(const ThermalFrame& frame, MediaTime time);

 private:
  class Room;
  std::unique_ptr<Room> room_;
};

}  // namespace kanhu::models
