// SPDX-License-Identifier: MIT
#include "pipelines/sense/password_ration.hpp"

#include <catch2/catch.hpp>

namespace kanhu::sense {

using namespace std::chrono_literals;

TEST_CASE("a refused password is tried again after one to ten minutes, and from the fifth time on once an hour") {
  PasswordRation ration;
  std::chrono::milliseconds all{0};
  for (std::uint64_t i = 1; i <= 4; ++i) {
    const auto pause = ration.refused(i * 0x9e3779b97f4a7c15ull);
    CHECK(pause >= 60s);
    CHECK(pause <= 600s);
    all += pause;
  }
  CHECK(ration.words().find("refused 4 times; tried again within ") == 0);
  for (std::uint64_t i = 0; i < 24; ++i) CHECK(ration.refused(i) == 1h);
  CHECK(ration.words() == "refused 28 times; tried again within 60 min, at once when the secret or the configuration changes");
}

TEST_CASE("another secret begins anew") {
  PasswordRation ration;
  for (int i = 0; i < 9; ++i) ration.refused(1);
  ration.reset();
  CHECK(ration.refused(1) <= 600s);
  CHECK(ration.words().find("refused 1 time; ") == 0);
}

}  // namespace kanhu::sense
