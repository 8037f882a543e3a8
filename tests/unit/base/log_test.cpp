// SPDX-License-Identifier: MIT
#include "base/log.hpp"

#include <string>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace kanhu {
namespace {

// Up to now; empty when nothing came.
std::string drain(int pipe) {
  std::string text(1 << 16, '\0');
  const auto got = ::read(pipe, text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

TEST_CASE("a reader of standard error that stands still keeps nobody waiting, and is told what was left out") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  REQUIRE(::fcntl(ends[1], F_SETFL, 0) == 0);  // who writes would wait, as at a terminal
  REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  for (int i = 0; i < 1000; ++i) log::write(log::Level::kError, "test", "nobody reads this");
  const std::string first = drain(ends[0]);
  log::write(log::Level::kError, "test", "somebody reads again");
  const std::string second = drain(ends[0]);
  ::dup2(kept, STDERR_FILENO);
  for (const int file : {kept, ends[0], ends[1]}) ::close(file);
  CHECK(first.find("nobody reads this") != std::string::npos);
  INFO(second);
  CHECK(second.find("somebody reads again") != std::string::npos);
  CHECK(second.find("lines before this were left out") != std::string::npos);
}

}  // namespace
}  // namespace kanhu
