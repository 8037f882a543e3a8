// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/errors.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.hpp"
#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {
namespace {

const char* name_of(const Talk& talk) {
  switch (talk.stage) {
    case Stage::kConnect:
      return "the connection";
    case Stage::kDescribe:
      return talk.asked_options ? "OPTIONS" : "DESCRIBE";
    case Stage::kSetup:
      return "SETUP";
    case Stage::kPlay:
      return "PLAY";
    case Stage::kDevice:  // never of RTSP
    case Stage::kStreaming:
      break;
  }
  return "the stream";
}

// The status rtspsrc got: as a detail of the message, or for SETUP only in its text, "Error (453): ...".
int status_of(GstMessage* message, std::string_view debug) {
  const GstStructure* details = nullptr;
  gst_message_parse_error_details(message, &details);
  guint code = 0;
  if (details != nullptr && gst_structure_get_uint(details, "rtsp-status-code", &code)) return static_cast<int>(code);
  constexpr std::string_view kMark = "Error (";
  const auto at = debug.find(kMark);
  if (at == std::string_view::npos) return 0;
  int status = 0;
  std::from_chars(debug.data() + at + kMark.size(), debug.data() + debug.size(), status);
  return status;
}

// Nothing of what a camera offers is taken: which is it, and why?
Error nothing_to_take(const Talk& talk) {
  if (talk.encrypted)
    return {ErrorKind::kUnsupported,
            "the camera encrypts its video (SRTP), which is not supported; switch it off in the camera, or its RTSP only"};
  if (talk.offered.empty())
    return {ErrorKind::kUnsupported, "the camera describes no stream at this path; check the path in its manual or settings"};
  return {ErrorKind::kUnsupported,
          fmt::format("the camera offers no H.264, H.265 or MJPEG video at this path, but {}; choose one of them in its settings",
                      quoted(talk.offered, 120))};
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::optional<Error> try_connect(const addrinfo& to, const RtspAddress& address, std::chrono::milliseconds patience) {
  const int fd = ::socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int code = errno;
  if (fd >= 0) {
    code = ::connect(fd, to.ai_addr, to.ai_addrlen) == 0 ? 0 : errno;
    if (code == EINPROGRESS) {
      pollfd wait{fd, POLLOUT, 0};
      socklen_t size = sizeof(code);
      if (::poll(&wait, 1, static_cast<int>(patience.count())) <= 0) {
        code = ETIMEDOUT;
      } else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) {
        code = errno;
      }
    }
    ::close(fd);
  }
  if (code == 0) return std::nullopt;
  const std::string place = fmt::format("{}:{}", quoted(address.host), address.port);
  if (code == ECONNREFUSED)
    return Error{ErrorKind::kRefused,
                 fmt::format("nobody listens at {}; check the port (554 is usual) and that RTSP is switched on in the camera", place)};
  if (code == ETIMEDOUT)
    return Error{ErrorKind::kUnreachable, fmt::format("no answer from {}; check the address, the cable and the firewall", place)};
  return Error{ErrorKind::kUnreachable, fmt::format("no way to {} ({}); check the address and the network", place, std::strerror(code))};
}

}  // namespace

RtspAddress rtsp_address(std::string_view url, std::string_view usual_port) {
  const auto scheme = url.find("://");
  std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const auto user = rest.rfind('@'); user != std::string_view::npos) rest = rest.substr(user + 1);
  RtspAddress address{std::string(rest), std::string(usual_port)};
  const auto bracket = rest.rfind(']');
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    address.host = std::string(rest.substr(0, colon));
    address.port = std::string(rest.substr(colon + 1));
  }
  if (address.host.size() > 1 && address.host.front() == '[' && address.host.back() == ']')
    address.host = address.host.substr(1, address.host.size() - 2);
  return address;
}

Error error_of_status(int status, const Talk& talk) {
  if (status == 401 && !talk.has_credential)
    return {ErrorKind::kNoCredential, "the camera asks for a user and a password; name their secret under credential (kanhu secret set)"};
  if (status == 403 && !talk.has_credential)
    return {ErrorKind::kNoCredential,
            "the camera refuses to show this stream (status 403); it may want a user and a password: name their secret under credential "
            "(kanhu secret set), or allow this machine in its settings"};
  switch (status) {
    case 401:
    case 403:
      return {ErrorKind::kUnauthorized,
              "wrong user or password, or the user may not view this stream; set the secret again (kanhu secret set)"};
    case 404:
      return {ErrorKind::kNotFound, "the camera has no stream at this path; look up the path in the camera's manual or settings"};
    case 405:
    case 501:
    case 551:
      return {ErrorKind::kUnsupported,
              fmt::format("the camera does not know {} (status {}); check that the path is a live stream and update the camera's firmware",
                          name_of(talk), status)};
    case 406:
    case 415:
      if (talk.stage != Stage::kDescribe) break;
      return {ErrorKind::kUnsupported,
              fmt::format("the camera does not describe its stream by SDP (status {}); update its firmware", status)};
    case 453:
      return {ErrorKind::kNoBandwidth,
              "the camera serves no more streams (not enough bandwidth); close other viewers or choose its sub-stream"};
    case 454:
      if (talk.stage == Stage::kDescribe) break;  // there was none
      return {ErrorKind::kIo,
              "the camera forgot the session it had just begun (status 454); restart it, and close other viewers if it stays so"};
    case 455:
      return {
          ErrorKind::kIo,
          fmt::format("the camera refuses {} in its present state (status 455); wait until it has started, or restart it", name_of(talk))};
    case 459:
    case 460:
      return {ErrorKind::kUnsupported,
              fmt::format("the camera wants its streams controlled {} (status {}); give the address of one stream with its track",
                          status == 459 ? "one by one" : "together", status)};
    case 503:
      return {ErrorKind::kNoBandwidth, "the camera is too busy to serve (status 503); close other viewers, wait, or restart it"};
    case 505:
      return {ErrorKind::kUnsupported, "the camera speaks no RTSP 1.0 (status 505); check that the port is its RTSP port"};
    case 461:
      return {ErrorKind::kTransport, "the camera refuses this transport; set transport to tcp, udp or auto"};
    default:
      break;
  }
  return {ErrorKind::kIo, fmt::format("the camera answered {} with status {}; restart the camera if it stays so", name_of(talk), status)};
}

Error error_of_message(GstMessage* message, const Talk& talk) {
  const Stage stage = talk.stage;
  GError* raw_error = nullptr;
  gchar* raw_debug = nullptr;
  gst_message_parse_error(message, &raw_error, &raw_debug);
  const GstPtr<GError> error(raw_error);
  const GstPtr<gchar> debug_text(raw_debug);
  const std::string_view debug = debug_text ? debug_text.get() : "";
  if (const int status = status_of(message, debug); status != 0) return error_of_status(status, talk);
  if (g_error_matches(error.get(), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED)) return error_of_status(401, talk);
  if (g_error_matches(error.get(), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND)) return error_of_status(404, talk);
  if (has(debug, "UDP packets"))
    return {ErrorKind::kTransport, "the camera accepted UDP but no packet came through; set transport to tcp or open the firewall"};
  if (has(debug, "no protocols left") || has(debug, "did not select transport")) return error_of_status(461, talk);
  if (g_error_matches(error.get(), GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) || has(debug, "contains no streams"))
    return talk.video_offered ? error_of_status(461, talk) : nothing_to_take(talk);
  if (has(debug, "upported authentication"))
    return {ErrorKind::kUnauthorized,
            "the camera asks for a kind of authentication that is not supported; choose digest or basic in its RTSP settings"};
  if (stage == Stage::kConnect)
    return {ErrorKind::kUnreachable, "no connection to the camera; check the address, the cable and the firewall"};
  // What the depayloaders and parsers say of a stream comes below.
  if (stage == Stage::kStreaming && error->domain == GST_RESOURCE_ERROR && has(debug, "Parse error"))
    return {ErrorKind::kCorrupt, "the camera sent an RTSP message that cannot be read while it played; update its firmware"};
  if (has(debug, "Parse error") || has(debug, "Invalid") || has(debug, "parse"))
    return {ErrorKind::kCorrupt, fmt::format("the answer to {} is not RTSP; check that the port is the camera's RTSP port", name_of(talk))};
  if (has(debug, "imeout") || has(debug, "imed out"))
    return {ErrorKind::kTimeout,
            fmt::format("connected, but no answer to {} in time; check that the port is the camera's RTSP port", name_of(talk))};
  if (has(debug, "end-of-file") || has(debug, "EOF") || has(debug, "closed"))
    return {ErrorKind::kEndOfStream,
            fmt::format("the other side closed the connection during {}; check that it is a camera and not overloaded", name_of(talk))};
  if (error->domain == GST_STREAM_ERROR)
    return {ErrorKind::kCorrupt, fmt::format("the stream contradicts its own format ({}); restart the camera", error->message)};
  return {ErrorKind::kIo, fmt::format("the connection failed during {}; check the network", name_of(talk))};
}

std::optional<Error> error_of_warning(GstMessage* message) {
  gchar* raw_debug = nullptr;
  GError* raw_error = nullptr;
  gst_message_parse_warning(message, &raw_error, &raw_debug);
  const GstPtr<GError> error(raw_error);
  const GstPtr<gchar> debug(raw_debug);
  const std::string_view said = error ? error->message : "";
  const std::string_view more = debug ? debug.get() : "";
  // rtpjpegdepay: RFC 2435 has 8 bits for a side in units of 8 pixels, 0 for what is longer.
  if (has(said, "Invalid Dimension") || has(more, "Invalid Dimension"))
    return Error{
        ErrorKind::kUnsupported,
        "the MJPEG picture is more than 2040 pixels wide or high and the camera does not say its size (x-dimensions); choose a smaller "
        "picture, or H.264, in its video settings"};
  return std::nullopt;
}

std::optional<Error> diagnose_connection(const RtspAddress& address, std::chrono::milliseconds patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* raw = nullptr;
  const int code = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &raw);
  if (code != 0)
    return Error{ErrorKind::kNameResolution, fmt::format("the name {} has no address ({}); check the spelling and the name server",
                                                         quoted(address.host), ::gai_strerror(code))};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  std::optional<Error> why;
  for (const addrinfo* to = found.get(); to != nullptr; to = to->ai_next) {
    why = try_connect(*to, address, patience);
    if (!why) return std::nullopt;
  }
  return why;
}

}  // namespace kanhu::ingest
