// SPDX-License-Identifier: MIT
#include "pipelines/ingest/radiometry/radiometer.hpp"

#include <vector>

#include <catch2/catch.hpp>
#include <linux/videodev2.h>

#include "pipelines/ingest/v4l2/device.hpp"

using namespace kanhu;
using namespace kanhu::ingest;

namespace {

constexpr std::uint32_t kFfcNever = 0, kFfcImminent = 1u << 4, kFfcInProgress = 2u << 4, kFfcComplete = 3u << 4, kAgc = 1u << 12;

// A picture of `count`, with a Lepton's telemetry rows where the configuration has them.
std::vector<std::uint16_t> picture(const RadiometricConfig& config, std::uint16_t count, std::uint32_t status = kFfcComplete,
                                   std::uint16_t tlinear = 1, std::uint16_t resolution = 1) {
  const auto width = static_cast<std::size_t>(config.width), height = static_cast<std::size_t>(config.height);
  std::vector<std::uint16_t> pixels(width * height, count);
  std::vector<std::uint16_t> rows(width * static_cast<std::size_t>(telemetry_row_count(config)));
  if (rows.empty()) return pixels;
  rows[3] = static_cast<std::uint16_t>(status);
  rows[4] = static_cast<std::uint16_t>(status >> 16);
  rows[160 + 48] = tlinear;
  rows[160 + 49] = resolution;
  const bool header = config.telemetry == TelemetryRows::kHeader;
  auto& first = header ? rows : pixels;
  const auto& second = header ? pixels : rows;
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Little-endian machines only, as the whole program.
Counts counts_of(const RadiometricConfig& config, const std::vector<std::uint16_t>& words) {
  return {std::as_bytes(std::span(words)), config.width, config.height + telemetry_row_count(config),
          2 * static_cast<std::size_t>(config.width), nullptr};
}

RadiometricConfig lepton(TelemetryRows rows, CountScale scale = CountScale::kUnknown) { return {160, 120, 8.7, scale, rows}; }

Error last_error(Radiometer& radiometer, const RadiometricConfig& config, const std::vector<std::uint16_t>& words) {
  for (int i = 0; i < 9; ++i) {
    REQUIRE_FALSE(radiometer.read(counts_of(config, words)));
    REQUIRE(radiometer.in_doubt());
  }
  const auto tenth = radiometer.read(counts_of(config, words));
  REQUIRE_FALSE(tenth);
  REQUIRE_FALSE(radiometer.in_doubt());
  return tenth.error();
}

}  // namespace

TEST_CASE("counts become hundredths of a degree by their scale") {
  struct Row {
    CountScale scale;
    std::uint16_t count;
    int centi_celsius;
  };
  const Row rows[] = {{CountScale::kCentiKelvin, 27315, 0},    {CountScale::kCentiKelvin, 29515, 2200},
                      {CountScale::kDeciKelvin, 2951, 2195},   {CountScale::kDeciKelvin, 5500, 27685},
                      {CountScale::kKelvin64th, 18890, 2201},  {CountScale::kCentiCelsius, 2200, 2200},
                      {CountScale::kCentiCelsius, 0xffff, -1}, {CountScale::kDeciCelsius, static_cast<std::uint16_t>(-55), -550}};
  for (const Row& row : rows) {
    CAPTURE(to_string(row.scale), row.count);
    const RadiometricConfig config{8, 8, 8.7, row.scale, TelemetryRows::kNone};
    Radiometer radiometer(config);
    const auto read = radiometer.read(counts_of(config, picture(config, row.count)));
    REQUIRE(read);
    CHECK(read->width == 8);
    CHECK(read->height == 8);
    CHECK(read->centi_celsius == std::vector<std::int16_t>(64, static_cast<std::int16_t>(row.centi_celsius)));
    CHECK_FALSE(read->calibrating);
  }
}

TEST_CASE("temperatures beyond 327.67 degrees are that, and spoil nothing else") {
  const RadiometricConfig config{8, 8, 8.7, CountScale::kDeciKelvin, TelemetryRows::kNone};
  Radiometer radiometer(config);
  auto words = picture(config, 2951);
  words[5] = 65535;
  words[6] = 0;
  const auto read = radiometer.read(counts_of(config, words));
  REQUIRE(read);
  CHECK(read->centi_celsius[4] == 2195);
  CHECK(read->centi_celsius[5] == 32767);
  CHECK(read->centi_celsius[6] == -27315);
}

TEST_CASE("rows that begin further apart than they are wide are read at their places") {
  const RadiometricConfig config{9, 8, 8.7, CountScale::kCentiKelvin, TelemetryRows::kNone};
  std::vector<std::uint16_t> words(10 * 8, 0);
  for (std::size_t row = 0; row < 8; ++row)
    for (std::size_t column = 0; column < 9; ++column) words[10 * row + column] = static_cast<std::uint16_t>(29315 + row);
  Radiometer radiometer(config);
  const auto read = radiometer.read({std::as_bytes(std::span(words)), 9, 8, 20, nullptr});
  REQUIRE(read);
  for (std::size_t i = 0; i < 72; ++i) CHECK(read->centi_celsius[i] == static_cast<int>(2000 + i / 9));
}

TEST_CASE("a sensor whose numbers are no temperatures ends with what to switch, after ten pictures") {
  const RadiometricConfig config{16, 16, 8.7, CountScale::kCentiKelvin, TelemetryRows::kNone};
  Radiometer radiometer(config);
  // A Lepton without TLinear: 14-bit numbers around 8000, which would be -193 degrees.
  const Error why = last_error(radiometer, config, picture(config, 8000));
  CHECK(why.kind == ErrorKind::kUnsupported);
  CHECK(why.message.find("-193 degrees") != std::string::npos);
  CHECK(why.message.find("TLinear") != std::string::npos);
  CHECK(radiometer.never_good());
}

TEST_CASE("a wrong scale is found out, too") {
  const RadiometricConfig config{16, 16, 8.7, CountScale::kDeciKelvin, TelemetryRows::kNone};
  Radiometer radiometer(config);
  CHECK(last_error(radiometer, config, picture(config, 29515)).message.find("thermal.scale") != std::string::npos);
}

TEST_CASE("a few pictures without sense, as a sensor shows when it starts, are withheld and forgiven") {
  const RadiometricConfig config{16, 16, 8.7, CountScale::kCentiKelvin, TelemetryRows::kNone};
  Radiometer radiometer(config);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 9; ++i) CHECK_FALSE(radiometer.read(counts_of(config, picture(config, 0))));
    CHECK(radiometer.read(counts_of(config, picture(config, 29515))));
    CHECK(radiometer.in_doubt());
    CHECK_FALSE(radiometer.never_good());
  }
}

TEST_CASE("a Lepton's telemetry tells calibration and scale, before and behind the picture and at both sizes") {
  const TelemetryRows where = GENERATE(TelemetryRows::kHeader, TelemetryRows::kFooter);
  const bool small = GENERATE(false, true);
  RadiometricConfig config = lepton(where);
  if (small) {
    config.width = 80;
    config.height = 60;
  }
  CAPTURE(to_string(where), small);
  Radiometer radiometer(config);
  for (const std::uint32_t status : {kFfcNever, kFfcImminent, kFfcInProgress, kFfcComplete}) {
    CAPTURE(status);
    const auto fine = radiometer.read(counts_of(config, picture(config, 29515, status)));
    REQUIRE(fine);
    CHECK(fine->calibrating == (status == kFfcInProgress));
    CHECK(fine->width == config.width);
    CHECK(fine->height == config.height);
    CHECK(fine->centi_celsius ==
          std::vector<std::int16_t>(static_cast<std::size_t>(config.width) * static_cast<std::size_t>(config.height), 2200));
  }
  const auto coarse = radiometer.read(counts_of(config, picture(config, 2952, kFfcComplete, 1, 0)));
  REQUIRE(coarse);
  CHECK(coarse->centi_celsius.front() == 2205);
}

TEST_CASE("telemetry that contradicts the configuration is said with the line to mend") {
  struct Row {
    CountScale scale;
    std::uint32_t status;
    std::uint16_t tlinear, resolution;
    const char* fragment;
  };
  const Row rows[] = {{CountScale::kDeciKelvin, 0, 1, 1, "say thermal.scale: 0.01K"},
                      {CountScale::kCentiKelvin, 0, 1, 0, "say thermal.scale: 0.1K"},
                      {CountScale::kUnknown, 0, 0, 1, "TLinear is off"},
                      {CountScale::kUnknown, kAgc, 1, 1, "AGC"},
                      {CountScale::kUnknown, 0, 29515, 29520, "thermal.telemetry: none"}};
  for (const Row& row : rows) {
    const RadiometricConfig config = lepton(TelemetryRows::kFooter, row.scale);
    Radiometer radiometer(config);
    const Error why = last_error(radiometer, config, picture(config, 29515, row.status, row.tlinear, row.resolution));
    CAPTURE(why.message);
    CHECK(why.kind == ErrorKind::kUnsupported);
    CHECK(why.message.find(row.fragment) != std::string::npos);
  }
}

TEST_CASE("pixels are not taken for telemetry") {
  CHECK_FALSE(read_lepton_telemetry(std::vector<std::uint16_t>(320, 29515)));
  CHECK_FALSE(read_lepton_telemetry(std::vector<std::uint16_t>(239, 0)));
  CHECK(read_lepton_telemetry(std::vector<std::uint16_t>(240, 0)) == LeptonTelemetry{});
}

TEST_CASE("a picture that is too short is refused, not read beyond its end") {
  const RadiometricConfig config = lepton(TelemetryRows::kFooter);
  Radiometer radiometer(config);
  CHECK(radiometer.read({}).error().kind == ErrorKind::kCorrupt);
  const std::vector<std::uint16_t> two(320, 29515);
  CHECK(radiometer.read({std::as_bytes(std::span(two)), 160, 2, 320, nullptr}).error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("a device that cannot be used is named with the fix") {
  CHECK(check_v4l2_device("/dev/kanhu-no-such-camera").error().kind == ErrorKind::kNotFound);
  CHECK(check_v4l2_device("/dev/null").error().kind == ErrorKind::kUnsupported);
  const Error denied = v4l2_open_error("/dev/video0", EACCES);
  CHECK(denied.kind == ErrorKind::kPermission);
  CHECK(denied.message.find("group video") != std::string::npos);
  CHECK(denied.message.find("kanhu.service.d/v4l2.conf") != std::string::npos);
  CHECK(v4l2_open_error("/dev/video0", EBUSY).message.find("another program") != std::string::npos);
  CHECK(v4l2_open_error("/dev/video0", ENODEV).kind == ErrorKind::kNotFound);
}

TEST_CASE("a device without 16-bit counts is refused with what it offers") {
  const std::vector<std::uint32_t> webcam{V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG};
  const auto refused = check_v4l2_formats("/dev/video0", webcam);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kUnsupported);
  CHECK(refused.error().message.find("only YUYV, MJPG") != std::string::npos);
  CHECK(check_v4l2_formats("/dev/video0", std::vector<std::uint32_t>{V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_Y16}));
  CHECK(check_v4l2_formats("/dev/video0", {}).error().message.find("only nothing") != std::string::npos);
}
