// SPDX-License-Identifier: MIT
#include "bench/faces/picture.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/private_output.hpp"

namespace kanhu::bench {
namespace {

PictureReader& reader_in_use() {
  static PictureReader reader = models::read_picture;
  return reader;
}

int luma(const std::uint8_t* bgr) { return (29 * bgr[0] + 150 * bgr[1] + 77 * bgr[2] + 128) >> 8; }

}  // namespace

Picture::Picture(int width, int height, int channels, std::uint8_t value)
    : width_(width), height_(height), channels_(channels), pixels_(stride() * static_cast<std::size_t>(height), value) {}

ImageView Picture::view() const {
  ImageView view;
  view.format = channels_ == 3 ? PixelFormat::kBgr24 : PixelFormat::kGray8;
  view.width = width_;
  view.height = height_;
  view.planes[0] = {pixels_.data(), static_cast<int>(stride())};
  return view;
}

Picture copy_of(const ImageView& view) {
  Picture copy(view.width, view.height, view.format == PixelFormat::kBgr24 ? 3 : 1);
  for (int y = 0; y < copy.height(); ++y)
    std::memcpy(copy.row(y), view.planes[0].data + static_cast<std::ptrdiff_t>(y) * view.planes[0].stride, copy.stride());
  return copy;
}

void read_pictures_by(PictureReader reader) { reader_in_use() = std::move(reader); }

Result<Picture> load_picture(const std::string& path) {
  auto file = reader_in_use()(path);
  if (!file) return tl::unexpected(file.error());
  return copy_of(file->view);
}

Picture luma_of(const Picture& picture) {
  if (picture.channels() == 1) return picture;
  Picture gray(picture.width(), picture.height(), 1);
  for (int y = 0; y < gray.height(); ++y) {
    const std::uint8_t* from = picture.row(y);
    std::uint8_t* to = gray.row(y);
    for (int x = 0; x < gray.width(); ++x) to[x] = static_cast<std::uint8_t>(luma(from + std::ptrdiff_t{3} * x));
  }
  return gray;
}

double mean_luma(const Picture& picture) {
  const Picture gray = luma_of(picture);
  double sum = 0;
  for (int y = 0; y < gray.height(); ++y)
    for (int x = 0; x < gray.width(); ++x) sum += gray.row(y)[x];
  return sum / std::max(1.0, static_cast<double>(gray.width()) * gray.height());
}

Picture upsampled(const Picture& gray) {
  Picture large(gray.width() * 2, gray.height() * 2, 1);
  for (int y = 0; y < large.height(); ++y) {
    // The middle of pixel y of the large picture lies at (y + 0.5) / 2 - 0.5 of the small one: a quarter beside a pixel.
    const int near_y = y / 2, far_y = std::clamp(near_y + (y % 2 == 0 ? -1 : 1), 0, gray.height() - 1);
    const std::uint8_t *near_row = gray.row(near_y), *far_row = gray.row(far_y);
    std::uint8_t* to = large.row(y);
    for (int x = 0; x < large.width(); ++x) {
      const int near_x = x / 2, far_x = std::clamp(near_x + (x % 2 == 0 ? -1 : 1), 0, gray.width() - 1);
      to[x] = static_cast<std::uint8_t>((9 * near_row[near_x] + 3 * near_row[far_x] + 3 * far_row[near_x] + far_row[far_x] + 8) / 16);
    }
  }
  return large;
}

Result<void> write_netpbm(const std::string& path, const Picture& picture) {
  std::string file = fmt::format("P{}\n{} {}\n255\n", picture.channels() == 3 ? 6 : 5, picture.width(), picture.height());
  std::vector<std::uint8_t> rgb(picture.stride());
  for (int y = 0; y < picture.height(); ++y) {
    std::memcpy(rgb.data(), picture.row(y), rgb.size());
    if (picture.channels() == 3)
      for (std::size_t x = 0; x + 2 < rgb.size(); x += 3) std::swap(rgb[x], rgb[x + 2]);
    file.append(reinterpret_cast<const char*>(rgb.data()), rgb.size());
  }
  return write_private_output(path, file);  // labelled pictures hold faces
}

}  // namespace kanhu::bench
