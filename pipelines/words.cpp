#include <algorithm>

#include "pipelines/event.hpp"
#include "pipelines/frame.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/packet.hpp"

namespace kanhu {

const char* to_string(StreamRole role) { return role == StreamRole::kMain ? "main" : "sub"; }

const char* to_string(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return "h264";
    case Codec::kH265:
      return "h265";
    case Codec::kMjpeg:
      return "mjpeg";
    case Codec::kRaw16:
      return "raw16";
  }
  return "unknown";
}

const char* to_string(ClockSource source) {
  switch (source) {
    case ClockSource::kRtcp:
      return "rtcp";
    case ClockSource::kArrival:
      return "arrival";
    case ClockSource::kFile:
      return "file";
  }
  return "unknown";
}

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::kStart:
      return "start";
    case Phase::kUpdate:
      return "update";
    case Phase::kEnd:
      return "end";
    case Phase::kPoint:
      return "point";
  }
  return "unknown";
}

const char* to_string(Presence presence) {
  switch (presence) {
    case Presence::kPresent:
      return "present";
    case Presence::kAbsent:
      return "absent";
    case Presence::kUnknown:
      return "unknown";
  }
  return "unknown";
}

const char* to_string(IdentityDecision decision) {
  switch (decision) {
    case IdentityDecision::kUncertain:
      return "uncertain";
    case IdentityDecision::kUnknown:
      return "unknown";
    case IdentityDecision::kRecognized:
      return "recognized";
  }
  return "unknown";
}

const char* to_string(HealthFact fact) {
  switch (fact) {
    case HealthFact::kConnected:
      return "connected";
    case HealthFact::kPacketsArriving:
      return "packets";
    case HealthFact::kPictureChanging:
      return "picture";
    case HealthFact::kDecodable:
      return "decodable";
    case HealthFact::kAnalysed:
      return "analysed";
  }
  return "unknown";
}

const char* to_string(Truth truth) {
  switch (truth) {
    case Truth::kTrue:
      return "true";
    case Truth::kFalse:
      return "false";
    case Truth::kUnknown:
      return "unknown";
  }
  return "unknown";
}

const char* to_string(ClipStatus status) {
  switch (status) {
    case ClipStatus::kPending:
      return "pending";
    case ClipStatus::kComplete:
      return "complete";
    case ClipStatus::kPartial:
      return "partial";
    case ClipStatus::kMissing:
      return "missing";
  }
  return "unknown";
}

int plane_count(PixelFormat format) {
  switch (format) {
    case PixelFormat::kI420:
      return 3;
    case PixelFormat::kNv12:
      return 2;
    case PixelFormat::kGray8:
    case PixelFormat::kBgr24:
    case PixelFormat::kCentiCelsius:
      return 1;
  }
  return 0;
}

int plane_row_bytes(PixelFormat format, int plane, int width) {
  if (plane < 0 || plane >= plane_count(format)) return 0;
  const int half = (width + 1) / 2;  // chroma of an odd width covers the last column too
  switch (format) {
    case PixelFormat::kGray8:
      return width;
    case PixelFormat::kBgr24:
      return width * 3;
    case PixelFormat::kCentiCelsius:
      return width * 2;
    case PixelFormat::kI420:
      return plane == 0 ? width : half;
    case PixelFormat::kNv12:
      return plane == 0 ? width : half * 2;
  }
  return 0;
}

int plane_rows(PixelFormat format, int plane, int height) {
  if (plane < 0 || plane >= plane_count(format)) return 0;
  return plane == 0 ? height : (height + 1) / 2;
}

double intersection_over_union(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / (a.area() + b.area() - common);
}

}  // namespace kanhu
