// SPDX-License-Identifier: MIT
// Observations and clip records as JSON, both directions; private to relay.
#pragma once

#include <stdexcept>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/event.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::relay {

// The `from_json` halves throw nlohmann::json exceptions or std::out_of_range; `decode` turns them into kCorrupt.
Json to_json(const Observation& observation);
Observation observation_from_json(const Json& json);

Json to_json(const ClipRequest& request);
ClipRequest clip_request_from_json(const Json& json);

Json to_json(const ClipRecord& record);
ClipRecord clip_record_from_json(const Json& json);

inline constexpr int kErrorKinds = static_cast<int>(ErrorKind::kInternal) + 1;

// An enumerator's place in a list of names; throws std::out_of_range for a number outside it.
template <typename Enum>
Enum enum_from(const Json& json, int count) {
  const int value = json.get<int>();
  if (value < 0 || value >= count) throw std::out_of_range("enumerator");
  return static_cast<Enum>(value);
}

}  // namespace kanhu::relay
