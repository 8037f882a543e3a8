// SPDX-License-Identifier: MIT
#include "base/secret.hpp"

#include <sodium.h>

namespace kanhu {

// A short string lives inside the object and is copied, not moved, so the moved-from object is wiped as well.
Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();
  value_ = other.value_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  value_ = std::move(other.value_);
  other.wipe();
  return *this;
}

bool Secret::operator==(const Secret& other) const {
  return value_.size() == other.value_.size() && sodium_memcmp(value_.data(), other.value_.data(), value_.size()) == 0;
}

void Secret::wipe() {
  value_.resize(value_.capacity());  // also what a longer value left behind; never reallocates
  sodium_memzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace kanhu
