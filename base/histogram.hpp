// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kanhu {

// Latencies in buckets whose bounds grow by the fourth root of 2 (relative error of a quantile <= 9.5 %), from 1 us
// to about 70 s; mergeable by addition, so that workers can send theirs to the gateway.
// Thread: confined to its owner.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 105;

  void add(std::chrono::nanoseconds value);
  void merge(const LatencyHistogram& other);
  // The value below which the share `q` (0..1) of the samples lies; zero when empty.
  std::chrono::nanoseconds quantile(double q) const;
  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds sum() const { return sum_; }
  const std::array<std::uint64_t, kBuckets>& buckets() const { return buckets_; }
  // From `buckets()` of another process.
  static LatencyHistogram from(const std::array<std::uint64_t, kBuckets>& buckets, std::chrono::nanoseconds sum);
  static std::chrono::nanoseconds upper_bound(std::size_t bucket);

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds sum_{0};
};

}  // namespace kanhu
