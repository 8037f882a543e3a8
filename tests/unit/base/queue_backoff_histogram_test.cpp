// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "base/backoff.hpp"
#include "base/bounded_queue.hpp"
#include "base/histogram.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a back-off lies between its floor and the doubling ceiling, and never over the most") {
  for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{12345}, ~std::uint64_t{0}}) {
    Backoff backoff(1000ms, 60'000ms, 200ms);
    std::int64_t ceiling = 1000;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto wait = backoff.next(random);
      CHECK(wait >= 200ms);
      CHECK(wait.count() <= ceiling);
      ceiling = std::min<std::int64_t>(ceiling * 2, 60'000);
    }
  }
}

TEST_CASE("a back-off reaches both of its ends") {
  Backoff backoff(1000ms, 60'000ms, 200ms);
  CHECK(backoff.next(0) == 200ms);
  backoff.reset();
  CHECK(backoff.attempts() == 0);
  CHECK(backoff.next(800) == 1000ms);  // 801 values: 200..1000
  CHECK(backoff.next(1800) == 2000ms);
  CHECK(backoff.attempts() == 2);
}

TEST_CASE("a floor above the ceiling wins") {
  Backoff backoff(10ms, 60'000ms, 500ms);
  CHECK(backoff.next(~std::uint64_t{0}) == 500ms);
}

TEST_CASE("a full queue refuses and leaves the value with its owner") {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  CHECK(queue.try_push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  CHECK_FALSE(queue.try_push(std::move(second)));
  REQUIRE(second);
  CHECK(*second == 2);
  CHECK(queue.size() == 1);
}

TEST_CASE("a closed queue refuses pushes, hands out what is left, then nothing") {
  BoundedQueue<int> queue(4);
  CHECK(queue.push(1));
  CHECK(queue.push(2));
  queue.close();
  CHECK_FALSE(queue.push(3));
  CHECK_FALSE(queue.try_push(3));
  CHECK(queue.pop() == 1);
  CHECK(queue.pop_for(0ns) == 2);
  CHECK_FALSE(queue.pop());
}

TEST_CASE("closing wakes a consumer and a producer that wait") {
  BoundedQueue<int> empty(1), full(1);
  CHECK(full.push(1));
  bool popped = true, pushed = true;
  std::thread consumer([&] { popped = empty.pop().has_value(); });
  std::thread producer([&] { pushed = full.push(2); });
  empty.close();
  full.close();
  consumer.join();
  producer.join();
  CHECK_FALSE(popped);
  CHECK_FALSE(pushed);
}

TEST_CASE("a waiting producer goes on when room is made, and order is kept") {
  BoundedQueue<int> queue(2);
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) queue.push(i);
    queue.close();
  });
  std::vector<int> got;
  while (const auto value = queue.pop()) got.push_back(*value);
  producer.join();
  REQUIRE(got.size() == 1000);
  CHECK(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("drain takes at most what it is asked for, in order") {
  BoundedQueue<int> queue(8);
  for (int i = 0; i < 5; ++i) queue.push(i);
  CHECK(queue.drain(3) == std::vector<int>{0, 1, 2});
  CHECK(queue.drain(9) == std::vector<int>{3, 4});
  CHECK(queue.drain(9).empty());
}

TEST_CASE("a quantile is wrong by 9.5 per cent at most") {
  for (double us = 1; us < 60e6; us *= 1.037) {
    LatencyHistogram histogram;
    const std::chrono::nanoseconds value(static_cast<std::int64_t>(us * 1000));
    histogram.add(value);
    const double ratio = static_cast<double>(histogram.quantile(0.5).count()) / static_cast<double>(value.count());
    CHECK(std::abs(ratio - 1) <= 0.095);
  }
}

TEST_CASE("quantiles follow the share of samples") {
  LatencyHistogram histogram;
  for (int i = 0; i < 99; ++i) histogram.add(1ms);
  histogram.add(1s);
  CHECK(histogram.quantile(0.5) < 1100us);
  CHECK(histogram.quantile(0.99) < 1100us);
  CHECK(histogram.quantile(1.0) > 900ms);
  CHECK(histogram.sum() == 1099ms);
  CHECK(LatencyHistogram().quantile(0.5) == 0ns);
}

TEST_CASE("values outside the range count in the first and last bucket") {
  LatencyHistogram histogram;
  histogram.add(0ns);
  histogram.add(-5ns);
  histogram.add(10min);
  CHECK(histogram.buckets().front() == 2);
  CHECK(histogram.buckets().back() == 1);
  CHECK(LatencyHistogram::upper_bound(LatencyHistogram::kBuckets - 1) > 60s);
}

TEST_CASE("merging histograms and rebuilding them from buckets give the same figures") {
  LatencyHistogram a, b, both;
  for (int i = 1; i < 500; ++i) {
    (i % 2 ? a : b).add(i * 37us);
    both.add(i * 37us);
  }
  a.merge(b);
  CHECK(a.buckets() == both.buckets());
  const auto rebuilt = LatencyHistogram::from(both.buckets(), both.sum());
  CHECK(rebuilt.count() == both.count());
  CHECK(rebuilt.quantile(0.9) == both.quantile(0.9));
}

}  // namespace
}  // namespace kanhu
