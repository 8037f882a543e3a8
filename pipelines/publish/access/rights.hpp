// SPDX-License-Identifier: MIT
// Who asks on a socket, and what that may see.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/allow_list.hpp"

namespace kanhu::publish {

using kanhu::Right;

// Value. Default: nothing at all.
struct Rights {
  bool every_right = false;  // a socket without keys: whoever reaches it may everything
  std::vector<Right> rights;
  // `f1` that facility, `f*` all whose id begins so, `*` all and the gateway's own events ("-").
  std::vector<std::string> facilities;

  static Rights all() { return {true, {}, {"*"}}; }
  bool may(Right right) const;
  bool sees(std::string_view facility) const;
  bool sees_all() const;
  bool operator==(const Rights&) const = default;
};

// The peer of one request.
struct Asker {
  std::string user;  // name in the allow-list; empty: a socket without keys
  Rights rights;
  std::string connection = {};  // by which it asks: a name that no other one has at that time
};

// What is subscribed at the socket for somebody who asks for `prefix`: the prefix itself where it lies inside of what may be seen, else
// what may be seen of it, no entry inside of another. The heartbeat is everybody's; nothing is given without the right kLive.
std::vector<std::string> permitted_topics(const Rights& rights, std::string_view prefix);

}  // namespace kanhu::publish
