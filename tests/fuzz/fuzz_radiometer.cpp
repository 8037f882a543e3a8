// SPDX-License-Identifier: MIT
// Counts of a radiometric sensor: arbitrary pictures and telemetry give temperatures of the right number or an Error, never more.
#include <cstdlib>
#include <span>
#include <vector>

#include <fuzzer/FuzzedDataProvider.h>

#include "pipelines/ingest/radiometry/radiometer.hpp"

using namespace kanhu;
using namespace kanhu::ingest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  RadiometricConfig config;
  config.scale = static_cast<CountScale>(input.ConsumeIntegralInRange(0, 5));
  config.telemetry = static_cast<TelemetryRows>(input.ConsumeIntegralInRange(0, 2));
  config.width = config.telemetry == TelemetryRows::kNone ? input.ConsumeIntegralInRange(1, 64) : input.ConsumeBool() ? 80 : 160;
  Radiometer radiometer(config);
  Counts counts;
  counts.width = config.width;
  counts.height = input.ConsumeIntegralInRange(1, 12);
  counts.row_bytes = 2 * static_cast<std::size_t>(counts.width) + input.ConsumeIntegralInRange<std::size_t>(0, 8);
  auto bytes = input.ConsumeRemainingBytes<std::uint8_t>();
  bytes.resize(counts.row_bytes * static_cast<std::size_t>(counts.height));
  counts.bytes = std::as_bytes(std::span(bytes));
  for (int again = 0; again < 2; ++again) {
    const auto read = radiometer.read(counts);
    if (!read && read.error().message.empty()) std::abort();
    if (read && read->centi_celsius.size() != static_cast<std::size_t>(read->width) * static_cast<std::size_t>(read->height)) std::abort();
    if (read && read->height + telemetry_row_count(config) != counts.height) std::abort();
  }
  return 0;
}
