// SPDX-License-Identifier: MIT
// Counts of a radiometric sensor into temperatures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <gst/gst.h>

#include "base/result.hpp"
#include "config/radiometric.hpp"
#include "pipelines/ingest/radiometry/lepton_telemetry.hpp"

namespace kanhu::ingest {

// Borrowed rows of little-endian 16-bit counts, telemetry rows included.
struct Counts {
  std::span<const std::byte> bytes;
  int width = 0, height = 0;  // px
  std::size_t row_bytes = 0;  // from row to row
  std::shared_ptr<const void> owner;
};
// The counts of a GRAY16_LE sample; empty when it is none or its bytes are too few.
Counts sample_counts(GstSample* sample);

struct Temperatures {
  int width = 0, height = 0;
  std::vector<std::int16_t> centi_celsius;  // beyond +-327.67 degrees: that
  bool calibrating = false;
};

// Promises that what `read` gives are temperatures: a picture whose median lies outside -40 to 300 degrees, or whose telemetry
// contradicts the configuration, is withheld. A sensor that starts shows a few of those; after ten in a row (`in_doubt`
// ends) the Error says what to change.
// Thread: confined to the receiving thread.
class Radiometer {
 public:
  explicit Radiometer(const RadiometricConfig& config) : config_(config) {}
  Result<Temperatures> read(const Counts& counts);
  // After a failed `read`: whether more pictures should be looked at before it counts. Also true before any picture.
  bool in_doubt() const { return withheld_ < kMostWithheld; }
  // Why the last picture was withheld, when it was and none since the start was good.
  const std::optional<Error>& never_good() const { return never_good_; }

 private:
  static constexpr int kMostWithheld = 10;
  Result<Temperatures> convert(const Counts& counts);
  Result<CountScale> scale_by(const std::optional<LeptonTelemetry>& telemetry) const;

  const RadiometricConfig config_;
  CountScale scale_ = CountScale::kUnknown;  // of the table
  std::vector<std::int16_t> table_;          // hundredths of a degree by count
  int withheld_ = 0;                         // in a row
  bool was_good_ = false;
  std::optional<Error> never_good_;
};

}  // namespace kanhu::ingest
