// SPDX-License-Identifier: MIT
// Pixels that the bench owns: read from a file, degraded, handed to detectors and peers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/frame.hpp"
#include "models/images/picture_file.hpp"

namespace kanhu::bench {

// Rows without padding: kGray8 (1 byte a pixel) or kBgr24 (3). Copies are deep.
class Picture {
 public:
  Picture() = default;
  Picture(int width, int height, int channels, std::uint8_t value = 0);

  int width() const { return width_; }
  int height() const { return height_; }
  int channels() const { return channels_; }
  std::uint8_t* row(int y) { return pixels_.data() + static_cast<std::size_t>(y) * stride(); }
  const std::uint8_t* row(int y) const { return pixels_.data() + static_cast<std::size_t>(y) * stride(); }
  std::size_t stride() const { return static_cast<std::size_t>(width_) * static_cast<std::size_t>(channels_); }
  ImageView view() const;
  bool operator==(const Picture&) const = default;

 private:
  int width_ = 0, height_ = 0, channels_ = 1;
  std::vector<std::uint8_t> pixels_;
};

// Of a kBgr24 or kGray8 view.
Picture copy_of(const ImageView& view);
// JPEG, PNG and PGM, by models/images/picture_file.hpp; its errors.
Result<Picture> load_picture(const std::string& path);
// Who decodes them: this process, until another is named, which may be a worker's. Thread: before and after a measurement.
using PictureReader = std::function<Result<models::PictureFile>(const std::string& path)>;
void read_pictures_by(PictureReader reader);

// BT.601 luma of every pixel, one byte each, rows without padding.
Picture luma_of(const Picture& picture);
double mean_luma(const Picture& picture);
// Twice the size, bilinear: what "upsampled once" means to dlib.
Picture upsampled(const Picture& gray);

// Binary PGM (P5) or PPM (P6), the format peers read.
Result<void> write_netpbm(const std::string& path, const Picture& picture);

}  // namespace kanhu::bench
