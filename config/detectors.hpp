// SPDX-License-Identifier: MIT
// What each detector is, for everybody who has to know it: what it reads, what it finds, and what it means when it finds nothing. The
// rows stand in config/detectors.def. Nothing outside compares the name of a detector with a word.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace kanhu {

// What a source may conclude from seeing nobody.
enum class Silence {
  kNobody,   // nobody is there: it may say absent
  kNothing,  // somebody may be there all the same: it is present or unknown, never absent
};
const char* to_string(Silence silence);  // nobody, nothing

inline constexpr std::string_view kNoFace = "no_face";
inline constexpr std::string_view kNoMotion = "no_motion";

struct DetectorTraits {
  enum class Family { kNone, kFaces, kPeople };
  enum class Reads { kNothing, kColour, kWarmth };

  std::string_view name;         // what `detector.name` says
  std::string_view description;  // one line for --help and docs
  Family family = Family::kNone;
  Reads reads = Reads::kNothing;
  Silence silence = Silence::kNothing;
  std::string_view
      silence_reason{};     // why presence is unknown when nobody is found; empty where silence means nobody, or nobody is looked for
  bool gives_eyes = false;  // so that a face can be compared
  bool takes_temperatures = false;  // of a radiometric stream
  bool knows_mount = false;         // uses mount and palette, judges sizes in metres and shows what it saw (look)
  int revision = 1;                 // of one without weights: grows when it finds something else
  std::string_view weights{};       // entry of models/manifest.json that it needs, empty for none
  std::string_view fallback{};      // the detector in its place when they are not there, empty for none
};

namespace detectors {
using Family = DetectorTraits::Family;
using Reads = DetectorTraits::Reads;
#define KANHU_DETECTOR(function, ...) DetectorTraits{__VA_ARGS__},
inline constexpr std::array kAll{
#include "config/detectors.def"
};
#undef KANHU_DETECTOR
}  // namespace detectors

inline constexpr const auto& kDetectorTraits = detectors::kAll;

// Where no configuration names one: for enrolling and replays, and for arrays of temperatures.
inline constexpr std::string_view kUsualFaceDetector = "blazeface";
inline constexpr std::string_view kArrayDetector = "thermal";

// nullptr for a name that no row has.
const DetectorTraits* find_detector(std::string_view name);
// Names of the rows for which `which` holds; of all without it.
using DetectorFilter = bool (*)(const DetectorTraits&);
std::vector<std::string_view> detectors_that(DetectorFilter which);

// Whether the row of `name` says so; false for an unknown name.
bool is_warmth_detector(std::string_view name);
bool knows_mount(std::string_view name);
bool takes_temperatures(std::string_view name);  // or looks at nothing
bool analyses(std::string_view name);            // it looks for anything at all

// What it means when this camera or sensor sees nobody, and the reason of the unknown that follows. A contact and detector none look for
// nobody; a detector without a row is not trusted with an absence.
struct SourceSilence {
  Silence means = Silence::kNothing;
  std::string_view reason;
};
SourceSilence silence_of(const CameraConfig& source);
// It says who is there, or that it cannot tell: not a contact, not detector none.
bool tells_presence(const CameraConfig& source);

}  // namespace kanhu
