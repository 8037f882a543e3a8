// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kanhu {

// A password or key. It has no stream operator, no formatter and no conversion to string; `reveal` is easy to
// search for. Its memory is wiped when it dies or is overwritten.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view value) : value_(value) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret& other) const;  // constant time for equal lengths

 private:
  void wipe();
  std::string value_;
};

// What a camera asks for.
struct Credential {
  std::string user;
  Secret password;
  bool empty() const { return user.empty() && password.empty(); }
  bool operator==(const Credential&) const = default;
};

}  // namespace kanhu
