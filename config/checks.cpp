// SPDX-License-Identifier: MIT
#include "config/checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/endpoint.hpp"

namespace kanhu {

namespace {

constexpr std::size_t kMostPoints = 64;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return made;
}

double cross(const Point& a, const Point& b, const Point& c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

bool within(const Point& a, const Point& b, const Point& p) {
  return p.x >= std::min(a.x, b.x) && p.x <= std::max(a.x, b.x) && p.y >= std::min(a.y, b.y) && p.y <= std::max(a.y, b.y);
}

int sign(double value) { return value > 1e-12 ? 1 : value < -1e-12 ? -1 : 0; }

// Whether the closed segments ab and cd have a point in common.
bool meet(const Point& a, const Point& b, const Point& c, const Point& d) {
  const int abc = sign(cross(a, b, c)), abd = sign(cross(a, b, d)), cda = sign(cross(c, d, a)), cdb = sign(cross(c, d, b));
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (abc == 0 && within(a, b, c)) || (abd == 0 && within(a, b, d)) || (cda == 0 && within(c, d, a)) || (cdb == 0 && within(c, d, b));
}

}  // namespace

std::string url_fault(std::string_view url) {
  if (url.size() > 1024) return "a URL of at most 1024 bytes expected";
  if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) {
    return "a URL holds no white space or control characters";
  }
  if (url.find('@') != std::string_view::npos) {
    return "a URL holds no user, password or '@' (shown here to nobody); use credential: NAME, and: kanhu secret set NAME --user USER";
  }
  const std::string folded = lower(url);
  for (const char* word : {"password=", "passwd=", "pwd=", "pass="}) {
    if (folded.find(word) != std::string::npos)
      return "a URL holds no password; use credential: NAME, and: kanhu secret set NAME --user USER";
  }
  if (url.starts_with("file://")) {
    const std::string_view path = url.substr(7);
    return path.size() > 1 && path.front() == '/' ? "" : "a file is given by its absolute path: file:///var/lib/kanhu/recording.mp4";
  }
  if (url.starts_with("v4l2://")) {
    const std::string_view path = url.substr(7);
    return path.starts_with("/dev/") && path.size() > 5 && path.find("..") == std::string_view::npos
               ? ""
               : "a device is given by its path below /dev: v4l2:///dev/video0";
  }
  if (!url.starts_with("rtsp://")) return "only rtsp://host[:port]/path, file:///absolute/path and v4l2:///dev/NAME are known";
  const std::string_view rest = url.substr(7);
  const HostPort parts = split_authority(rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size())));
  if (const std::string fault = host_fault(parts.host); !fault.empty()) return fault + " after rtsp://";
  if (!parts.good || (parts.port && *parts.port == 0)) return "a port from 1 to 65535 expected after the host";
  return "";
}

BrokerAddress check_broker_url(std::string_view url) {
  constexpr const char* kExpected = "mqtt://host[:port] or mqtts://host[:port] expected";
  BrokerAddress address;
  if (url.find('@') != std::string_view::npos)
    return {"a URL holds no user, password or '@' (shown here to nobody); use credential: NAME, and: kanhu secret set NAME --user USER"};
  address.tls = url.starts_with("mqtts://");
  if (!address.tls && !url.starts_with("mqtt://")) return {kExpected};
  std::string_view rest = url.substr(address.tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const HostPort parts = split_authority(rest);
  if (const std::string fault = host_fault(parts.host); !fault.empty()) return {fmt::format("{}: {}", kExpected, fault)};
  if (!parts.good || (parts.port && *parts.port == 0)) return {"a port from 1 to 65535 expected after the host"};
  address.loopback = is_loopback_address(parts.host);
  address.host = parts.host.front() == '[' ? parts.host.substr(1, parts.host.size() - 2) : parts.host;
  address.port = static_cast<int>(parts.port.value_or(address.tls ? 8883 : 1883));
  return address;
}

std::string topic_fault(std::string_view topic) {
  if (topic.empty()) return "a topic such as kanhu/f1/bath/array expected";
  if (topic.find_first_of("+#") != std::string_view::npos)
    return "a topic without the wildcards + and #: its topic tells a sensor from the others";
  if (topic.front() == '$') return "a topic that does not begin with '$': those are the broker's own";
  return "";
}

std::string polygon_fault(const Polygon& polygon) {
  const std::size_t n = polygon.size();
  if (n < 3 || n > kMostPoints) return fmt::format("a polygon has 3 to {} points, found {}", kMostPoints, n);
  for (std::size_t i = 0; i < n; ++i) {
    if (polygon[i] == polygon[(i + 1) % n]) {
      return fmt::format("points {} and {} of the polygon are the same (it closes by itself)", i + 1, (i + 1) % n + 1);
    }
  }
  double area = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Point& a = polygon[i];
    const Point& b = polygon[(i + 1) % n];
    area += a.x * b.y - b.x * a.y;
    for (std::size_t j = i + 1; j < n; ++j) {
      const Point& c = polygon[j];
      const Point& d = polygon[(j + 1) % n];
      const bool neighbours = j == i + 1 || (i == 0 && j == n - 1);
      // Neighbours share one point; more than that is an edge that runs back over the one before.
      const bool bad = neighbours ? (j == i + 1 ? sign(cross(a, b, d)) == 0 && (within(a, b, d) || within(c, d, a))
                                                : sign(cross(c, d, b)) == 0 && (within(c, d, b) || within(a, b, c)))
                                  : meet(a, b, c, d);
      if (bad) return fmt::format("the polygon crosses itself: its edges from point {} and from point {} meet", i + 1, j + 1);
    }
  }
  if (std::abs(area) < 1e-6) return "the polygon has no area";
  return "";
}

std::string time_zone_fault(const std::string& name) {
  std::string expected = fmt::format("{} is no IANA time zone such as Asia/Shanghai", kanhu::quoted(name));
  const bool form =
      !name.empty() && name.size() <= 64 && is_letter_or_digit(name.front()) && name.find("//") == std::string::npos &&
      name.back() != '/' && name.find("..") == std::string::npos &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || c == '/' || c == '_' || c == '-' || c == '+'; });
  if (!form) return expected;
  std::error_code ignored;
  const std::filesystem::path folder = "/usr/share/zoneinfo";
  if (!std::filesystem::is_directory(folder, ignored)) return "";
  std::ifstream file(folder / name, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());  // RFC 8536; a folder or a table beside the zones does not begin so
  return std::string_view(magic.data(), magic.size()) == "TZif" ? "" : expected;
}

std::string not_one_of(std::string_view word, std::span<const std::string_view> allowed) {
  std::string message = fmt::format("{} is not one of {}", kanhu::quoted(word), fmt::join(allowed, ", "));
  if (const std::string near = nearest(word, allowed); !near.empty()) message += fmt::format("; did you mean {}?", near);
  return message;
}

}  // namespace kanhu
