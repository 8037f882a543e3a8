// SPDX-License-Identifier: MIT
#include "tests/support/demo/ledger.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu::demo {
namespace {

std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const Json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// kanhu1/<facility>/<source>/<type>/
std::vector<std::string> parts_of(const std::string& topic) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t slash; (slash = topic.find('/', at)) != std::string::npos; at = slash + 1) parts.push_back(topic.substr(at, slash - at));
  return parts;
}

Result<void> read_body(SeenEvent& event) {
  const auto body = parse_json(event.body);
  if (!body) return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: {}", event.epoch, event.seq, body.error().message));
  event.subject = text_of(*body, "subject");
  if (body->is_object() && body->contains("data")) event.data = (*body)["data"];
  event.phase = text_of(event.data, "phase");
  return {};
}

std::string name_of(const SeenEvent& event) {
  return fmt::format("{} of {}/{} (seq {})", event.type, event.facility, event.source, event.seq);
}

std::string reasons(const std::map<std::string, std::uint64_t>& counts) {
  if (counts.size() == 1) return " (" + counts.begin()->first + ")";
  std::string text;
  for (const auto& [reason, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, reason);
  return text.empty() ? "" : " (" + text + ")";
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t all = 0;
  for (const auto& [reason, count] : counts) all += count;
  return all;
}

}  // namespace

std::string SeenEvent::text(const char* key) const { return text_of(data, key); }

std::string SeenEvent::clip_text(const char* key) const {
  return data.is_object() && data.contains("clip") ? text_of(data["clip"], key) : std::string();
}

std::string to_text(const Account& account) {
  return fmt::format(
      "{} events journalled: {} received live, {} before the feed was connected, {} in the gap of the restart (read from the journal), "
      "{} lost, {} repeated\nclips: {} complete, {} partial{}, {} missing{}",
      account.journalled, account.live, account.before_connecting, account.in_restart_gap, account.lost, account.repeated,
      account.clips_complete, sum(account.clips_partial), reasons(account.clips_partial), sum(account.clips_missing),
      reasons(account.clips_missing));
}

std::size_t Ledger::ordinal_of(const std::string& epoch) {
  const auto found = std::find(epochs_.begin(), epochs_.end(), epoch);
  if (found != epochs_.end()) return static_cast<std::size_t>(found - epochs_.begin());
  epochs_.push_back(epoch);
  return epochs_.size() - 1;
}

Result<Ledger::Received> Ledger::received(const publish::LiveMessage& message) {
  Received result;
  const auto parts = parts_of(message.topic);
  if (parts.size() != 4) return fail(ErrorKind::kCorrupt, fmt::format("topic {}", message.topic));
  if (parts[3] == "heartbeat" || parts[3] == "commit") return result;
  const std::string epoch = text_of(message.header, "epoch");
  const std::size_t known = epochs_.size();
  const std::size_t ordinal = ordinal_of(epoch);
  const bool has_contact =
      std::any_of(contacts_.begin(), contacts_.end(), [ordinal](const auto& contact) { return contact.first.first == ordinal; });
  result.first_of_epoch = known > 0 && ordinal > 0 && !has_contact;

  const bool is_head = parts[3] == "head";
  const std::uint64_t number = number_of(message.header, "stream_seq");
  const auto [contact, first] = contacts_.try_emplace({ordinal, parts[1]}, Contact{is_head ? number + 1 : number, number});
  contact->second.last = std::max(contact->second.last, number);
  if (is_head) {
    const auto body = parse_json(message.payload);
    if (!body) return fail(ErrorKind::kCorrupt, fmt::format("head of {}: {}", parts[1], body.error().message));
    if (first) previous_.push_back({epoch, parts[1], body->value("previous", Json())});
    return result;
  }

  SeenEvent event{epoch, number_of(message.header, "seq"), number, parts[1], parts[2], parts[3], {}, {}, {}, message.payload};
  if (auto read = read_body(event); !read) return tl::make_unexpected(read.error());
  const auto [entry, is_new] = entries_.try_emplace({ordinal, event.seq}, Entry{event});
  if (!is_new && entry->second.event.body != event.body) {
    conflicts_.push_back(fmt::format("{}: two different events have the number {}", name_of(event), event.seq));
  } else if (!is_new && entry->second.live) {
    ++delivered_twice_;
  }
  entry->second.live = true;
  entry->second.durable = message.header.value("durable", true) || message.header.value("provisional", false);
  result.is_new = is_new;
  if (is_new) result.event = std::move(event);
  return result;
}

Result<bool> Ledger::journalled(const journal::JournalRecord& record) {
  const std::size_t ordinal = ordinal_of(record.id.epoch);
  SeenEvent event{record.id.epoch, record.id.seq, record.id.stream_seq, record.facility, record.source, record.type, {}, {}, {},
                  record.body};
  if (auto read = read_body(event); !read) return tl::make_unexpected(read.error());
  const auto [entry, is_new] = entries_.try_emplace({ordinal, event.seq}, Entry{event});
  if (!is_new && entry->second.event.body != event.body && !entry->second.in_journal) {
    conflicts_.push_back(fmt::format("{}: the journal holds something else than was received", name_of(event)));
  }
  entry->second.in_journal = true;
  return is_new;
}

void Ledger::killed() {
  if (!epochs_.empty()) killed_.insert(epochs_.size() - 1);
}

std::vector<const SeenEvent*> Ledger::events() const {
  std::vector<const SeenEvent*> all;
  for (const auto& [key, entry] : entries_) all.push_back(&entry.event);
  return all;
}

Account Ledger::account(bool stopped) const {
  Account account;
  account.problems = conflicts_;
  account.repeated = conflicts_.size() + delivered_twice_;
  if (delivered_twice_ > 0) account.problems.push_back(fmt::format("{} events were delivered twice", delivered_twice_));
  check_numbers(account);
  check_delivery(account);
  check_previous(account);
  check_incidents(account, stopped);
  check_clips(account, stopped);
  return account;
}

// 1, 2, 3 ... in every epoch and in every stream of it.
void Ledger::check_numbers(Account& account) const {
  std::map<std::pair<std::size_t, std::string>, std::uint64_t> last;
  const auto expect_next = [&](std::size_t ordinal, const std::string& stream, std::uint64_t number) {
    std::uint64_t& before = last[{ordinal, stream}];
    if (number != before + 1) {
      const std::string whose = stream.empty() ? "the gateway" : "stream " + stream;
      account.problems.push_back(fmt::format("epoch {}, {}: number {} follows {}", ordinal + 1, whose, number, before));
      if (stream.empty() && number > before + 1) account.lost += number - before - 1;
    }
    before = number;
  };
  for (const auto& [key, entry] : entries_) {
    expect_next(key.first, "", entry.event.seq);
    expect_next(key.first, entry.event.facility, entry.event.stream_seq);
  }
}

void Ledger::check_delivery(Account& account) const {
  for (const auto& [key, entry] : entries_) {
    account.journalled += entry.in_journal ? 1 : 0;
    if (!entry.in_journal) {
      ++account.lost;
      account.problems.push_back(fmt::format("{}{} was received, the journal does not have it", name_of(entry.event),
                                             entry.durable ? "" : ", said not to be durable,"));
    }
    if (entry.live) {
      ++account.live;
      continue;
    }
    const auto contact = contacts_.find({key.first, entry.event.facility});
    const bool before = contact == contacts_.end() || entry.event.stream_seq < contact->second.first;
    const bool after_kill = contact != contacts_.end() && killed_.contains(key.first) && entry.event.stream_seq > contact->second.last;
    if (before && key.first == 0) {
      ++account.before_connecting;
    } else if (after_kill || (before && killed_.contains(key.first - 1))) {
      ++account.in_restart_gap;
    } else {
      ++account.lost;
      account.problems.push_back(fmt::format("{} is in the journal, but was never received", name_of(entry.event)));
    }
  }
}

// What a head says of the epoch before must be what the journal holds of it: so a subscriber knows what it missed.
void Ledger::check_previous(Account& account) const {
  for (const Previous& previous : previous_) {
    const auto found = std::find(epochs_.begin(), epochs_.end(), previous.epoch);
    const auto ordinal = static_cast<std::size_t>(found - epochs_.begin());
    if (ordinal == 0) continue;
    std::uint64_t seq = 0, stream_seq = 0;
    for (auto entry = entries_.lower_bound({ordinal - 1, 0}); entry != entries_.end() && entry->first.first == ordinal - 1; ++entry) {
      if (!entry->second.in_journal) continue;
      seq = std::max(seq, entry->second.event.seq);
      if (entry->second.event.facility == previous.facility) stream_seq = std::max(stream_seq, entry->second.event.stream_seq);
    }
    if (text_of(previous.value, "epoch") == epochs_[ordinal - 1] && number_of(previous.value, "seq") == seq &&
        number_of(previous.value, "stream_seq") == stream_seq) {
      continue;
    }
    account.problems.push_back(fmt::format("the head of {} in epoch {} names other last numbers than the journal has: {} instead of {}/{}",
                                           previous.facility, ordinal + 1, previous.value.dump(), seq, stream_seq));
  }
}

// Every start has exactly one end, over all epochs together.
void Ledger::check_incidents(Account& account, bool stopped) const {
  std::map<std::string, const SeenEvent*> open;
  std::set<std::string> ended;
  for (const SeenEvent* event : events()) {
    const bool is_open = open.contains(event->subject), has_ended = ended.contains(event->subject);
    if (event->phase == "start") {
      if (is_open || has_ended) {
        ++account.repeated;
        account.problems.push_back(fmt::format("{} starts a second time", name_of(*event)));
      }
      open[event->subject] = event;
    } else if (event->phase == "end") {
      if (!is_open) {
        account.repeated += has_ended ? 1 : 0;
        account.problems.push_back(fmt::format("{} {}", name_of(*event), has_ended ? "ends a second time" : "ends what never started"));
      }
      open.erase(event->subject);
      ended.insert(event->subject);
    }
  }
  if (!stopped) return;
  for (const auto& [subject, start] : open) account.problems.push_back(fmt::format("{} has no end", name_of(*start)));
}

// The latest status is the truth.
void Ledger::check_clips(Account& account, bool stopped) const {
  std::map<std::string, const SeenEvent*> latest;
  for (const SeenEvent* event : events()) {
    if (const std::string id = event->clip_text("id"); !id.empty()) latest[id] = event;
  }
  for (const auto& [id, event] : latest) {
    const std::string status = event->clip_text("status"), reason = event->clip_text("reason");
    if (status == "complete") {
      ++account.clips_complete;
    } else if (status == "pending") {
      if (stopped) account.problems.push_back(fmt::format("clip {} of {}/{} is still pending", id, event->facility, event->source));
    } else {
      ++(status == "partial" ? account.clips_partial : account.clips_missing)[reason];
      if (reason.empty()) account.problems.push_back(fmt::format("clip {} is {} without a reason", id, status));
    }
  }
}

}  // namespace kanhu::demo
