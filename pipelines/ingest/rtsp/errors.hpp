// SPDX-License-Identifier: MIT
// What a camera's refusal means.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gst/gst.h>

#include "base/result.hpp"
#include "pipelines/ingest/intake.hpp"

namespace kanhu::ingest {

// Where an rtsp:// address leads. The port is `usual_port` when the address names none.
struct RtspAddress {
  std::string host;
  std::string port;
};
RtspAddress rtsp_address(std::string_view url, std::string_view usual_port = "554");

// How far the conversation had come when it failed.
struct Talk {
  Stage stage = Stage::kConnect;
  bool asked_options = false;   // the last request was OPTIONS, which belongs to Stage::kDescribe
  bool video_offered = false;   // the camera's description named a codec we take
  bool has_credential = false;  // we had a user and a password to show
  bool encrypted = false;       // there is video, but by SRTP only
  std::string offered;          // what the description names, "video VP8, audio PCMA"
};

// An RTSP status code (RFC 2326 section 11) in our words.
Error error_of_status(int status, const Talk& talk);

// An error message of rtspsrc. Never repeats GStreamer's text: it may hold the address.
Error error_of_message(GstMessage* message, const Talk& talk);

// A warning of the receiving pipeline that means that nothing will come; nothing for any other.
std::optional<Error> error_of_warning(GstMessage* message);

// Resolves and connects anew to learn why a connection failed; blocks, at most about `patience` beyond the resolver.
// Nothing when both work.
std::optional<Error> diagnose_connection(const RtspAddress& address, std::chrono::milliseconds patience);

}  // namespace kanhu::ingest
