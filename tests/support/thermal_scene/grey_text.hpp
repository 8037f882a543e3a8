// SPDX-License-Identifier: MIT
// What a camera writes into its picture.
#pragma once

#include <cstddef>
#include <functional>

namespace kanhu::thermal_scene {

// A clock with seconds above on the left, a name below on the right, a crosshair in the middle; `paint` gets the index of each pixel.
void write_text(double seconds, int width, int height, const std::function<void(std::size_t)>& paint);

}  // namespace kanhu::thermal_scene
