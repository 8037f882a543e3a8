// SPDX-License-Identifier: MIT
#include "base/result.hpp"

namespace kanhu {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument:
      return "invalid_argument";
    case ErrorKind::kInvalidConfig:
      return "invalid_config";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kPermission:
      return "permission";
    case ErrorKind::kUnauthorized:
      return "unauthorized";
    case ErrorKind::kNoCredential:
      return "no_credential";
    case ErrorKind::kNameResolution:
      return "name_resolution";
    case ErrorKind::kRefused:
      return "refused";
    case ErrorKind::kUnreachable:
      return "unreachable";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kNoBandwidth:
      return "no_bandwidth";
    case ErrorKind::kTransport:
      return "transport";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kOversized:
      return "oversized";
    case ErrorKind::kRedirected:
      return "redirected";
    case ErrorKind::kSessionTimeout:
      return "session_timeout";
    case ErrorKind::kNoKeyFrame:
      return "no_key_frame";
    case ErrorKind::kStalled:
      return "stalled";
    case ErrorKind::kEndOfStream:
      return "end_of_stream";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kNewerFormat:
      return "newer_format";
    case ErrorKind::kNoSpace:
      return "no_space";
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kClosed:
      return "closed";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace kanhu
