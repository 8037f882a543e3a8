// SPDX-License-Identifier: MIT
// What work costs: time, instructions, memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kanhu::bench {

double median(std::vector<double> values);  // 0 without values
double least(const std::vector<double>& values);

// Thread: confined.
class Stopwatch {
 public:
  double milliseconds() const { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// User-space instructions of this thread, by the kernel's performance events; virtual machines often have none.
// Thread: confined.
class InstructionCounter {
 public:
  InstructionCounter();
  ~InstructionCounter();
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;

  std::optional<std::uint64_t> now() const;            // counted so far
  const std::string& why_not() const { return why_; }  // empty when it counts

 private:
  int descriptor_ = -1;
  std::string why_;
};

// The most this process ever held, in MiB.
double peak_memory_mib();

}  // namespace kanhu::bench
