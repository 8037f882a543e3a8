// SPDX-License-Identifier: MIT
// What libkanhu-hog.so exports. The library is built twice, plain and for x86-64-v3; the dynamic loader takes the one
// in glibc-hwcaps/x86-64-v3/ where the CPU allows it (ld.so(8)), which makes dlib's detector several times faster.
#pragma once

#include <cstdint>

extern "C" {

struct hog_face {
  double margin;                  // of the classifier: dlib's own decision is margin > 0
  long left, top, right, bottom;  // px; right and bottom are outside; may reach beyond the picture
};

struct hog_detector;

// "x86-64-v3", "x86-64" or the name of another architecture: how the loaded copy was built.
const char* hog_build_level();

// Null when it cannot be made. A detector serves one thread at a time.
hog_detector* hog_open();
void hog_close(hog_detector* detector);

// Faces of an 8-bit grey picture with margin >= margin_min, best first; at most `most` are written. -1 on failure.
// Boxes are those of dlib's 80x80 px window and up, on a pyramid of 5/6 steps.
int hog_detect(hog_detector* detector, const std::uint8_t* gray, int width, int height, long stride, double margin_min, hog_face* faces,
               int most);
}
