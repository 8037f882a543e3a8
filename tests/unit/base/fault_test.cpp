// SPDX-License-Identifier: MIT
#include "base/fault.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

faults::Count count_of(const std::string& thread) {
  const auto all = faults::counts();
  const auto found = std::find_if(all.begin(), all.end(), [&](const faults::Count& each) { return each.thread == thread; });
  return found == all.end() ? faults::Count() : *found;
}

}  // namespace

TEST_CASE("what throws costs itself, and is counted for its thread") {
  int done = 0;
  CHECK(faults::contained("fault-a", [&] { ++done; }));
  CHECK(count_of("fault-a").times == 0);
  CHECK_FALSE(faults::contained("fault-a", [] { throw std::runtime_error("first"); }));
  CHECK_FALSE(faults::contained("fault-a", [] { throw 7; }));
  CHECK_FALSE(faults::contained("fault-b", [] { throw std::bad_alloc(); }));
  CHECK(faults::contained("fault-a", [&] { ++done; }));
  CHECK(done == 2);
  CHECK(count_of("fault-a").times == 2);
  CHECK(count_of("fault-a").words == "something that is no exception of the standard library");
  CHECK(count_of("fault-b").times == 1);
}

TEST_CASE("the words of a fault are short, printable, and hold no password") {
  CHECK_FALSE(faults::contained("fault-c", [] { throw std::runtime_error("rtsp://user:geheim@host/\n" + std::string(5'000, 'x')); }));
  const std::string words = count_of("fault-c").words;
  CHECK(words.size() <= 200);
  CHECK(words.find("geheim") == std::string::npos);
  CHECK(words.find('\n') == std::string::npos);
}

}  // namespace kanhu
