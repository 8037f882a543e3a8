// SPDX-License-Identifier: MIT
// Accounts for every event and clip of a gateway's run: what its journal holds against what a subscriber received.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu::demo {

// An event, wherever it came from.
struct SeenEvent {
  std::string epoch;
  std::uint64_t seq = 0, stream_seq = 0;
  std::string facility, source;  // "-" where there is none
  std::string type;              // without the "kanhu." prefix
  std::string phase, subject;
  Json data;
  std::string body;

  std::string text(const char* key) const;       // a string of `data`, or empty
  std::string clip_text(const char* key) const;  // a string of `data.clip`, or empty
};

struct Account {
  std::uint64_t journalled = 0;
  std::uint64_t live = 0;               // received over the socket, each counted once
  std::uint64_t before_connecting = 0;  // journalled before the subscriber's first message
  std::uint64_t in_restart_gap = 0;     // journalled between the kill and the subscriber's return
  std::uint64_t lost = 0;               // in neither of these, or missing in the journal
  std::uint64_t repeated = 0;           // delivered, started or ended twice
  std::uint64_t clips_complete = 0;
  std::map<std::string, std::uint64_t> clips_partial, clips_missing;  // by reason
  std::vector<std::string> problems;                                  // a sentence each; empty: everything is accounted for
};

// Two lines a person reads.
std::string to_text(const Account& account);

// Fed with every message of the live socket, in order, and with the journal as often as one likes.
// Thread: confined.
class Ledger {
 public:
  struct Received {
    bool is_new = false;          // an event not known before
    bool first_of_epoch = false;  // the first message of an epoch that is not the first
    SeenEvent event;              // when is_new
  };
  Result<Received> received(const publish::LiveMessage& message);
  // True when the event was not known before: it came while nobody listened.
  Result<bool> journalled(const journal::JournalRecord& record);
  // The gateway of the newest epoch was killed: what it wrote after the last message received belongs to the gap.
  void killed();

  // Everything known, by epoch and number.
  std::vector<const SeenEvent*> events() const;
  // `stopped`: the gateway has ended in order, so that nothing may be open any more.
  Account account(bool stopped) const;

 private:
  struct Entry {
    SeenEvent event;
    bool live = false, in_journal = false, durable = true;
  };
  struct Contact {
    std::uint64_t first = 0, last = 0;  // stream numbers between which every event must have been received
  };
  struct Previous {
    std::string epoch, facility;  // the epoch that says it, and of which stream
    Json value;
  };
  using Key = std::pair<std::size_t, std::uint64_t>;  // ordinal of the epoch, seq

  std::size_t ordinal_of(const std::string& epoch);
  void check_numbers(Account& account) const;
  void check_delivery(Account& account) const;
  void check_previous(Account& account) const;
  void check_incidents(Account& account, bool stopped) const;
  void check_clips(Account& account, bool stopped) const;

  std::vector<std::string> epochs_;
  std::set<std::size_t> killed_;
  std::map<Key, Entry> entries_;
  std::map<std::pair<std::size_t, std::string>, Contact> contacts_;
  std::vector<Previous> previous_;
  std::vector<std::string> conflicts_;
  std::uint64_t delivered_twice_ = 0;
};

}  // namespace kanhu::demo
