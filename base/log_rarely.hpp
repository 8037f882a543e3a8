// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace kanhu::publish {

// For log lines that a third party can cause: at most one in ten seconds, with the number of times it would have been said.
// Thread: confined.
class SayRarely {
 public:
  // How often it has happened since it was last said, this time included; nothing: be silent.
  std::optional<std::uint64_t> once_more(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) {
    ++unsaid_;
    if (said_ && now - *said_ < std::chrono::seconds(10)) return std::nullopt;
    said_ = now;
    return std::exchange(unsaid_, 0);
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> said_;
  std::uint64_t unsaid_ = 0;
};

}  // namespace kanhu::publish
