// SPDX-License-Identifier: MIT
// Which part of a picture is worth a look after the previous one was looked at.
#pragma once

#include <opencv2/core.hpp>

#include "base/time.hpp"
#include "media/frame.hpp"

namespace kanhu::models {

// Compares each picture of a source with the one before, small and grey. Depends on pixels and media time alone.
// Thread: confined to its source's analyzer.
class ChangedRegions {
 public:
  enum class Part { kAll, kWindow, kNothing };
  struct Answer {
    Part part = Part::kAll;
    cv::Rect window;  // px of the picture: half of its width, its height, or both, around everything that changed
  };

  // kAll for the first picture, after a second without a full look, after another scene (half of the picture changed), when no half
  // holds all that changed, and when time runs backwards.
  Answer next(const ImageView& image, MediaTime time);

 private:
  cv::Mat before_;
  MediaTime full_{};
  int width_ = 0, height_ = 0;
};

}  // namespace kanhu::models
