// SPDX-License-Identifier: MIT
// A value or an Error: how every fallible function of Kanhu answers.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace kanhu {

// What went wrong, as far as a caller may decide something by it. The supervisor's retry policy and the exit code
// of a sub-command depend on the kind alone, never on the text.
enum class ErrorKind {
  kInvalidArgument,  // the caller's input is wrong; repeating it cannot help
  kInvalidConfig,    // refused configuration
  kNotFound,         // file, camera, event, path on a camera (RTSP 404)
  kPermission,       // the operating system refused
  kUnauthorized,     // wrong user or password (RTSP 401/403)
  kNoCredential,     // user and password are needed and none are there: nothing named, or the secret missing
  kNameResolution,   // DNS
  kRefused,          // nobody listens there
  kUnreachable,      // no route, or no answer to the connection attempt
  kTimeout,          // connected, but no answer in time
  kNoBandwidth,      // RTSP 453
  kTransport,        // the transport could not be agreed on (RTSP 461, blocked UDP)
  kUnsupported,      // codec, size or format outside what is accepted
  kOversized,        // one picture or answer without end, or larger than is accepted
  kRedirected,       // the camera sends us to where we do not go
  kSessionTimeout,   // the camera ended the session by its own timer, which it lets nobody reset
  kNoKeyFrame,       // packets arrive, but none that decoding can start from
  kStalled,          // packets stopped although the connection is open
  kEndOfStream,      // the other side ended the stream
  kCorrupt,          // data that contradicts its own format
  kNewerFormat,      // a durable file written by a newer version: left untouched
  kNoSpace,          // disk full
  kIo,               // any other failure of file or socket
  kClosed,           // the queue, socket or process on the other side has gone
  kInternal,         // a broken promise of our own
};

// The kind's name as it appears in events, logs and JSON ("unauthorized", "no_key_frame", ...).
const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;  // one sentence for a person: the place and the fix; never a secret
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) { return tl::unexpected<Error>(Error{kind, std::move(message)}); }

}  // namespace kanhu
