#include "pipelines/ingest/rtsp_errors.hpp"

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

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::kConnect:
      return "the connection";
    case Stage::kDescribe:
      return "DESCRIBE";
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

RtspAddress rtsp_address(std::string_view url) {
  const auto scheme = url.find("://");
  std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const auto user = rest.rfind('@'); user != std::string_view::npos) rest = rest.substr(user + 1);
  RtspAddress address{std::string(rest), "554"};
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
  switch (status) {
    case 401:
    case 403:
      return {ErrorKind::kUnauthorized,
              "wrong user or password, or the user may not view this stream; set the secret anew (kanhu secret set)"};
    case 404:
      return {ErrorKind::kNotFound, "the camera has no stream at this path; look up the path in the camera's manual or settings"};
    case 453:
    case 503:
      return {ErrorKind::kNoBandwidth,
              "the camera serves no more streams (not enough bandwidth); close other viewers or choose its sub-stream"};
    case 461:
      return {ErrorKind::kTransport, "the camera refuses this transport; set transport to tcp, udp or auto"};
    default:
      break;
  }
  return {ErrorKind::kIo,
          fmt::format("the camera answered {} with status {}; restart the camera if it stays so", name_of(talk.stage), status)};
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
    return talk.video_offered ? error_of_status(461, talk)
                              : Error{ErrorKind::kUnsupported,
                                      "the camera offers no H.264, H.265 or MJPEG video at this path; choose one of them in its settings"};
  if (has(debug, "upported authentication"))
    return {ErrorKind::kUnauthorized,
            "the camera asks for a kind of authentication that is not supported; choose digest or basic in its RTSP settings"};
  if (stage == Stage::kConnect)
    return {ErrorKind::kUnreachable, "no connection to the camera; check the address, the cable and the firewall"};
  if (has(debug, "Parse error") || has(debug, "Invalid") || has(debug, "parse"))
    return {ErrorKind::kCorrupt,
            fmt::format("the answer to {} is not RTSP; check that the port is the camera's RTSP port", name_of(stage))};
  if (has(debug, "imeout") || has(debug, "imed out"))
    return {ErrorKind::kTimeout,
            fmt::format("connected, but no answer to {} in time; check that the port is the camera's RTSP port", name_of(stage))};
  if (has(debug, "end-of-file") || has(debug, "EOF") || has(debug, "closed"))
    return {ErrorKind::kEndOfStream,
            fmt::format("the other side closed the connection during {}; check that it is a camera and not overloaded", name_of(stage))};
  if (error->domain == GST_STREAM_ERROR)
    return {ErrorKind::kCorrupt, fmt::format("the stream contradicts its own format ({}); restart the camera", error->message)};
  return {ErrorKind::kIo, fmt::format("the connection failed during {}; check the network", name_of(stage))};
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
