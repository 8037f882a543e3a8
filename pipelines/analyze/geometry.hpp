// SPDX-License-Identifier: MIT
// Places in fractions of the picture.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "media/frame.hpp"

namespace kanhu::analyze {

// Even-odd rule (Shimrat 1962); an empty polygon is the whole picture.
bool contains(const Polygon& polygon, Point point);

// Where a detected thing stands: the bottom centre of its box, for a face its centre; pulled inside the picture.
Point foot_point(const Box& box, const std::string& label, bool from_above = false);

// The first declared view that holds the point, or "".
std::string zone_of(const std::vector<ZoneView>& views, Point point);

}  // namespace kanhu::analyze
