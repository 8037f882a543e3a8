// SPDX-License-Identifier: MIT
#include "pipelines/ingest/stream_format.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {

std::optional<Codec> codec_of(const GstCaps* caps) {
  if (caps == nullptr || gst_caps_get_size(caps) == 0) return std::nullopt;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  if (gst_structure_has_name(structure, "video/x-h264")) return Codec::kH264;
  if (gst_structure_has_name(structure, "video/x-h265")) return Codec::kH265;
  if (gst_structure_has_name(structure, "image/jpeg")) return Codec::kMjpeg;
  const char* raw = gst_structure_has_name(structure, "video/x-raw") ? gst_structure_get_string(structure, "format") : nullptr;
  if (raw != nullptr && std::string_view(raw) == "GRAY16_LE") return Codec::kRaw16;
  return std::nullopt;
}

std::optional<Codec> codec_of_rtp(std::string_view encoding_name) {
  if (encoding_name == "H264") return Codec::kH264;
  if (encoding_name == "H265") return Codec::kH265;
  if (encoding_name == "JPEG") return Codec::kMjpeg;
  return std::nullopt;
}

const CodecElements& elements_of(Codec codec) {
  static constexpr std::array<CodecElements, 3> kElements{{
      {"rtph264depay", "h264parse", "video/x-h264,stream-format=avc,alignment=au", "avdec_h264"},
      {"rtph265depay", "h265parse", "video/x-h265,stream-format=hvc1,alignment=au", "avdec_h265"},
      {"rtpjpegdepay", "jpegparse", "image/jpeg,parsed=true", "jpegdec"},
  }};
  return kElements[static_cast<std::size_t>(codec)];
}

Result<std::shared_ptr<const StreamFormat>> read_format(const GstCaps* caps, FrameRate rate) {
  const auto codec = codec_of(caps);
  if (!codec)
    return fail(ErrorKind::kUnsupported, "the stream is neither H.264, H.265 nor MJPEG; choose one of them in the camera's video settings");
  auto format = std::make_shared<StreamFormat>();
  format->codec = *codec;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(structure, "width", &format->width);
  gst_structure_get_int(structure, "height", &format->height);
  int numerator = 0;
  int denominator = 1;
  if (rate == FrameRate::kDeclared && gst_structure_get_fraction(structure, "framerate", &numerator, &denominator) && denominator > 0)
    format->frames_per_second = static_cast<double>(numerator) / denominator;
  if (format->width > kMostWidth || format->height > kMostHeight || format->width < 0 || format->height < 0)
    return fail(
        ErrorKind::kUnsupported,
        fmt::format("the picture is {}x{}, more than {}x{} is not accepted; choose a smaller resolution in the camera's video settings",
                    format->width, format->height, kMostWidth, kMostHeight));
  const bool believed = format->frames_per_second >= kFewestFramesPerSecond && format->frames_per_second <= kMostFramesPerSecond;
  if (!believed) format->frames_per_second = 0;
  const GstPtr<GstCaps> kept(gst_caps_copy(caps));
  if (!believed) gst_structure_remove_field(gst_caps_get_structure(kept.get(), 0), "framerate");
  const GstPtr<gchar> text(gst_caps_to_string(kept.get()));
  format->caps = text.get();
  return std::shared_ptr<const StreamFormat>(std::move(format));
}

bool holds_picture(const GstCaps* caps, GstBuffer* unit) {
  const auto codec = codec_of(caps);
  if (codec != Codec::kH264 && codec != Codec::kH265) return true;
  const MappedBuffer mapped(unit);
  const auto bytes = mapped.view();
  constexpr std::size_t kLengthBytes = 4;  // as the parsers write it
  for (std::size_t at = 0; at + kLengthBytes < bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | std::to_integer<std::size_t>(bytes[at + i]);
    const unsigned head = std::to_integer<unsigned>(bytes[at + kLengthBytes]);
    if (codec == Codec::kH264 ? (head & 0x1f) >= 1 && (head & 0x1f) <= 5 : (head >> 1 & 0x3f) <= 31) return true;
    at += kLengthBytes + length;
  }
  return false;
}

std::optional<Error> undecodable(const GstCaps* caps) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const char* profile = gst_structure_get_string(structure, "profile");
  const char* chroma = gst_structure_get_string(structure, "chroma-format");
  guint luma = 8;
  guint colour = 8;
  gst_structure_get_uint(structure, "bit-depth-luma", &luma);
  gst_structure_get_uint(structure, "bit-depth-chroma", &colour);
  const std::string_view sampling = chroma == nullptr ? "4:2:0" : chroma;
  if (luma == 8 && colour == 8 && (sampling == "4:2:0" || sampling == "4:0:0")) return std::nullopt;
  return Error{
      ErrorKind::kUnsupported,
      fmt::format("the video has {} bits and {} colours (profile {}), which is not analysed; choose an 8-bit 4:2:0 profile in the camera "
                  "(H.264 Main or High, H.265 Main), and switch HDR off",
                  std::max(luma, colour), sampling, profile == nullptr ? "not said" : profile)};
}

}  // namespace kanhu::ingest
