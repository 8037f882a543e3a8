// SPDX-License-Identifier: MIT
#include "tests/support/simulator/portrait.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "models/faces/hog_library.hpp"
#include "models/faces/painted.hpp"

namespace kanhu::simulator {
namespace {

// Where faces are, as dlib's frontal detector finds them at scores above 1.2 (in px of the picture as published).
struct KnownFace {
  std::string_view file;
  int picture_width;
  int left, top, size;
};
constexpr std::array<KnownFace, 7> kKnownFaces = {{
    {"sample6.jpg", 1920, 1165, 376, 216},
    {"sample1.jpg", 1920, 1451, 233, 216},
    {"sample6.jpg", 1920, 639, 376, 216},
    {"sample3.jpg", 1920, 567, 376, 216},
    {"sample5.jpg", 1920, 376, 926, 216},
    {"sample1.jpg", 1920, 376, 376, 216},
    {"sample4.jpg", 1920, 1229, 194, 180},
}};
// dlib's square is 0.9 of the painted face's width, and its middle lies 0.12 of that width lower than the point
// between nose and eyes that portraits are centred on (measured with painted faces of 80 to 300 px).
constexpr double kBoxOfFace = 0.9;
constexpr double kBoxBelow = 0.12;

struct Photo {
  int width = 0, height = 0;
  std::vector<std::uint8_t> bgr;
};

struct Face {
  double center_x, center_y, width;  // px of the photo
};

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Result<Photo> read_photo(const std::filesystem::path& file) {
  const bool png = file.extension() == ".png";
  GError* error = nullptr;
  const std::string launch = fmt::format("filesrc name=file ! {} ! videoconvert ! video/x-raw,format=BGR ! appsink name=sink sync=false",
                                         png ? "pngdec" : "jpegdec");
  const Owned<GstElement> pipeline(gst_parse_launch(launch.c_str(), &error), [](GstElement* p) {
    if (p == nullptr) return;
    gst_element_set_state(p, GST_STATE_NULL);
    gst_object_unref(p);
  });
  g_clear_error(&error);
  if (!pipeline) return fail(ErrorKind::kUnsupported, "the GStreamer elements for pictures (jpegdec, pngdec) are not installed");
  GstElement* source = gst_bin_get_by_name(GST_BIN(pipeline.get()), "file");
  g_object_set(source, "location", file.c_str(), nullptr);
  gst_object_unref(source);
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink");
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstSample* pulled = nullptr;
  g_signal_emit_by_name(sink, "try-pull-sample", static_cast<GstClockTime>(5 * GST_SECOND), &pulled);
  gst_object_unref(sink);
  if (pulled == nullptr) return fail(ErrorKind::kCorrupt, fmt::format("{} cannot be read as a picture", file.string()));
  const Owned<GstSample> sample(pulled, [](GstSample* s) { gst_sample_unref(s); });
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample.get())) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample.get()), GST_MAP_READ)) {
    return fail(ErrorKind::kCorrupt, fmt::format("{} cannot be read as a picture", file.string()));
  }
  Photo photo{GST_VIDEO_FRAME_WIDTH(&frame), GST_VIDEO_FRAME_HEIGHT(&frame), {}};
  const auto* pixels = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0));
  for (int y = 0; y < photo.height; ++y) {
    const std::uint8_t* row = pixels + static_cast<std::ptrdiff_t>(y) * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
    photo.bgr.insert(photo.bgr.end(), row, row + 3 * photo.width);
  }
  gst_video_frame_unmap(&frame);
  return photo;
}

CutOut painted(std::uint32_t seed, bool head) {
  CutOut cut(kPortraitWidth, kPortraitHeight);
  const models::PaintedFace face{0, 0, 0, seed, true};
  for (int y = 0; y < cut.height; ++y) {
    for (int x = 0; x < cut.width; ++x) {
      const double v = (y + 0.5 - kFaceY) / kFaceWidth;
      if (!head && v < 0.85) continue;
      const models::FacePaint paint = models::face_paint_at((x + 0.5 - kFaceX) / kFaceWidth, v, face);
      std::uint8_t* p = cut.at(x, y);
      p[0] = static_cast<std::uint8_t>(std::clamp(paint.blue, 0.0, 255.0));
      p[1] = static_cast<std::uint8_t>(std::clamp(paint.green, 0.0, 255.0));
      p[2] = static_cast<std::uint8_t>(std::clamp(paint.red, 0.0, 255.0));
      p[3] = static_cast<std::uint8_t>(255 * paint.cover);
    }
  }
  return cut;
}

// The photo's head with a soft oval edge, over painted shoulders.
CutOut cut_out(const Photo& photo, const Face& face, std::uint32_t seed) {
  CutOut result = painted(seed, false);
  const double scale = face.width / kFaceWidth;
  const int left = std::max(0, static_cast<int>(face.center_x - kFaceX * scale));
  const int top = std::max(0, static_cast<int>(face.center_y - kFaceY * scale));
  const int right = std::min(photo.width, static_cast<int>(face.center_x + (kPortraitWidth - kFaceX) * scale));
  const int bottom = std::min(photo.height, static_cast<int>(face.center_y + 1.15 * face.width));
  if (right - left < 8 || bottom - top < 8) return result;
  CutOut crop(right - left, bottom - top);
  for (int y = 0; y < crop.height; ++y) {
    for (int x = 0; x < crop.width; ++x) {
      const std::uint8_t* p =
          &photo.bgr[3 * (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(photo.width) + static_cast<std::size_t>(left + x))];
      std::copy(p, p + 3, crop.at(x, y));
      crop.at(x, y)[3] = 255;
    }
  }
  const CutOut head = resized(crop, static_cast<int>(crop.width / scale), static_cast<int>(crop.height / scale));
  const int offset_x = static_cast<int>((left - face.center_x) / scale) + kFaceX;
  const int offset_y = static_cast<int>((top - face.center_y) / scale) + kFaceY;
  for (int y = 0; y < head.height; ++y) {
    for (int x = 0; x < head.width; ++x) {
      const int px = x + offset_x;
      const int py = y + offset_y;
      if (px < 0 || py < 0 || px >= result.width || py >= result.height) continue;
      const double u = (px + 0.5 - kFaceX) / kFaceWidth / 0.86;
      const double v = ((py + 0.5 - kFaceY) / kFaceWidth - 0.12) / 1.0;
      const double inside = std::clamp((1.0 - std::pow(std::pow(std::abs(u), 3) + std::pow(std::abs(v), 3), 1.0 / 3)) / 0.10, 0.0, 1.0);
      std::uint8_t* below = result.at(px, py);
      const std::uint8_t* above = head.at(x, y);
      for (std::size_t c = 0; c < 3; ++c) {
        const double share = below[3] == 0 ? 1.0 : inside;
        below[c] = static_cast<std::uint8_t>(below[c] + (above[c] - below[c]) * share);
      }
      below[3] = std::max(below[3], static_cast<std::uint8_t>(255 * inside));
    }
  }
  return result;
}

// As dlib's detector finds it in the photo with a border around, made so large that a face of a third of it can be found.
std::optional<Face> largest_face(const Photo& photo) {
  constexpr int kWanted = 480;  // px of the shorter side
  CutOut pixels(photo.width, photo.height);
  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < photo.width; ++x)
      std::copy_n(&photo.bgr[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(photo.width) + static_cast<std::size_t>(x))], 3,
                  pixels.at(x, y));
  }
  const double scale = static_cast<double>(kWanted) / std::min(photo.width, photo.height);
  pixels = resized(pixels, static_cast<int>(photo.width * scale), static_cast<int>(photo.height * scale));
  const int border = kWanted / 3, width = pixels.width + 2 * border, height = pixels.height + 2 * border;
  std::vector<std::uint8_t> gray(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* p = pixels.at(std::clamp(x - border, 0, pixels.width - 1), std::clamp(y - border, 0, pixels.height - 1));
      gray[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>((p[0] + 2 * p[1] + p[2]) / 4);
    }
  }
  const std::unique_ptr<hog_detector, void (*)(hog_detector*)> detector(hog_open(), hog_close);
  std::array<hog_face, 8> faces{};
  const int count =
      detector ? hog_detect(detector.get(), gray.data(), width, height, width, 0, faces.data(), static_cast<int>(faces.size())) : 0;
  std::optional<Face> largest;
  for (int i = 0; i < count; ++i) {
    const hog_face& box = faces[static_cast<std::size_t>(i)];
    const double face_width = static_cast<double>(box.right - box.left) / scale / kBoxOfFace;
    if (largest && largest->width >= face_width) continue;
    largest = Face{(static_cast<double>(box.left + box.right) / 2 - border) / scale,
                   (static_cast<double>(box.top + box.bottom) / 2 - border) / scale - kBoxBelow * face_width, face_width};
  }
  return largest;
}

void add_faces(std::vector<CutOut>& portraits, const std::string& name, const Photo& photo) {
  bool known = false;
  for (const KnownFace& entry : kKnownFaces) {
    if (entry.file != name) continue;
    known = true;
    const double scale = static_cast<double>(photo.width) / entry.picture_width;
    const double width = entry.size * scale / kBoxOfFace;
    const Face face{(entry.left + entry.size / 2.0) * scale, (entry.top + entry.size / 2.0) * scale - kBoxBelow * width, width};
    portraits.push_back(cut_out(photo, face, static_cast<std::uint32_t>(portraits.size() + 1)));
  }
  if (known || name.starts_with("sample")) return;
  const Face middle{photo.width / 2.0, photo.height * 0.42, std::min(photo.width / 2.0, photo.height / 2.5)};
  portraits.push_back(cut_out(photo, largest_face(photo).value_or(middle), static_cast<std::uint32_t>(portraits.size() + 1)));
}

}  // namespace

std::vector<CutOut> painted_portraits(int count) {
  std::vector<CutOut> portraits;
  for (int i = 0; i < count; ++i) portraits.push_back(painted(static_cast<std::uint32_t>(i + 1), true));
  return portraits;
}

Result<std::vector<CutOut>> photo_portraits(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".jpg" || extension == ".jpeg" || extension == ".png") files.push_back(entry.path());
  }
  if (error) return fail(ErrorKind::kNotFound, fmt::format("the folder of faces {} cannot be read: {}", folder.string(), error.message()));
  std::sort(files.begin(), files.end());
  std::vector<CutOut> portraits;
  for (const auto& file : files) {
    auto photo = read_photo(file);
    if (!photo) return tl::unexpected<Error>(photo.error());
    add_faces(portraits, file.filename().string(), *photo);
    if (portraits.size() >= 12) break;
  }
  if (portraits.empty()) return fail(ErrorKind::kNotFound, fmt::format("no jpg or png picture with a face in {}", folder.string()));
  return portraits;
}

}  // namespace kanhu::simulator
