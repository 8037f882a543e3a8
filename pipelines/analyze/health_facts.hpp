// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

// The five facts of one camera (invariant 4) with the cause in words, reported when one of them changes. The words
// are those of the error, cut at 300 bytes; an error without words speaks by its kind.
// Thread: confined to the source's claim.
class HealthFacts {
 public:
  explicit HealthFacts(const HealthConfig& config) : config_(config) {}

  // A decoded picture came: connected, packets arrive, decodable.
  void frame_arrived(WallTime time);
  void picture(Truth changing, bool dark);
  void analysed();
  void not_analysed(std::string why);
  // `packets_arrive`: whether media still came when it ended; nothing: as is usual for the kind of error.
  void run_ended(const Error& why, std::optional<bool> packets_arrive);
  std::optional<HealthObservation> report();

 private:
  HealthConfig config_;
  HealthObservation now_;
  std::string analysis_fault_;
  std::optional<HealthObservation> said_;
};

}  // namespace kanhu::analyze
