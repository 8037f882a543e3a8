// SPDX-License-Identifier: MIT
// Follows a gateway without missing an event, or says which one is missing: gaps are noticed by `stream_seq`, what is missing is fetched
// from the journal, a line that went dead is connected anew. The contract is docs/events.md, Numbers and gaps.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/publish/access/curve_keys.hpp"
#include "pipelines/publish/client/gap_check.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu::publish {

// Thread: confined.
class Follower {
 public:
  // Up to this number of the epoch nothing is missing. An empty epoch stands in front of the oldest event that is kept.
  struct Place {
    std::string epoch;
    std::uint64_t seq = 0;
  };
  struct Options {
    std::string live, query;              // no query: nothing can be fetched, what did not come is a gap
    std::vector<std::string> facilities;  // empty: all; "-" the gateway's own events
    std::optional<Place> after;           // nothing: from now on
    std::optional<ClientKeys> keys;
    std::chrono::milliseconds patience{5'000};  // for an answer, and for an announced event to become durable
  };

  // Each (epoch, seq) once. `payload`: a CloudEvents object in canonical JSON.
  struct Event {
    std::string epoch;
    std::uint64_t seq = 0, stream_seq = 0;
    std::string topic;
    Json header;
    std::string payload;
    bool fetched = false;  // it came from the journal
  };
  // `first` to `last` will not come; `last` 0: how many is unknown. Reasons are those of docs/events.md and, of this class, `not_delivered`
  // (announced, not durable in time), `not_fetched` (`streams` names the stream and how many) and `unknown_end` (the epoch ended on a full
  // disk).
  struct Gap {
    std::string epoch;
    std::uint64_t first = 0, last = 0;
    std::string reason;
    Json streams;
  };
  // So many events of a stream did not come live; what the journal has of them follows.
  struct Missed {
    std::string stream;
    std::uint64_t count = 0;
  };
  struct Restarted {
    std::string epoch;
  };
  // The journal does not answer, and is asked again; or it refuses (`is_final`), and what is missing follows as gaps.
  struct Unanswered {
    Error error;
    bool is_final = false;
  };
  using Item = std::variant<Event, Gap, Missed, Restarted, Unanswered>;

  // kInvalidArgument when `live` is no address.
  static Result<std::unique_ptr<Follower>> connect(Options options);

  // The next item, or nothing within `patience`; an answer of the journal may take longer. kCorrupt for a message or answer that is not of
  // the contract: it is passed over, go on calling. Any other error is the socket's.
  Result<std::optional<Item>> next(std::chrono::milliseconds patience);

  // Up to which everything was given by `next`, of every stream. Heads move it on while nothing happens.
  Place place() const { return items_.empty() ? place_ : given_; }
  // Messages of any kind that came so far, heartbeats too.
  std::uint64_t heard() const { return heard_; }
  // What came live, before anything was fetched.
  const GapCheck::Totals& live_totals() const { return gaps_.totals(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Message {
    LiveMessage live;
    GapCheck::Verdict verdict;
    std::string epoch;
    std::uint64_t seq = 0, stream_seq = 0;
    bool is_head = false;
    bool looked = false;  // what stands in front of it was asked for
  };
  struct Stream {
    std::uint64_t last = 0, sure = 0;  // stream_seq; the seq up to which nothing of it is missing
  };
  // Until nothing durable is left and, where a message showed that something is missing, what stands in front of that has come.
  struct CatchUp {
    std::optional<Message> then;
    Clock::time_point until, retry;
    bool told = false;  // that nobody answers
  };

  explicit Follower(Options options);
  Result<void> reconnect();
  Result<bool> receive(std::chrono::milliseconds patience);
  void take(Message message);
  void complete(Stream& stream, std::uint64_t seq);
  Result<void> fetch();
  void go_without(Error refusal);
  void take_page(const Json& page);
  void take_answered(const Json& page);
  void take_fetched(const Json& event);
  void raise(const std::string& facility, std::uint64_t number);
  void enter(const std::string& epoch, std::uint64_t seq);
  void give(Item item) { items_.emplace_back(std::move(item), place_); }

  Options options_;
  std::unique_ptr<Subscriber> live_;
  GapCheck gaps_;
  Place place_, given_;       // place_: up to which no stream lacks anything
  std::uint64_t newest_ = 0;  // the highest seq of the epoch that came
  std::map<std::string, Stream> streams_;
  std::map<std::string, std::uint64_t> passed_;  // last seq of the epochs before: a restored backup begins with them again
  bool partial_ = false;                         // numbers in between are of streams that are not shown to us
  bool follows_only_ = false;                    // nothing was fetched yet: a stream begins with its first message
  bool refused_ = false;                         // the journal, when it was asked last
  std::optional<CatchUp> catch_up_;
  std::deque<Message> waiting_;
  std::deque<std::pair<Item, Place>> items_;
  std::uint64_t heard_ = 0;
  Clock::time_point heard_at_, connected_;
};

}  // namespace kanhu::publish
