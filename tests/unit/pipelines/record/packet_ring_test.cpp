// SPDX-License-Identifier: MIT
#include "media/packet_ring.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/pipelines/record/media.hpp"

using namespace kanhu;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

void push(record::PacketRing& ring, std::size_t from, std::size_t to, const std::string& run = "run1",
          std::chrono::microseconds offset = {}) {
  for (std::size_t i = from; i < to; ++i) ring.push(packet_of(h264(), i, run, offset));
}

}  // namespace

TEST_CASE("the key frame of a moment is the last one at or before it, of whichever connection") {
  record::PacketRing ring(64u << 20, 60s);
  CHECK(ring.key_at(kStart, ClockSource::kArrival) == nullptr);
  push(ring, 0, 60);  // key frames at 0, 1 and 2 s
  const auto key_at = [&](std::chrono::microseconds behind_start) { return ring.key_at(kStart + behind_start, ClockSource::kArrival); };
  CHECK(key_at(-1us) == nullptr);
  for (const auto& [asked, taken] : {std::pair{0ms, 0s}, {999ms, 0s}, {1000ms, 1s}, {1500ms, 1s}, {3600'000ms, 2s}}) {
    const PacketPtr key = key_at(asked);
    REQUIRE(key);
    CHECK(key->is_key);
    CHECK(key->captured.arrival == kStart + taken);
  }
  push(ring, 0, 10, "run2", 5s);
  CHECK(key_at(4900ms)->run == "run1");
  CHECK(key_at(5100ms)->run == "run2");
}

TEST_CASE("of a moment that has left the ring there is no key frame") {
  record::PacketRing ring(64u << 20, 1s);
  push(ring, 0, 100);
  CHECK(ring.key_at(kStart + 100ms, ClockSource::kArrival) == nullptr);
  REQUIRE(ring.key_at(kStart + 3500ms, ClockSource::kArrival));
  CHECK(ring.key_at(kStart + 3500ms, ClockSource::kArrival)->captured.arrival == kStart + 3s);
}
