// SPDX-License-Identifier: MIT
#include "pipelines/ingest/radiometry/radiometer.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gst/video/video.h>

#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {
namespace {

constexpr double kZeroCelsius_k = 273.15;
constexpr int kColdest_centi = -4000, kWarmest_centi = 30000;  // what a sensor for rooms can mean
constexpr long kMost_centi = 32767;

double centi_celsius(CountScale scale, std::uint16_t count) {
  constexpr double kAbsoluteZero_centi = -100 * kZeroCelsius_k;
  switch (scale) {
    case CountScale::kDeciKelvin:
      return 10.0 * count + kAbsoluteZero_centi;
    case CountScale::kKelvin64th:
      return 100.0 / 64 * count + kAbsoluteZero_centi;
    case CountScale::kCentiCelsius:
      return static_cast<std::int16_t>(count);
    case CountScale::kDeciCelsius:
      return 10.0 * static_cast<std::int16_t>(count);
    case CountScale::kCentiKelvin:
    case CountScale::kUnknown:
      break;
  }
  return count + kAbsoluteZero_centi;
}

// The temperature of every count there is.
std::vector<std::int16_t> table_of(CountScale scale) {
  std::vector<std::int16_t> table;
  table.reserve(65536);
  for (long count = 0; count < 65536; ++count)
    table.push_back(static_cast<std::int16_t>(
        std::clamp(std::lround(centi_celsius(scale, static_cast<std::uint16_t>(count))), -kMost_centi, kMost_centi)));
  return table;
}

std::uint16_t count_at(const Counts& counts, int row, int column) {
  const std::byte* at = counts.bytes.data() + static_cast<std::size_t>(row) * counts.row_bytes + 2 * static_cast<std::size_t>(column);
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) | std::to_integer<unsigned>(at[1]) << 8);
}

int median_of(std::vector<std::int16_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Counts sample_counts(GstSample* sample) {
  GstVideoInfo info;
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  GstCaps* caps = gst_sample_get_caps(sample);
  if (buffer == nullptr || caps == nullptr || !gst_video_info_from_caps(&info, caps) ||
      GST_VIDEO_INFO_FORMAT(&info) != GST_VIDEO_FORMAT_GRAY16_LE)
    return {};
  auto mapped = std::make_shared<MappedBuffer>(buffer);
  Counts counts{mapped->view(), GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info), 0, mapped};
  const auto line = 2 * static_cast<std::size_t>(counts.width);
  // A file's rows stand close together, where GStreamer would begin each at a multiple of four bytes.
  counts.row_bytes = counts.bytes.size() == line * static_cast<std::size_t>(counts.height)
                         ? line
                         : static_cast<std::size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info, 0));
  if (const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer)) {
    if (meta->stride[0] <= 0 || meta->offset[0] > counts.bytes.size()) return {};
    counts.row_bytes = static_cast<std::size_t>(meta->stride[0]);
    counts.bytes = counts.bytes.subspan(meta->offset[0]);
  }
  if (counts.width <= 0 || counts.height <= 0 || counts.row_bytes < line ||
      counts.bytes.size() < counts.row_bytes * static_cast<std::size_t>(counts.height - 1) + line)
    return {};
  return counts;
}

Result<CountScale> Radiometer::scale_by(const std::optional<LeptonTelemetry>& telemetry) const {
  if (config_.telemetry == TelemetryRows::kNone) return config_.scale;
  if (!telemetry)
    return fail(ErrorKind::kUnsupported, fmt::format("the {} rows are no telemetry of a Lepton; switch telemetry on there, or say "
                                                     "thermal.telemetry: none",
                                                     to_string(config_.telemetry)));
  if (!telemetry->tlinear || telemetry->gain_control)
    return fail(ErrorKind::kUnsupported,
                telemetry->gain_control
                    ? "the sensor's gain control (AGC) is on: its numbers are no temperatures; switch AGC off"
                    : "TLinear is off in the sensor: its numbers are no temperatures; switch radiometry and TLinear on");
  const CountScale said = telemetry->centi_kelvin ? CountScale::kCentiKelvin : CountScale::kDeciKelvin;
  if (config_.scale != CountScale::kUnknown && config_.scale != said)
    return fail(ErrorKind::kUnsupported,
                fmt::format("the sensor's telemetry says {} a count; say thermal.scale: {}", to_string(said), to_string(said)));
  return said;
}

Result<Temperatures> Radiometer::convert(const Counts& counts) {
  const int extra = telemetry_row_count(config_);
  const int rows = counts.height - extra;
  if (counts.bytes.empty() || rows <= 0) return fail(ErrorKind::kCorrupt, "the picture is no 16-bit picture, or is cut off");
  std::optional<LeptonTelemetry> telemetry;
  if (extra > 0) {
    std::vector<std::uint16_t> words;
    const int first = config_.telemetry == TelemetryRows::kHeader ? 0 : rows;
    for (int row = first; row < first + extra; ++row)
      for (int column = 0; column < counts.width; ++column) words.push_back(count_at(counts, row, column));
    telemetry = read_lepton_telemetry(words);
  }
  const auto scale = scale_by(telemetry);
  if (!scale) return tl::unexpected(scale.error());
  Temperatures read{counts.width, rows, {}, telemetry && telemetry->calibrating};
  read.centi_celsius.reserve(static_cast<std::size_t>(counts.width) * static_cast<std::size_t>(rows));
  if (table_.empty() || scale_ != *scale) {
    table_ = table_of(*scale);
    scale_ = *scale;
  }
  const int first = config_.telemetry == TelemetryRows::kHeader ? extra : 0;
  for (int row = first; row < first + rows; ++row) {
    for (int column = 0; column < counts.width; ++column) read.centi_celsius.push_back(table_[count_at(counts, row, column)]);
  }
  if (read.calibrating) return read;
  const int median = median_of(read.centi_celsius);
  if (median < kColdest_centi || median > kWarmest_centi)
    return fail(ErrorKind::kUnsupported,
                fmt::format("with scale {} the picture's median would be {:.0f} degrees Celsius: the numbers are no temperatures, or of "
                            "another scale; switch TLinear (radiometry) on in the sensor, AGC off, or mend thermal.scale",
                            to_string(*scale), median / 100.0));
  return read;
}

Result<Temperatures> Radiometer::read(const Counts& counts) {
  auto read = convert(counts);
  if (read) {
    withheld_ = 0;
    was_good_ = true;
    never_good_.reset();
  } else {
    ++withheld_;
    if (!was_good_) never_good_ = read.error();
  }
  return read;
}

}  // namespace kanhu::ingest
