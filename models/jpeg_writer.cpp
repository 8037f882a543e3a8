#include "models/jpeg_writer.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
// jpeglib.h needs FILE from before it.
#include <jpeglib.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "models/picture.hpp"

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

cv::Mat warmth_as_grey(const ImageView& image, const cv::Size& size) {
  const cv::Mat values(image.height, image.width, CV_16SC1, const_cast<std::uint8_t*>(image.planes[0].data),
                       static_cast<std::size_t>(image.planes[0].stride));
  double coolest = 0, warmest = 0;
  cv::minMaxLoc(values, &coolest, &warmest);
  const double scale = 255.0 / std::max(1.0, warmest - coolest);
  cv::Mat grey, sized;
  values.convertTo(grey, CV_8UC1, scale, -coolest * scale);
  if (size == grey.size()) return grey;
  cv::resize(grey, sized, size, 0, 0, cv::INTER_AREA);
  return sized;
}

bool can_be_read(const ImageView& image) {
  if (image.format != PixelFormat::kCentiCelsius) return is_readable(image);
  return image.width > 0 && image.height > 0 && image.planes[0].data != nullptr && image.planes[0].stride >= 2 * image.width;
}

}  // namespace

Result<Jpeg> jpeg_of(const ImageView& image, int max_width, std::size_t most_bytes) {
  if (!can_be_read(image)) return fail(ErrorKind::kUnsupported, "the picture has no pixels that can be read");
  try {
    cv::Size size(image.width, image.height);
    if (max_width > 0 && max_width < image.width) {
      const auto height = static_cast<std::int64_t>(image.height) * max_width / image.width;
      size = cv::Size(max_width, static_cast<int>(std::max<std::int64_t>(1, height)));
    }
    const cv::Mat pixels = image.format == PixelFormat::kCentiCelsius ? warmth_as_grey(image, size)
                           : image.format == PixelFormat::kGray8      ? to_gray(image, size)
                                                                      : to_rgb(image, cv::Rect(0, 0, image.width, image.height), size);
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
