// SPDX-License-Identifier: MIT
#include "models/images/picture_file.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

// jpeglib.h needs FILE from before it.
#include <fmt/format.h>
#include <jpeglib.h>
#include <opencv2/imgproc.hpp>
#include <png.h>

namespace kanhu::models {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Scans of a progressive file; real ones have 3 to 12, a made-up one can have thousands and take hours.
constexpr int kMostScans = 100;

void describe(PictureFile& picture, int width, int height, int channels) {
  picture.view.format = channels == 1 ? PixelFormat::kGray8 : PixelFormat::kBgr24;
  picture.view.width = width;
  picture.view.height = height;
  picture.view.planes[0] = {picture.pixels.data(), width * channels};
}

std::string wrong_size(std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) return "it has no pixels";
  if (width > kMostPicturePixels || width * height > kMostPicturePixels) {
    return fmt::format("{}x{} are more than {} megapixels; scale it down", width, height, kMostPicturePixels / 1'000'000);
  }
  return "";
}

// --- JPEG ---

// libjpeg ends by jumping, so what it is called from holds nothing that has a destructor.
struct Jpeg {
  jpeg_decompress_struct state;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf out;
  char message[JMSG_LENGTH_MAX];
};

Jpeg& jpeg_of(j_common_ptr common) { return *static_cast<Jpeg*>(common->client_data); }

[[noreturn]] void jpeg_failed(j_common_ptr common) {
  common->err->format_message(common, jpeg_of(common).message);
  std::longjmp(jpeg_of(common).out, 1);
}

// A warning is data that is not as it should be ("premature end of data segment"): libjpeg would fill in grey, and a face
// that is half grey must not be enrolled.
void jpeg_warned(j_common_ptr common, int level) {
  if (level < 0) jpeg_failed(common);
}

void jpeg_silent(j_common_ptr) {}

void jpeg_progressed(j_common_ptr common) {
  auto& jpeg = jpeg_of(common);
  if (jpeg.state.input_scan_number <= kMostScans) return;
  std::snprintf(jpeg.message, sizeof jpeg.message, "more than %d scans", kMostScans);
  std::longjmp(jpeg.out, 1);
}

void jpeg_open(Jpeg& jpeg, const Bytes& file) {
  jpeg.state.err = jpeg_std_error(&jpeg.errors);
  jpeg.errors.error_exit = jpeg_failed;
  jpeg.errors.emit_message = jpeg_warned;
  jpeg.errors.output_message = jpeg_silent;
  jpeg.state.client_data = &jpeg;
  jpeg_create_decompress(&jpeg.state);
  jpeg.progress.progress_monitor = jpeg_progressed;
  jpeg.state.progress = &jpeg.progress;
  jpeg_save_markers(&jpeg.state, JPEG_APP0 + 1, 0xFFFF);
  jpeg_mem_src(&jpeg.state, file.data(), static_cast<unsigned long>(file.size()));
}

// False when libjpeg gave up; `jpeg.message` says why.
bool jpeg_header(Jpeg& jpeg, const Bytes& file) {
  if (setjmp(jpeg.out) != 0) return false;
  jpeg_open(jpeg, file);
  jpeg_read_header(&jpeg.state, TRUE);
  return true;
}

bool jpeg_pixels(Jpeg& jpeg, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(jpeg.out) != 0) return false;
  jpeg_start_decompress(&jpeg.state);
  while (jpeg.state.output_scanline < jpeg.state.output_height) {
    JSAMPROW row = pixels + jpeg.state.output_scanline * row_bytes;
    jpeg_read_scanlines(&jpeg.state, &row, 1);
  }
  jpeg_finish_decompress(&jpeg.state);
  return true;
}

// Tag 0x0112 of the first image file directory (TIFF 6.0 in an APP1 segment, EXIF 2.3): 1 to 8; 1 when it is not there.
int exif_orientation(std::string_view segment) {
  constexpr std::string_view kMark("Exif\0\0", 6);
  if (!segment.starts_with(kMark)) return 1;
  const std::string_view tiff = segment.substr(kMark.size());
  if (tiff.size() < 8) return 1;
  const bool big = tiff.starts_with("MM");
  const auto number = [&](std::size_t at, int bytes) -> std::uint32_t {
    if (at + static_cast<std::size_t>(bytes) > tiff.size()) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      const auto one = static_cast<std::uint8_t>(tiff[at + static_cast<std::size_t>(i)]);
      value |= static_cast<std::uint32_t>(one) << (8 * (big ? bytes - 1 - i : i));
    }
    return value;
  };
  const std::size_t directory = number(4, 4);
  const std::uint32_t entries = number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + 12 * static_cast<std::size_t>(i);
    if (at + 12 > tiff.size()) break;
    if (number(at, 2) != 0x0112) continue;
    const std::uint32_t value = number(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// Orientation 2 to 8: where the pixel of an upright picture stands in the stored one.
void turn(PictureFile& picture, int orientation, int channels) {
  const int width = picture.view.width, height = picture.view.height;
  const bool swapped = orientation >= 5;
  const int new_width = swapped ? height : width, new_height = swapped ? width : height;
  Bytes turned(picture.pixels.size());
  std::uint8_t* to = turned.data();
  for (int y = 0; y < new_height; ++y) {
    for (int x = 0; x < new_width; ++x, to += channels) {
      int from_x = swapped ? y : x, from_y = swapped ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) from_x = width - 1 - from_x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) from_y = height - 1 - from_y;
      std::memcpy(to,
                  &picture.pixels[(static_cast<std::size_t>(from_y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(from_x)) *
                                  static_cast<std::size_t>(channels)],
                  static_cast<std::size_t>(channels));
    }
  }
  picture.pixels = std::move(turned);
  describe(picture, new_width, new_height, channels);
}

int orientation_of(const jpeg_decompress_struct& state) {
  for (auto* marker = state.marker_list; marker != nullptr; marker = marker->next) {
    const int found = exif_orientation({reinterpret_cast<const char*>(marker->data), marker->data_length});
    if (found != 1) return found;
  }
  return 1;
}

// "Premature end of JPEG file" is what libjpeg calls a file that was cut off.
tl::unexpected<Error> jpeg_is_wrong(const std::string& name, const Jpeg& jpeg) {
  const std::string_view message = jpeg.message;
  const bool cut = message.find("remature end") != std::string_view::npos;
  return fail(ErrorKind::kCorrupt, fmt::format("{}: {} ({})", name, cut ? "the JPEG is cut off" : "the JPEG is damaged", message));
}

Result<PictureFile> decode_jpeg(const Bytes& file, const std::string& name) {
  struct Open : Jpeg {
    Open() : Jpeg{} {}
    ~Open() { jpeg_destroy_decompress(&state); }
  } jpeg;
  if (!jpeg_header(jpeg, file)) return jpeg_is_wrong(name, jpeg);
  auto& state = jpeg.state;
  if (const auto wrong = wrong_size(state.image_width, state.image_height); !wrong.empty()) {
    return fail(ErrorKind::kUnsupported, fmt::format("{}: {}", name, wrong));
  }
  if (state.jpeg_color_space == JCS_CMYK || state.jpeg_color_space == JCS_YCCK) {
    return fail(ErrorKind::kUnsupported, fmt::format("{}: a JPEG in CMYK, for printing; save it in RGB", name));
  }
  const int channels = state.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  state.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
  const int orientation = orientation_of(state);  // libjpeg forgets the markers when it has finished
  PictureFile picture;
  const std::size_t row_bytes = static_cast<std::size_t>(state.image_width) * static_cast<std::size_t>(channels);
  picture.pixels.resize(row_bytes * state.image_height);
  if (!jpeg_pixels(jpeg, picture.pixels.data(), row_bytes)) return jpeg_is_wrong(name, jpeg);
  describe(picture, static_cast<int>(state.image_width), static_cast<int>(state.image_height), channels);
  if (orientation != 1) turn(picture, orientation, channels);
  return picture;
}

// --- PNG ---

Result<PictureFile> decode_png(const Bytes& file, const std::string& name) {
  struct Open {
    png_image image{};
    ~Open() { png_image_free(&image); }
  } png;
  auto& image = png.image;
  image.version = PNG_IMAGE_VERSION;
  // libpng does not look for the end once it has all rows, and has several words for a file that ends too early.
  constexpr std::string_view kEnd("IEND\xAE\x42\x60\x82", 8);
  const bool cut = std::string_view(reinterpret_cast<const char*>(file.data()), file.size()).find(kEnd) == std::string_view::npos;
  const auto wrong = [&] {
    const std::string_view why = image.message[0] != '\0' ? image.message : "it has no end";
    return fail(ErrorKind::kCorrupt, fmt::format("{}: the PNG is {} ({})", name, cut ? "cut off" : "damaged", why));
  };
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) return wrong();
  if (const auto reason = wrong_size(image.width, image.height); !reason.empty()) {
    return fail(ErrorKind::kUnsupported, fmt::format("{}: {}", name, reason));
  }
  const int channels = (image.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
  image.format = channels == 3 ? PNG_FORMAT_BGR : PNG_FORMAT_GRAY;
  PictureFile picture;
  picture.pixels.resize(static_cast<std::size_t>(image.width) * image.height * static_cast<std::size_t>(channels));
  const png_color black{0, 0, 0};
  const int width = static_cast<int>(image.width), height = static_cast<int>(image.height);
  if (png_image_finish_read(&image, &black, picture.pixels.data(), width * channels, nullptr) == 0 || cut) return wrong();
  describe(picture, width, height, channels);
  return picture;
}

// --- PGM ---

// "P5", width, height and greatest value, apart by white space and comments, then one white space and the pixels.
Result<PictureFile> decode_pgm(const Bytes& file, const std::string& name) {
  std::size_t at = 2;
  const auto blank = [&](std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  const auto number = [&]() -> std::int64_t {
    for (; at < file.size() && (blank(file[at]) || file[at] == '#'); ++at) {
      if (file[at] == '#') {
        while (at + 1 < file.size() && file[at] != '\n') ++at;
      }
    }
    std::int64_t value = -1;
    for (; at < file.size() && file[at] >= '0' && file[at] <= '9' && value < 1'000'000'000; ++at) {
      value = 10 * std::max<std::int64_t>(value, 0) + (file[at] - '0');
    }
    return value;
  };
  const std::int64_t width = number(), height = number(), greatest = number();
  if (width < 0 || height < 0 || greatest < 1 || at >= file.size() || !blank(file[at])) {
    return fail(ErrorKind::kCorrupt, fmt::format("{}: the PGM has no proper header", name));
  }
  if (const auto wrong = wrong_size(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height)); !wrong.empty()) {
    return fail(ErrorKind::kUnsupported, fmt::format("{}: {}", name, wrong));
  }
  if (greatest > 255) return fail(ErrorKind::kUnsupported, fmt::format("{}: a PGM of 16 bits a pixel; 8 are read", name));
  ++at;
  const auto count = static_cast<std::size_t>(width * height);
  if (file.size() - at < count) {
    return fail(ErrorKind::kCorrupt, fmt::format("{}: the PGM is cut off: {} of {} pixels", name, file.size() - at, count));
  }
  PictureFile picture;
  picture.pixels.assign(file.begin() + static_cast<std::ptrdiff_t>(at), file.begin() + static_cast<std::ptrdiff_t>(at + count));
  if (greatest < 255) {
    for (auto& pixel : picture.pixels) pixel = static_cast<std::uint8_t>(std::min<std::int64_t>(pixel, greatest) * 255 / greatest);
  }
  describe(picture, static_cast<int>(width), static_cast<int>(height), 1);
  return picture;
}

}  // namespace

Result<PictureFile> decode_picture(const std::vector<std::uint8_t>& file, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.empty()) return fail(ErrorKind::kCorrupt, fmt::format("{}: the file is empty", name));
  if (text.starts_with("\xFF\xD8\xFF")) return decode_jpeg(file, name);
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return decode_png(file, name);
  if (text.starts_with("P5")) return decode_pgm(file, name);
  return fail(ErrorKind::kUnsupported, fmt::format("{}: neither JPEG nor PNG nor PGM (P5)", name));
}

PictureFile with_room(const ImageView& picture) {
  constexpr int kLongest = 1600;
  const bool gray = picture.format == PixelFormat::kGray8;
  const ImageView::Plane& plane = picture.planes[0];
  cv::Mat pixels(picture.height, picture.width, gray ? CV_8UC1 : CV_8UC3, const_cast<std::uint8_t*>(plane.data),
                 static_cast<std::size_t>(plane.stride));
  if (const int longest = std::max(picture.width, picture.height); longest > kLongest) {
    const double scale = static_cast<double>(kLongest) / longest;
    cv::resize(pixels, pixels, {}, scale, scale, cv::INTER_AREA);
  }
  const cv::Scalar mean = cv::mean(pixels);
  const double luma = gray ? mean[0] : 0.114 * mean[0] + 0.587 * mean[1] + 0.299 * mean[2];
  const int margin = std::max(pixels.cols, pixels.rows);
  const int width = pixels.cols + 2 * margin, height = pixels.rows + 2 * margin;
  PictureFile framed;
  framed.pixels.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * (gray ? 1 : 3),
                       static_cast<std::uint8_t>(luma + 0.5));
  cv::Mat whole(height, width, pixels.type(), framed.pixels.data());
  pixels.copyTo(whole(cv::Rect(margin, margin, pixels.cols, pixels.rows)));
  describe(framed, width, height, gray ? 1 : 3);
  return framed;
}

Result<PictureFile> read_picture(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) return fail(ErrorKind::kNotFound, fmt::format("{}: no such file", path));
  if (!std::filesystem::is_regular_file(status)) return fail(ErrorKind::kIo, fmt::format("{}: not a file", path));
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) return fail(ErrorKind::kIo, fmt::format("{}: {}", path, problem.message()));
  if (size > kMostPictureFileBytes) return fail(ErrorKind::kUnsupported, fmt::format("{}: larger than 256 MB", path));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail(ErrorKind::kIo, fmt::format("{}: cannot be opened", path));
  Bytes file(size);
  stream.read(reinterpret_cast<char*>(file.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uint64_t>(stream.gcount()) != size) return fail(ErrorKind::kIo, fmt::format("{}: cannot be read", path));
  return decode_picture(file, path);
}

}  // namespace kanhu::models
