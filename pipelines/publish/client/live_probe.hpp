// SPDX-License-Identifier: MIT
// Why a subscriber hears nothing: what becomes of one more connection to a live socket.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "pipelines/publish/access/curve_keys.hpp"

namespace kanhu::publish {

enum class LiveDoor {
  kNobody,          // no connection comes about
  kOtherMechanism,  // one side asks for keys and the other has none
  kShut,            // it closes the connection without a word, or says nothing: a key it does not know, or no socket of this kind
  kOpen             // it lets us in
};

// Takes `patience` at most, and less when it is clear. A signal ends it early, with kNobody.
LiveDoor try_live(const std::string& endpoint, const std::optional<ClientKeys>& keys, std::chrono::milliseconds patience);

}  // namespace kanhu::publish
