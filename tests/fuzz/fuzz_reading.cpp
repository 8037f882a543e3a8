// SPDX-License-Identifier: MIT
// What a sensor published: arbitrary bytes never trouble the decoder, and what it accepts is within what sensors measure.
#include <cstdlib>
#include <string>

#include <fuzzer/FuzzedDataProvider.h>

#include "pipelines/sense/decoder.hpp"

using namespace kanhu;

namespace {

SensorConfig sensor_of(FuzzedDataProvider& input) {
  SensorConfig sensor;
  sensor.kind = input.PickValueInArray({SensorKind::kThermalArray, SensorKind::kPir, SensorKind::kContact});
  sensor.width = input.ConsumeIntegralInRange(4, 6);
  sensor.height = input.ConsumeIntegralInRange(4, 6);
  sensor.mapping.values = input.PickValueInArray({"", "/values", "/a/0", "/a~1b/~0"});
  sensor.mapping.time = input.PickValueInArray({"", "/t", "/a/1"});
  sensor.mapping.unit = input.PickValueInArray({"celsius", "centi_kelvin", "fahrenheit"});
  sensor.mapping.flip_horizontal = input.ConsumeBool();
  sensor.mapping.flip_vertical = input.ConsumeBool();
  if (input.ConsumeBool()) sensor.mapping.active = {"yes"}, sensor.mapping.inactive = {"no"};
  return sensor;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const SensorConfig sensor = sensor_of(input);
  const std::string payload = input.ConsumeRemainingBytesAsString();
  (void)sense::decode_availability(sensor, payload);
  const auto reading = sense::decode(sensor, payload);
  if (!reading) {
    if (reading.error().message.empty() || reading.error().message.size() > 600) std::abort();
    return 0;
  }
  if (sensor.kind != SensorKind::kThermalArray) return 0;
  const ThermalFrame& frame = reading->frame;
  if (frame.width != sensor.width || frame.height != sensor.height) std::abort();
  if (frame.values.size() != static_cast<std::size_t>(sensor.width * sensor.height)) std::abort();
  for (const std::int16_t value : frame.values)
    if (value < -4000 || value > 30000) std::abort();
  return 0;
}
