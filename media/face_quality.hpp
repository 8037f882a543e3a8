// SPDX-License-Identifier: MIT
// The figures of one shot of a face.
#pragma once

#include <array>

#include "base/json.hpp"

namespace kanhu {

// How good one shot of a face is: figures, not verdicts (the properties are those of ISO/IEC 29794-5).
struct FaceQuality {
  double inter_pupil_px = 0;  // between the centres of the eyes, in pixels of the analysed picture
  double sharpness = 0;       // 0..1, see models/faces/quality.hpp
  double yaw_degrees = 0;     // 0: frontal; positive: turned to the picture's right
  double pitch_degrees = 0;   // 0: level; positive: looking up
  double roll_degrees = 0;    // of the line between the eyes; positive: clockwise in the picture
  double brightness = 0;      // mean luma over the face, 0..255
  double contrast = 0;        // standard deviation of the same
  double occlusion = 0;       // 0..1, how little of a mouth the lower face shows
  double total = 0;           // 0..1, all of them together: orders the shots of one track
  bool operator==(const FaceQuality&) const = default;
};

struct FaceFigure {
  double FaceQuality::*value;
  const char* name;   // in a gallery
  const char* shown;  // in events
};
inline constexpr std::array kFaceFigures{
    FaceFigure{&FaceQuality::inter_pupil_px, "inter_pupil_px", "inter_pupil_px"},
    FaceFigure{&FaceQuality::sharpness, "sharpness", "sharpness"},
    FaceFigure{&FaceQuality::yaw_degrees, "yaw_degrees", "yaw"},
    FaceFigure{&FaceQuality::pitch_degrees, "pitch_degrees", "pitch"},
    FaceFigure{&FaceQuality::roll_degrees, "roll_degrees", "roll"},
    FaceFigure{&FaceQuality::brightness, "brightness", "brightness"},
    FaceFigure{&FaceQuality::contrast, "contrast", "contrast"},
    FaceFigure{&FaceQuality::occlusion, "occlusion", "occlusion"},
    FaceFigure{&FaceQuality::total, "total", "total"},
};

// For events and the ledger: an object of the figures, to four decimals.
Json shown_figures(const FaceQuality& quality);
// Between processes: an array in the order of kFaceFigures, exact. Reading throws Json::exception for anything but numbers.
Json exact_figures(const FaceQuality& quality);
FaceQuality figures_from(const Json& array);

}  // namespace kanhu
