// SPDX-License-Identifier: MIT
#include "models/thermal/thermal.hpp"

#include <cmath>
#include <cstring>
#include <utility>

#include "base/digest.hpp"
#include "models/images/picture.hpp"
#include "models/ranking.hpp"
#include "models/registry.hpp"
#include "models/thermal/presence.hpp"
#include "models/thermal/relative.hpp"

namespace kanhu::models {
namespace {

struct ThermalRoom final : DetectorState {
  ThermalRoom(const ThermalPresenceOptions& options, ThermalPalette palette) : presence(options), relative({palette}) {}
  ThermalPresence presence;
  RelativeThermal relative;
  ThermalFrame frame;
};

ThermalPalette palette_of(const std::string& word) {
  if (word == "white_hot") return ThermalPalette::kWhiteHot;
  if (word == "black_hot") return ThermalPalette::kBlackHot;
  if (word == "ironbow") return ThermalPalette::kIronbow;
  if (word == "rainbow") return ThermalPalette::kRainbow;
  return ThermalPalette::kAuto;
}

// Rows of the view may be padded.
bool copy_temperatures(const ImageView& image, ThermalFrame& frame) {
  if (image.width <= 0 || image.height <= 0 || image.planes[0].data == nullptr) return false;
  const auto width = static_cast<std::size_t>(image.width);
  frame.kind = ThermalKind::kRadiometric;
  frame.width = image.width;
  frame.height = image.height;
  frame.calibrating = image.calibrating;
  frame.values.resize(width * static_cast<std::size_t>(image.height));
  for (int row = 0; row < image.height; ++row)
    std::memcpy(frame.values.data() + static_cast<std::size_t>(row) * width,
                image.planes[0].data + static_cast<std::ptrdiff_t>(row) * image.planes[0].stride, width * sizeof(std::int16_t));
  return true;
}

double score_of(const ThermalPerson& person) { return 1 - 0.4 * std::exp(-person.warmth_k / 6); }

class Thermal final : public Detector {
 public:
  explicit Thermal(const DetectorConfig& config)
      : info_{"thermal", "person", digest_without_weights("thermal", 1)}, palette_(palette_of(config.palette)) {
    options_.mount = config.mount;
  }

  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<ThermalRoom>(options_, palette_); }

  DetectionResult detect(const ImageView& image, MediaTime time, DetectorState& state) override {
    auto* room = dynamic_cast<ThermalRoom*>(&state);
    if (room == nullptr) return {{}, "detector_failed", {}};
    if (image.format == PixelFormat::kCentiCelsius) {
      if (!copy_temperatures(image, room->frame)) return {{}, "detector_failed", {}};
    } else {
      if (!is_readable(image)) return {{}, "detector_failed", {}};
      room->frame = room->relative.convert(image, time);
    }
    const ThermalResult seen = room->presence.look(room->frame, time);
    DetectionResult result;
    result.blind = seen.reason;
    for (const ThermalPerson& person : seen.people) result.detections.push_back({"person", score_of(person), person.box, {}});
    rank(result.detections);
    result.thermal = ThermalObservation{matrix_of(room->frame), seen.people, seen.hot_spots};
    return result;
  }

 private:
  DetectorInfo info_;
  ThermalPresenceOptions options_;
  const ThermalPalette palette_;
};

}  // namespace

Result<std::unique_ptr<Detector>> make_thermal(const DetectorConfig& config) { return std::make_unique<Thermal>(config); }

Result<std::unique_ptr<Detector>> make_thermal_detector(const DetectorChoice&, const DetectorConfig& config) {
  return make_thermal(config);
}

}  // namespace kanhu::models
