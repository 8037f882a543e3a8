// SPDX-License-Identifier: MIT
#include "models/faces/hog_library.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include <dlib/image_processing/frontal_face_detector.h>

// Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", 2005, as trained and shipped by dlib:
// five views (front, left, right, and two rotated ones).
struct hog_detector {
  dlib::frontal_face_detector faces;
};

namespace {

// Unpacking the text that dlib ships takes 1 to 2 s on a busy machine, a copy 0.04 ms.
const dlib::frontal_face_detector& original() {
  static const dlib::frontal_face_detector faces = dlib::get_frontal_face_detector();
  return faces;
}

int find(hog_detector& detector, const std::uint8_t* gray, int width, int height, long stride, double margin_min, hog_face* faces,
         int most) {
  dlib::array2d<unsigned char> picture(height, width);
  for (int row = 0; row < height; ++row) std::memcpy(&picture[row][0], gray + row * stride, static_cast<std::size_t>(width));
  std::vector<dlib::rect_detection> found;
  detector.faces(picture, found, margin_min);
  const int count = std::min<int>(most, static_cast<int>(found.size()));
  for (int i = 0; i < count; ++i) {
    const auto& one = found[static_cast<std::size_t>(i)];
    faces[i] = {one.detection_confidence, one.rect.left(), one.rect.top(), one.rect.right() + 1, one.rect.bottom() + 1};
  }
  return count;
}

}  // namespace

#pragma GCC visibility push(default)

const char* hog_build_level() { return KANHU_HOG_LEVEL; }

hog_detector* hog_open() {
  try {
    return new hog_detector{original()};
  } catch (...) {
    return nullptr;
  }
}

void hog_close(hog_detector* detector) { delete detector; }

int hog_detect(hog_detector* detector, const std::uint8_t* gray, int width, int height, long stride, double margin_min, hog_face* faces,
               int most) {
  try {
    return find(*detector, gray, width, height, stride, margin_min, faces, most);
  } catch (...) {
    return -1;
  }
}

#pragma GCC visibility pop
