// SPDX-License-Identifier: MIT
// Pictures from files, for what people hand in: enrolment and benchmarks. Not on the way of the cameras.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/frame.hpp"

namespace kanhu::models {

// A decoded picture with its pixels (kBgr24, or kGray8 for a grey file).
struct PictureFile {
  std::vector<std::uint8_t> pixels;
  ImageView view;  // of `pixels`; valid while this object lives and is not copied
  PictureFile() = default;
  PictureFile(PictureFile&&) = default;
  PictureFile& operator=(PictureFile&&) = default;
  PictureFile(const PictureFile&) = delete;
  PictureFile& operator=(const PictureFile&) = delete;
};

inline constexpr std::uint64_t kMostPicturePixels = 50'000'000;
inline constexpr std::uint64_t kMostPictureFileBytes = 256U << 20;

// JPEG, PNG (by content, not by name) and PGM (P5). The size stands in the header and is checked before anything is decoded;
// a JPEG is turned as its EXIF orientation says, transparent PNG stands on black. Memory: the file, the pixels (3 bytes each), once
// more the pixels when it has to be turned, and for a progressive JPEG its coefficients (at most 6 bytes a pixel).
// kNotFound, kUnsupported (another format, over 50 megapixels or 256 MB, CMYK, 16-bit PGM), kCorrupt (names what is wrong:
// cut off, bad header), kIo. Messages begin with the path.
Result<PictureFile> read_picture(const std::string& path);

// The same from a file's bytes; messages begin with `name`.
Result<PictureFile> decode_picture(const std::vector<std::uint8_t>& file, const std::string& name);

// A face wider than this share of its picture was cut out: an identity photograph, a cropped face. Detectors learned faces with
// something around them and place the points of a cut-out badly. Chosen on the sets that `kanhu bench faces` was developed with.
inline constexpr double kCutOutFace = 0.25;

// The picture (kGray8 or kBgr24), at most 1600 px long, in the middle of a frame of its mean luma as wide as it is long: room around
// a cut-out. Throws cv::Exception only.
PictureFile with_room(const ImageView& picture);

}  // namespace kanhu::models
