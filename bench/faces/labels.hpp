// SPDX-License-Identifier: MIT
// What a set says about its pictures: where faces are, who is who. The formats are in docs/bench-faces.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "media/frame.hpp"

namespace kanhu::bench {

struct Eyes {
  Point right, left;  // of the person, centres, px
};

struct Label {
  double left = 0, top = 0, width = 0, height = 0;  // px
  std::optional<Eyes> eyes;
  bool ignore = false;  // neither has to be found nor counts as false when it is

  // Between the centres of the eyes; without eyes, kEyesPerWidth of the width.
  double inter_pupil_px() const;
};

// 43 boxes with eyes of dlib's example set: mean 0.384, 0.27 (turned heads) to 0.47.
inline constexpr double kEyesPerWidth = 0.384;

// In pixels, not in fractions.
double overlap(const Label& a, const Label& b);

struct PictureLabels {
  std::string file;  // as the list names it, relative to the list's folder
  int line = 0;      // of the list
  std::vector<Label> faces;
};

struct Pair {
  std::string first, second;  // files, as the list names them
  bool same = false;
  int line = 0;  // of the list
};

// The errors of all three name the list and the line: kNotFound, kCorrupt, kUnsupported (an XML of something else).

// imglab's XML, dlib's format. Eyes from parts of 68 or 5 points (iBUG 300-W and dlib's order), or parts named right_eye and
// left_eye.
Result<std::vector<PictureLabels>> read_imglab(const std::string& path);
// file,left,top,width,height[,right_eye_x,right_eye_y,left_eye_x,left_eye_y]; a line with the file alone has no face.
Result<std::vector<PictureLabels>> read_boxes_csv(const std::string& path);
// file,file,same: 1, true or same; 0, false or different.
Result<std::vector<Pair>> read_pairs_csv(const std::string& path);

// The labels of one picture from two lists: boxes around one face are one, with the eyes that either has.
void merge_labels(std::vector<Label>& into, const std::vector<Label>& more);

// The whole file; kNotFound, kIo.
Result<std::string> read_text(const std::string& path);
std::optional<double> number_in(std::string_view text);

}  // namespace kanhu::bench
