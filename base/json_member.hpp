// SPDX-License-Identifier: MIT
#pragma once

#include "base/json.hpp"

namespace kanhu {

// The member of that name; null when there is none, or `object` is no object.
inline const Json& member(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

}  // namespace kanhu
