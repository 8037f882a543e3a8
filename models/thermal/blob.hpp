// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "base/result.hpp"
#include "models/detector.hpp"

namespace kanhu::models {

struct ThermalBlobOptions {
  double score_min = 0.6;
  double smallest_px = 20;  // longer side of a blob, in px of the picture
};

// People in 8-bit white-hot infrared: connected regions warmer than a background that each source learns where nobody
// is. Label "person"; score = 1 - exp(-c/2), c = mean warmth of the blob above the background in units of the
// threshold, so 0.6 needs c = 1.83; no landmarks.
//
// What it does about the camera: a jump of the whole level (gain control, shutter calibration) moves the background
// with it; noise raises the threshold. A picture in which nothing warmer could show is blind ("low_contrast"), and one
// in which most places differ from the background is blind once ("scene_changed") and becomes the new background.
// Known limits: who is there in the first picture belongs to the background until leaving and coming back; a warm
// thing that is put down and stays counts as a person; somebody who fills half of the picture is taken for a new
// scene; it knows warmth, not shape.
Result<std::unique_ptr<Detector>> make_thermal_blob(const ThermalBlobOptions& options);

}  // namespace kanhu::models
