// SPDX-License-Identifier: MIT
#include "daemon/commands/watch/silence.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pipelines/publish/client/live_probe.hpp"

namespace kanhu {
namespace {

constexpr std::chrono::seconds kWorthAWord{3};
// A call counts for so long at most: a process that was stopped, or did something else, has not listened.
constexpr std::chrono::seconds kMostACall{1};
constexpr std::chrono::milliseconds kPatienceAtTheDoor{1000};

}  // namespace

std::string cause_of_silence(const Peer& peer) {
  const bool keys = peer.keys.has_value();
  switch (publish::try_live(peer.live, peer.keys, kPatienceAtTheDoor)) {
    case publish::LiveDoor::kNobody:
      return "nobody listens there; is the gateway running, and is this its address (publish.live)?";
    case publish::LiveDoor::kOtherMechanism:
      return keys ? "the gateway there asks for no keys; leave --key out"
                  : "the gateway there asks for keys, and none was given; --key FILE takes one that kanhu keys add made";
    case publish::LiveDoor::kShut:  // also where only one side asks for keys: the other's greeting may be lost with the connection
      return keys ? "our key is not allowed: unknown there, expired or withdrawn (kanhu keys list, on the gateway's machine), or its file "
                    "is "
                    "another gateway's; or the gateway there asks for no keys, or hangs"
                  : "we are not allowed: as a rule the gateway there asks for keys, and none was given (--key FILE takes one that kanhu "
                    "keys "
                    "add made); or it hangs, or is no gateway's live socket (publish.live)";
    case publish::LiveDoor::kOpen:
      break;
  }
  return keys ? "our key is allowed, but lacks the right `live` (kanhu keys list, on the gateway's machine)"
              : "a new connection works there, so ours was cut and will be made again; or it is no gateway's live socket (publish.live)";
}

QuietLine::QuietLine(std::string endpoint, std::function<std::string()> cause, Time now)
    : endpoint_(std::move(endpoint)), cause_(std::move(cause)), heard_(now), called_(now) {}

std::optional<std::string> QuietLine::heard(Time now, const std::string& clock) {
  std::optional<std::string> words;
  if (said_)
    words = fmt::format("{}: heard again, after {} s", endpoint_, std::chrono::duration_cast<std::chrono::seconds>(now - heard_).count());
  heard_ = called_ = now;
  since_ = clock;
  quiet_ = {};
  said_ = false;
  return words;
}

std::optional<std::string> QuietLine::nothing(Time now, const std::string& clock) {
  if (since_.empty()) since_ = clock;
  quiet_ += std::min<std::chrono::nanoseconds>(now - std::exchange(called_, now), kMostACall);
  if (said_ || quiet_ < kWorthAWord) return std::nullopt;
  said_ = true;
  return fmt::format("{}: nothing heard since {}: {}", endpoint_, since_, cause_());
}

}  // namespace kanhu
