// SPDX-License-Identifier: MIT
// What makes single values legal that a type alone does not. Each answers with the fault in words, or with nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace kanhu {

// rtsp://host[:port]/path, file:///absolute/path or v4l2:///dev/NAME. Never repeats the URL: it may hold a password.
std::string url_fault(std::string_view url);

struct BrokerAddress {
  std::string fault;
  bool tls = false;
  bool loopback = true;
  std::string host{};  // without brackets
  int port = 0;
};
// mqtt://host[:port] (1883) or mqtts://host[:port] (8883).
BrokerAddress check_broker_url(std::string_view url);

// A topic that one sensor publishes on: no wildcard, no shared subscription, none of the broker's own.
std::string topic_fault(std::string_view topic);

// 3 to 64 points in 0..1, no two edges crossing or touching, no point twice, an area.
std::string polygon_fault(const Polygon& polygon);

// A name of /usr/share/zoneinfo; where that folder is missing, anything of its form.
std::string time_zone_fault(const std::string& name);

// "\"x\" is not one of a, b, c; did you mean a?"
std::string not_one_of(std::string_view word, std::span<const std::string_view> allowed);

}  // namespace kanhu
