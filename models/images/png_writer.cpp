// SPDX-License-Identifier: MIT
#include "models/images/png_writer.hpp"

#include <exception>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <png.h>

#include "models/images/picture.hpp"

namespace kanhu::models {

Result<std::string> png_of(const ImageView& image) {
  if (!has_pixels(image)) return fail(ErrorKind::kUnsupported, "the picture has no pixels that can be read");
  try {
    const cv::Mat pixels = for_people(image, cv::Size(image.width, image.height));
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    png.width = static_cast<png_uint_32>(pixels.cols);
    png.height = static_cast<png_uint_32>(pixels.rows);
    png.format = pixels.channels() == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    const auto stride = static_cast<png_int_32>(pixels.step);
    png_alloc_size_t size = 0;
    // Asked without room, it says how much it needs.
    std::string bytes;
    if (png_image_write_to_memory(&png, nullptr, &size, 0, pixels.data, stride, nullptr) != 0) {
      bytes.resize(size);
      if (png_image_write_to_memory(&png, bytes.data(), &size, 0, pixels.data, stride, nullptr) != 0) {
        bytes.resize(size);
        return bytes;
      }
    }
    return fail(ErrorKind::kInternal, fmt::format("the PNG cannot be made: {}", png.message));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInternal, fmt::format("the PNG cannot be made: {}", error.what()));
  }
}

}  // namespace kanhu::models
