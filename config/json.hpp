// SPDX-License-Identifier: MIT
// The configuration as JSON: for its digest, for `info`, and for the slice a worker gets.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "config/config.hpp"

namespace kanhu {

// The effective values, secrets by name only. Durations are milliseconds (`*_ms`) or hours, sizes bytes. The folders
// of this machine (data_dir, secrets_dir, models_dir) are left out: where things lie has no part in what is decided,
// and the same configuration has the same digest in every checkout.
Json config_json(const Config& config);

// SHA-256 (lower-case hex) of the canonical text of `config_json`.
std::string config_digest(const Config& config);

// One camera there and back: camera_from_json(camera_json(c)) == c.
Json camera_json(const CameraConfig& camera);
// kCorrupt names what is missing or of the wrong type.
Result<CameraConfig> camera_from_json(const Json& json);

}  // namespace kanhu
