// SPDX-License-Identifier: MIT
// What a decoder hands to analysis: one decoded picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "media/packet.hpp"

namespace kanhu {

// kCentiCelsius: temperatures, one signed 16-bit number in native byte order a pixel, in hundredths of a degree Celsius.
enum class PixelFormat { kGray8, kBgr24, kI420, kNv12, kCentiCelsius };

// Number of planes, and for plane p the bytes per row that carry pixels and the number of rows, of a w x h picture.
int plane_count(PixelFormat format);
int plane_row_bytes(PixelFormat format, int plane, int width);
int plane_rows(PixelFormat format, int plane, int height);

// Somebody else's pixels: valid only while their owner lives; never stored.
struct ImageView {
  struct Plane {
    const std::uint8_t* data = nullptr;
    int stride = 0;  // bytes
  };
  PixelFormat format = PixelFormat::kGray8;
  int width = 0;   // px
  int height = 0;  // px
  std::array<Plane, 3> planes{};
  bool calibrating = false;  // an infrared sensor's shutter is closed: the values are not new
  // Plane 0 is luma (or grey) in every format but kBgr24 and kCentiCelsius.
  bool has_luma_plane() const { return format == PixelFormat::kGray8 || format == PixelFormat::kI420 || format == PixelFormat::kNv12; }
};

// A place in a picture in fractions 0..1 of its width and height, so that a box found on the sub-stream means the
// same place on the main stream.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  double area() const { return width * height; }
  bool operator==(const Box&) const = default;
};

struct Point {
  double x = 0, y = 0;
  bool operator==(const Point&) const = default;
};

// Intersection over union, 0..1 (Jaccard index).
double intersection_over_union(const Box& a, const Box& b);

// A decoded picture with one owner. Gives its memory back to the decoder when it dies.
class Frame {
 public:
  // `owner` keeps `image` valid and is released with the frame.
  Frame(std::string source_id, std::string run_id, std::uint64_t number, MediaTime time, CaptureTime capture, MonoTime arrived,
        ImageView image, std::shared_ptr<const void> owner)
      : source(std::move(source_id)),
        run(std::move(run_id)),
        sequence(number),
        pts(time),
        captured(capture),
        arrival(arrived),
        image_(image),
        owner_(std::move(owner)) {}
  Frame(Frame&&) = default;
  Frame& operator=(Frame&&) = default;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  const ImageView& image() const { return image_; }

  std::string source;
  std::string run;
  std::uint64_t sequence = 0;  // counts decoded frames of a run from 0
  MediaTime pts{};
  CaptureTime captured;
  MonoTime arrival{};        // of the packet it was decoded from; for latency figures only
  bool calibrating = false;  // an infrared sensor's shutter is closed (FFC): the temperatures are not new

 private:
  ImageView image_;
  std::shared_ptr<const void> owner_;
};

// A source's second hand: once a second of the source's time, also while it is stalled. Every timeout, dwell and
// watermark behind ingest runs on ticks and capture times.
struct Tick {
  MediaTime media{};
  CaptureTime wall;
};

}  // namespace kanhu
