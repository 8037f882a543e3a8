// SPDX-License-Identifier: MIT
#include "daemon/replay/merge.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

Observation at(const std::string& source, std::int64_t us, std::uint64_t ordinal) {
  Observation observation;
  observation.source = source;
  observation.time = wall_from_microseconds(us);
  observation.ordinal = ordinal;
  return observation;
}

using Order = std::vector<std::pair<std::string, std::uint64_t>>;

TEST_CASE("the order does not depend on which source was faster") {
  std::vector<std::vector<Observation>> sources;
  for (int s = 0; s < 4; ++s) {
    std::vector<Observation> all;
    std::int64_t us = 0;
    for (std::uint64_t n = 0; n < 50; ++n)
      all.push_back(at("camera-" + std::to_string(s), us += 1000 * ((s + static_cast<int>(n)) % 3), n));
    sources.push_back(std::move(all));
  }
  Order reference;
  for (unsigned seed = 0; seed < 20; ++seed) {
    Order order;
    ObservationMerge merge([&](const Observation& observation) { order.emplace_back(observation.source, observation.ordinal); });
    for (const auto& source : sources) merge.add_source(source.front().source);
    std::mt19937 random(seed);
    std::vector<std::size_t> next(sources.size(), 0);
    std::vector<std::size_t> left{0, 1, 2, 3};
    while (!left.empty()) {
      const std::size_t pick = left[random() % left.size()];
      merge.push(sources[pick][next[pick]]);
      if (++next[pick] == sources[pick].size()) {
        merge.finish(sources[pick].front().source);
        std::erase(left, pick);
      }
    }
    CHECK(merge.done());
    CHECK(order.size() == 200);
    if (seed == 0) reference = order;
    CHECK(order == reference);
  }
}

TEST_CASE("equal times go by source id, and a source's own order stays") {
  Order order;
  ObservationMerge merge([&](const Observation& observation) { order.emplace_back(observation.source, observation.ordinal); });
  merge.add_source("b");
  merge.add_source("a");
  merge.push(at("b", 5, 0));
  merge.push(at("b", 5, 1));
  CHECK(order.empty());
  merge.push(at("a", 5, 0));
  merge.finish("a");
  merge.finish("b");
  CHECK(order == Order{{"a", 0}, {"b", 0}, {"b", 1}});
}

TEST_CASE("a source that says nothing holds the others back until it is over") {
  int handed = 0;
  ObservationMerge merge([&](const Observation&) { ++handed; });
  merge.add_source("a");
  merge.add_source("silent");
  for (std::uint64_t n = 0; n < 10; ++n) merge.push(at("a", static_cast<std::int64_t>(n), n));
  CHECK(handed == 0);
  merge.finish("silent");
  CHECK(handed == 10);
  CHECK_FALSE(merge.done());
  merge.finish("a");
  CHECK(merge.done());
}

}  // namespace
}  // namespace kanhu
