// SPDX-License-Identifier: MIT
// A look at a V4L2 device before GStreamer opens it: its errors name no fix.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.hpp"

namespace kanhu::ingest {

// Opens, asks for the formats and closes. kNotFound: not plugged in. kPermission: the group. kUnsupported: no V4L2 capture
// device, or it offers no 16-bit counts; then with what it does offer.
// Thread: any; may block as long as the driver does.
Result<void> check_v4l2_device(const std::string& path);

// The parts of it that need no device: why `path` could not be opened, and whether formats offered (V4L2 four-character
// codes) have 16-bit counts.
Error v4l2_open_error(const std::string& path, int error_number);
Result<void> check_v4l2_formats(const std::string& path, std::span<const std::uint32_t> formats);

}  // namespace kanhu::ingest
