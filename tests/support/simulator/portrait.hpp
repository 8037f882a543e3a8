// SPDX-License-Identifier: MIT
// The people of the visible scenes: head and shoulders, from photographs or painted.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "tests/support/simulator/picture.hpp"

namespace kanhu::simulator {

// Every portrait has the same measures, so that scenes need to know only one: the face is kFaceWidth px wide and
// its middle lies at (kFaceX, kFaceY).
inline constexpr int kPortraitWidth = 400;
inline constexpr int kPortraitHeight = 530;
inline constexpr int kFaceWidth = 200;
inline constexpr int kFaceX = 200;
inline constexpr int kFaceY = 180;

// `count` painted people.
std::vector<CutOut> painted_portraits(int count);

// The faces in a folder's jpg and png files, in order of file name: rectangles are known for the demo pictures of
// @vladmandic/face-api; of any other picture the largest face that dlib finds, else what is in
// the middle.
Result<std::vector<CutOut>> photo_portraits(const std::filesystem::path& folder);

}  // namespace kanhu::simulator
