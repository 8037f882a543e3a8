// SPDX-License-Identifier: MIT
// The seam behind which pixels become detections.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "media/detection.hpp"
#include "media/thermal_frame.hpp"

namespace kanhu::models {

// Per-source memory of a detector (the infrared one keeps its background there). Made by the detector, owned by the
// source's analyzer, reset when the run changes.
class DetectorState {
 public:
  virtual ~DetectorState() = default;
};

struct DetectorInfo {
  std::string name;    // row of the registry
  std::string label;   // of its detections: "face", "person"
  std::string digest;  // SHA-256 (hex) of its weights, or of "name/version" for one that needs no file
};

struct DetectionResult {
  std::vector<Detection> detections;            // in order of falling score; ties by x, then y
  std::string blind;                            // not empty: it cannot judge this picture, and why ("low_contrast"); then unknown
  std::optional<ThermalObservation> thermal{};  // of an infrared detector: what it saw
};

// A function detect(pixels, media time, state): no camera, clock, thread, file or configuration in it.
// Thread: confined; each analysis thread has its own instance (cv::dnn networks are stateful), while a state moves
// with its source from thread to thread.
class Detector {
 public:
  virtual ~Detector() = default;
  virtual const DetectorInfo& info() const = 0;
  virtual std::unique_ptr<DetectorState> make_state() const = 0;
  // `image` is kI420, kNv12, kGray8 or kBgr24, for infrared also kCentiCelsius; pixels of ignored regions are already blank. `time` rises
  // within a run.
  virtual DetectionResult detect(const ImageView& image, MediaTime time, DetectorState& state) = 0;
};

}  // namespace kanhu::models
