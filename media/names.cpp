// SPDX-License-Identifier: MIT
#include "media/detection.hpp"
#include "media/packet.hpp"

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

}  // namespace kanhu
