// SPDX-License-Identifier: MIT
#include "pipelines/sense/password_ration.hpp"

#include <fmt/format.h>

namespace kanhu::sense {
namespace {

constexpr int kRefusalsUntilHourly = 5;

}  // namespace

std::chrono::milliseconds PasswordRation::refused(std::uint64_t random) {
  pause_ = std::chrono::ceil<std::chrono::milliseconds>(backoff_.next(random));
  if (backoff_.attempts() >= kRefusalsUntilHourly) pause_ = std::chrono::hours(1);
  return pause_;
}

std::string PasswordRation::words() const {
  const int times = backoff_.attempts();
  return fmt::format("refused {} time{}; tried again within {} min, at once when the secret or the configuration changes", times,
                     times == 1 ? "" : "s", std::chrono::ceil<std::chrono::minutes>(pause_).count());
}

void PasswordRation::reset() { backoff_.reset(); }

}  // namespace kanhu::sense
