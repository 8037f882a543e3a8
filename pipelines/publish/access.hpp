// Who asks on a socket, and what that may see.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kanhu::publish {

// What a subscriber may ask for. `state`, `info` and `look` need no right beyond a facility that is seen; what they answer
// is cut to those facilities.
enum class Right { kLive, kFetch, kClip, kPicture };

// Value. Default: nothing at all.
struct Rights {
  bool every_right = false;  // a socket without keys: whoever reaches it may everything
  std::vector<Right> rights;
  std::vector<std::string> facilities;  // prefixes of facility ids; one that is empty covers all and the gateway's own events ("-")

  static Rights all() { return {true, {}, {""}}; }
  bool may(Right right) const;
  bool sees(std::string_view facility) const;
  bool sees_all() const { return sees(""); }
};

// The peer of one request.
struct Asker {
  std::string user;  // name in the allow-list; empty: a socket without keys
  Rights rights;
};

}  // namespace kanhu::publish
