// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// kanhu1/<facility>/<source>/<type>/
struct TopicParts {
  std::string facility, source, type;
};
// Nothing when it is no topic of the contract.
std::optional<TopicParts> topic_parts(const std::string& topic);

// What any subscriber has to do (docs/events.md): follows `stream_seq` per facility and `head` messages, and so knows
// what it did not get. A stream is known from its first message on; after a restart seen by this subscriber, from 1.
// Thread: confined.
class GapCheck {
 public:
  struct Verdict {
    bool is_event = false;
    bool duplicate = false;
    std::uint64_t missed = 0;  // events of this stream that should have come before this message
    bool new_epoch = false;    // the gateway was restarted
    bool open = false;         // the numbers of the epoch before are not all that was shown of it; said once
    std::string stream;
  };
  Verdict look(const publish::LiveMessage& message);

  struct Totals {
    std::uint64_t events = 0, duplicates = 0, gaps = 0, missed = 0;
  };
  const Totals& totals() const { return totals_; }

 private:
  void look_at_the_end_before(const std::string& payload, Verdict& verdict);

  std::string epoch_;
  bool restarted_ = false;                      // this epoch was seen to begin: its streams count from 1
  std::map<std::string, std::uint64_t> last_;   // by stream, in this epoch
  std::map<std::string, std::uint64_t> ended_;  // of the epoch before, until a head says how that one ended
  std::string ended_epoch_;
  bool said_open_ = false;
  Totals totals_;
};

}  // namespace kanhu
