// SPDX-License-Identifier: MIT
#include "models/images/jpeg_writer.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
// jpeglib.h needs FILE from before it.
#include <jpeglib.h>
#include <opencv2/core.hpp>

#include "models/images/picture.hpp"

namespace kanhu::models {
namespace {

constexpr int kQualities[] = {85, 65, 40, 20};

// libjpeg ends by jumping, so what it is called from holds nothing that has a destructor.
struct JpegWork {
  jpeg_compress_struct state;
  jpeg_error_mgr errors;
  std::jmp_buf out;
  char message[JMSG_LENGTH_MAX];
  unsigned char* bytes;
  unsigned long size;
};

[[noreturn]] void writing_failed(j_common_ptr common) {
  auto& work = *static_cast<JpegWork*>(common->client_data);
  common->err->format_message(common, work.message);
  std::longjmp(work.out, 1);
}

void say_nothing(j_common_ptr) {}

// `rows`: 8-bit RGB or grey, one after the other.
bool compress(JpegWork& work, const unsigned char* rows, int width, int height, int channels, std::size_t stride, int quality) {
  work.state.err = jpeg_std_error(&work.errors);
  work.errors.error_exit = writing_failed;
  work.errors.output_message = say_nothing;
  work.state.client_data = &work;
  if (setjmp(work.out) != 0) {
    jpeg_destroy_compress(&work.state);
    return false;
  }
  jpeg_create_compress(&work.state);
  jpeg_mem_dest(&work.state, &work.bytes, &work.size);
  work.state.image_width = static_cast<JDIMENSION>(width);
  work.state.image_height = static_cast<JDIMENSION>(height);
  work.state.input_components = channels;
  work.state.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&work.state);
  jpeg_set_quality(&work.state, quality, TRUE);
  jpeg_start_compress(&work.state, TRUE);
  while (work.state.next_scanline < work.state.image_height) {
    auto* row = const_cast<JSAMPROW>(rows + static_cast<std::size_t>(work.state.next_scanline) * stride);
    jpeg_write_scanlines(&work.state, &row, 1);
  }
  jpeg_finish_compress(&work.state);
  jpeg_destroy_compress(&work.state);
  return true;
}

Result<std::string> compressed(const cv::Mat& pixels, int quality) {
  JpegWork work{};
  const bool done = compress(work, pixels.data, pixels.cols, pixels.rows, pixels.channels(), pixels.step, quality);
  Result<std::string> bytes = done ? Result<std::string>(std::string(reinterpret_cast<const char*>(work.bytes), work.size))
                                   : fail(ErrorKind::kInternal, fmt::format("the JPEG cannot be made: {}", work.message));
  std::free(work.bytes);
  return bytes;
}

}  // namespace

Result<Jpeg> jpeg_of(const ImageView& image, int max_width, std::size_t most_bytes) {
  if (!has_pixels(image)) return fail(ErrorKind::kUnsupported, "the picture has no pixels that can be read");
  try {
    cv::Size size(image.width, image.height);
    if (max_width > 0 && max_width < image.width) {
      const auto height = static_cast<std::int64_t>(image.height) * max_width / image.width;
      size = cv::Size(max_width, static_cast<int>(std::max<std::int64_t>(1, height)));
    }
    const cv::Mat pixels = for_people(image, size);
    for (const int quality : kQualities) {
      auto bytes = compressed(pixels, quality);
      if (!bytes) return tl::unexpected(bytes.error());
      if (bytes->size() <= most_bytes) return Jpeg{std::move(*bytes), size.width, size.height};
    }
    return fail(ErrorKind::kInternal,
                fmt::format("the picture takes more than {} bytes as JPEG: ask for a smaller one (max_width)", most_bytes));
  } catch (const cv::Exception& error) {
    return fail(ErrorKind::kInternal, fmt::format("the picture cannot be scaled: {}", error.what()));
  }
}

}  // namespace kanhu::models
