// SPDX-License-Identifier: MIT
// Pictures for people to look at, as JPEG (ITU-T T.81, baseline).
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "media/frame.hpp"

namespace kanhu::models {

// The largest JPEG that is made. Of 4096 x 2304 pixels of a noisy night quality 85 takes more: it is then made at a lower one.
inline constexpr std::size_t kMostJpegBytes = 4u << 20;

struct Jpeg {
  std::string bytes;
  int width = 0, height = 0;  // px
};

// At most `max_width` px wide (area averaging, the sides' ratio kept, never enlarged; 0: as it is). Temperatures become grey: black the
// coolest, white the warmest. kUnsupported for a picture that cannot be read, kInternal when libjpeg fails or `most_bytes` does not do
// at any quality.
Result<Jpeg> jpeg_of(const ImageView& image, int max_width, std::size_t most_bytes = kMostJpegBytes);

}  // namespace kanhu::models
