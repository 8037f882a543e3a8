// SPDX-License-Identifier: MIT
// The section `thermal` of a stream.
#pragma once

#include "config/yaml/section.hpp"

namespace kanhu {

// Reads it into `stream`, whose url is known. Refuses what cannot be read as temperatures, also a missing section.
void read_radiometric(Section& stream_section, StreamConfig& stream);
// Refuses detectors that want pictures, and recording, for the radiometric streams of `camera`.
void check_radiometric(Section& camera_section, const CameraConfig& camera);

}  // namespace kanhu
