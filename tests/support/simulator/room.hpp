// SPDX-License-Identifier: MIT
// The empty rooms and the warm figure of the simulated scenes.
#pragma once

#include <cstdint>

#include "tests/support/simulator/picture.hpp"

namespace kanhu::simulator {

// A room by daylight: wall, floor, window, door, table, a picture on the wall. `seed` moves and colours things.
Picture visible_room(int width, int height, std::uint32_t seed);

// The same room's lamp is on: a bright pool of light at the upper right, and everything a little brighter.
void add_lamp(Picture& room);

// A room in 8-bit white-hot infrared: 60 to 90, with a slightly warmer radiator.
Picture thermal_room(int width, int height, std::uint32_t seed);

// A person in white-hot, about 200 with a warmer head, `height` px high when standing.
Sprite warm_person(int height, bool sitting);

}  // namespace kanhu::simulator
