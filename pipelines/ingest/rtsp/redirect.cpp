// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/redirect.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "pipelines/ingest/rtsp/errors.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::size_t kMostRedirects = 3;
constexpr std::size_t kLongestAddress = 2048;
constexpr std::string_view kPlain = "rtsp://";
constexpr std::string_view kSecure = "rtsps://";

std::string folded(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '"' || c == '\\'; });
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// The address without user information; nothing when it has no host or is not clean.
std::string without_user(std::string_view scheme, std::string_view rest) {
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view path = rest.substr(end).substr(0, rest.substr(end).find('#'));
  std::string_view authority = rest.substr(0, end);
  if (const auto user = authority.rfind('@'); user != std::string_view::npos) authority = authority.substr(user + 1);
  const RtspAddress address = rtsp_address(authority);
  // A colon or bracket inside a host that is no [IPv6].
  if (!authority.starts_with('[') && address.host.find_first_of(":[]") != std::string::npos) return {};
  if (address.host.empty() || !is_port(address.port) || !is_clean(authority) || !is_clean(path)) return {};
  return fmt::format("{}{}{}", scheme, authority, path);
}

}  // namespace

std::string place_of(std::string_view address) {
  const std::string lower = folded(address);
  const std::string_view usual = lower.starts_with(kSecure) ? "322" : "554";
  RtspAddress place = rtsp_address(lower, usual);
  const bool is_ipv6 = place.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", place.host, place.port) : fmt::format("{}:{}", place.host, place.port);
}

std::string after_redirect(const std::string& sent_to, std::string words) {
  return sent_to.empty() ? words : fmt::format("the camera redirects to {}: {}", sent_to, words);
}

RedirectPath::RedirectPath(std::string url, std::vector<std::string> named) : named_(std::move(named)), path_{std::move(url)} {
  for (std::string& one : named_) one = place_of(one);
}

std::string RedirectPath::sent_to() const {
  if (path_.size() < 2) return {};
  return quoted(place_of(url()), 120) + (folded(url()).starts_with(kSecure) ? " (RTSP over TLS)" : "");
}

bool RedirectPath::trusted() const {
  const std::string here = place_of(url());
  // By plain RTSP to where the configuration says RTSP over TLS would be a step down; it starts with rtsp:// today.
  return here == place_of(path_.front()) || std::find(named_.begin(), named_.end(), here) != named_.end();
}

Result<void> RedirectPath::follow(std::string_view location) {
  const auto refuse = [](std::string why) { return fail(ErrorKind::kRedirected, std::move(why)); };
  if (location.size() > kLongestAddress) return refuse("the camera redirects to an address of more than 2,048 characters; restart it");
  const std::string lower = folded(location.substr(0, kSecure.size()));
  const std::string now = folded(url());
  std::string next;
  if (lower.starts_with(kPlain)) {
    if (now.starts_with(kSecure))
      return refuse("the camera redirects from rtsps:// to rtsp://, where everybody on the way can read; correct its settings");
    next = without_user(kPlain, location.substr(kPlain.size()));
  } else if (lower.starts_with(kSecure)) {
    next = without_user(kSecure, location.substr(kSecure.size()));
  } else if (location.starts_with('/') && !location.starts_with("//") && is_clean(location)) {
    const auto scheme = url().find("://") + 3;
    next = url().substr(0, std::min(url().find_first_of("/?#", scheme), url().size())) + std::string(location);
  } else {
    const auto scheme = location.substr(0, location.find(':'));
    return refuse(fmt::format("the camera redirects to {}, which is no rtsp:// address; correct the redirect in its settings",
                              quoted(scheme.size() > 20 ? scheme.substr(0, 20) : scheme)));
  }
  if (next.empty()) return refuse("the camera redirects to something that is no address; correct the redirect in its settings");
  const auto rest_of = [](const std::string& address) {
    const auto slash = address.find('/', address.find("://") + 3);
    return slash == std::string::npos ? std::string("/") : address.substr(slash);
  };
  const auto same = [&](const std::string& one) { return place_of(one) == place_of(next) && rest_of(one) == rest_of(next); };
  if (std::any_of(path_.begin(), path_.end(), same)) {
    std::string circle;
    for (const std::string& one : path_) circle += fmt::format("{} -> ", quoted(place_of(one)));
    return refuse(
        fmt::format("the camera redirects in a circle: {}{}; correct the redirect in its settings", circle, quoted(place_of(next))));
  }
  if (path_.size() > kMostRedirects)
    return refuse(fmt::format("the camera redirects more than {} times, at last to {}; give the final address as url", kMostRedirects,
                              quoted(place_of(next))));
  path_.push_back(std::move(next));
  return {};
}

}  // namespace kanhu::ingest
