// SPDX-License-Identifier: MIT
#include "pipelines/analyze/geometry.hpp"

#include <algorithm>
#include <cstddef>

namespace kanhu::analyze {

bool contains(const Polygon& polygon, Point point) {
  if (polygon.empty()) return true;
  bool inside = false;
  for (std::size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point& a = polygon[i];
    const Point& b = polygon[j];
    if ((a.y > point.y) == (b.y > point.y)) continue;
    if (point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

Point foot_point(const Box& box, const std::string& label, bool from_above) {
  // A person cut off by the lower edge has the foot at exactly 1.0, which a polygon drawn to that edge would not hold.
  constexpr double kLast = 1.0 - 1e-6;
  const double y = label == "face" || from_above ? box.y + box.height / 2 : box.y + box.height;
  return {std::clamp(box.x + box.width / 2, 0.0, kLast), std::clamp(y, 0.0, kLast)};
}

std::string zone_of(const std::vector<ZoneView>& views, Point point) {
  for (const ZoneView& view : views)
    if (contains(view.polygon, point)) return view.zone;
  return {};
}

}  // namespace kanhu::analyze
