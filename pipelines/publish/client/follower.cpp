// SPDX-License-Identifier: MIT
#include "pipelines/publish/client/follower.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include <fmt/format.h>

#include "pipelines/publish/client/answer.hpp"
#include "pipelines/publish/wire.hpp"

namespace kanhu::publish {
namespace {

using std::chrono::milliseconds;

// Without a head or heartbeat: the line or the gateway is gone.
constexpr std::chrono::seconds kDeadAfter{5};
// Between two questions to a journal that does not answer, or does not have yet what was announced.
constexpr milliseconds kAskAgain{100}, kAskTheSilentAgain{500};
// Messages that came while the journal was asked. What comes behind them is let go, and noticed as a gap when its turn comes.
constexpr std::size_t kMostWaiting = 20'000;
constexpr int kPageEvents = 2000;
constexpr int kPageBytes = 1 << 20;

std::string facility_of(const std::string& topic) {
  auto parts = topic_parts(topic);
  if (!parts) throw std::invalid_argument("a topic that is not kanhu1/FACILITY/SOURCE/TYPE/");
  return std::move(parts->facility);
}

}  // namespace

Follower::Follower(Options options)
    : options_(std::move(options)), place_(options_.after.value_or(Place{})), follows_only_(!options_.after), heard_at_(Clock::now()) {
  if (!follows_only_) catch_up_ = CatchUp{};
}

Result<std::unique_ptr<Follower>> Follower::connect(Options options) {
  std::unique_ptr<Follower> made(new Follower(std::move(options)));
  if (auto connected = made->reconnect(); !connected) return tl::unexpected(connected.error());
  return made;
}

// The heartbeat is everybody's: whoever does not hear it is not connected, however quiet a facility is.
Result<void> Follower::reconnect() {
  std::vector<std::string> topics;
  for (const std::string& facility : options_.facilities) topics.push_back(fmt::format("{}{}/", kTopicRoot, facility));
  if (!topics.empty()) topics.push_back(topic("-", "-", "heartbeat"));
  auto made = Subscriber::connect(options_.live, topics, options_.keys);
  if (!made) return tl::unexpected(made.error());
  live_ = std::move(*made);
  connected_ = Clock::now();
  return {};
}

Result<std::optional<Follower::Item>> Follower::next(milliseconds patience) {
  const auto until = Clock::now() + patience;
  const auto left = [&](Clock::time_point end) {
    return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - Clock::now()));
  };
  while (items_.empty()) {
    try {
      if (catch_up_ && Clock::now() >= catch_up_->retry) {
        if (auto fetched = fetch(); !fetched) return tl::unexpected(fetched.error());
      } else if (!catch_up_ && !waiting_.empty()) {
        Message message = std::move(waiting_.front());
        waiting_.pop_front();
        take(std::move(message));
      } else {
        const auto came = receive(left(catch_up_ ? std::min(until, catch_up_->retry) : until));
        if (!came) return tl::unexpected(came.error());
        if (!*came && !catch_up_) return std::optional<Item>();
      }
    } catch (const std::exception& error) {  // of JSON: what came is not of the contract
      return fail(ErrorKind::kCorrupt, fmt::format("{}: what came is not of the contract: {}", options_.live, error.what()));
    }
    if (items_.empty() && Clock::now() >= until) return std::optional<Item>();
  }
  auto [item, behind] = std::move(items_.front());
  items_.pop_front();
  given_ = std::move(behind);
  return std::optional<Item>(std::move(item));
}

// False when nothing came. A connection that was cut while idle looks alive to this end for ever: so it is made anew after a silence.
Result<bool> Follower::receive(milliseconds patience) {
  if (Clock::now() - std::max(heard_at_, connected_) > kDeadAfter) {
    if (auto connected = reconnect(); !connected) return tl::unexpected(connected.error());
  }
  auto came = live_->receive(patience);
  if (!came) return tl::unexpected(came.error());
  if (!*came) return false;
  ++heard_;
  heard_at_ = Clock::now();
  const auto parts = topic_parts((*came)->topic);
  if (!parts || parts->type == "heartbeat" || parts->type == "commit" || waiting_.size() >= kMostWaiting) return true;
  Message message;
  const Json& header = (*came)->header;
  message.epoch = header.at("epoch").get<std::string>();
  message.seq = header.at("seq").get<std::uint64_t>();
  message.stream_seq = header.at("stream_seq").get<std::uint64_t>();
  message.is_head = parts->type == "head";
  if (message.stream_seq == 0 && !message.is_head) throw std::out_of_range("an event whose stream_seq is 0");
  message.verdict = gaps_.look(**came);
  message.live = std::move(**came);
  waiting_.push_back(std::move(message));
  return true;
}

void Follower::take(Message message) {
  const std::string& facility = message.verdict.stream;
  // It waited here while the rest of its epoch was fetched, and the next one.
  if (message.epoch != place_.epoch && passed_.contains(message.epoch)) return;
  if (!message.looked) {
    if (message.verdict.new_epoch) give(Restarted{message.epoch});
    if (message.verdict.missed > 0) give(Missed{facility, message.verdict.missed});
  }
  const std::uint64_t before = message.is_head ? message.stream_seq : message.stream_seq - 1;  // what must have come by now
  if (place_.epoch.empty() && follows_only_) {
    newest_ = message.is_head ? message.seq : message.seq - 1;
    place_ = {message.epoch, newest_};
  }
  const bool same = message.epoch == place_.epoch;
  if (same && follows_only_) streams_.try_emplace(facility, Stream{before, 0});
  const bool jumps = same && !message.is_head && options_.facilities.empty() && !partial_ && !message.looked && message.seq > newest_ + 1;
  if (!same || before > streams_[facility].last || jumps) {
    message.looked = true;
    catch_up_ = CatchUp{std::move(message), Clock::now() + options_.patience, {}, false};
    return;
  }
  if (refused_ && message.verdict.missed > 0) give(Gap{{}, 0, 0, "not_fetched", {{facility, {{"missed", message.verdict.missed}}}}});
  if (refused_ && message.verdict.open) give(Gap{{}, 0, 0, "unknown_end", Json::object()});
  Stream& stream = streams_[facility];
  if (before < stream.last) return;  // it came already
  stream.last = message.stream_seq;
  complete(stream, message.seq);
  if (message.is_head) return;
  if (message.seq == place_.seq + 1) place_.seq = message.seq;
  newest_ = std::max(newest_, message.seq);
  give(Event{std::move(message.epoch), message.seq, message.stream_seq, std::move(message.live.topic), std::move(message.live.header),
             std::move(message.live.payload), false});
}

// Nothing of the stream is missing up to `seq`. The place goes as far as that is so of every stream.
void Follower::complete(Stream& stream, std::uint64_t seq) {
  if (std::exchange(stream.sure, seq) > place_.seq) return;  // others hold it
  for (const auto& [facility, other] : streams_) seq = std::min(seq, other.sure);
  place_.seq = std::max(place_.seq, seq);
}

Result<void> Follower::fetch() {
  if (options_.query.empty()) {
    go_without({ErrorKind::kInvalidArgument, "no query address is known, so what was missed cannot be fetched"});
    return {};
  }
  Json request{{"v", 1}, {"request", "fetch"}, {"max_events", kPageEvents}, {"max_bytes", kPageBytes}};
  if (!place_.epoch.empty()) request.update({{"epoch", place_.epoch}, {"after", place_.seq}});
  if (!options_.facilities.empty()) request["streams"] = options_.facilities;
  const auto page = query(options_.query, request, options_.patience, options_.keys);
  auto refused = page ? error_of_answer(*page, options_.query) : std::optional(page.error());
  if (refused && (refused->kind == ErrorKind::kTimeout || refused->kind == ErrorKind::kNoBandwidth)) {
    catch_up_->retry = Clock::now() + kAskTheSilentAgain;
    if (!std::exchange(catch_up_->told, true)) give(Unanswered{std::move(*refused), false});
  } else if (refused) {
    go_without(std::move(*refused));
  } else {
    try {
      take_answered(*page);
    } catch (const std::exception& error) {
      go_without({ErrorKind::kCorrupt, fmt::format("{} answers fetch with what is not of the contract: {}", options_.query, error.what())});
    }
  }
  return {};
}

// A page of the journal was given: what is left of the catching up.
void Follower::take_answered(const Json& page) {
  refused_ = false;
  take_page(page);
  CatchUp& now = *catch_up_;
  if (!page.at("complete").get<bool>()) {
    now.until = Clock::now() + options_.patience;
    return;
  }
  const Json& head = page.at("head");
  const bool newest = head.at("epoch").get_ref<const std::string&>() == place_.epoch;
  follows_only_ = follows_only_ && !newest;
  if (newest)
    for (const auto& [stream, last] : head.at("streams").items()) raise(stream, last.get<std::uint64_t>());
  if (now.then) {
    const Message& then = *now.then;
    const bool there = then.epoch == place_.epoch;
    const std::uint64_t number = then.is_head ? then.stream_seq : then.stream_seq - 1;
    const bool over = newest && !there;  // the gateway that answers was started later
    if (over) passed_.try_emplace(then.epoch, 0);
    const bool done = over || (there && streams_[then.verdict.stream].last >= number);
    if (!done && Clock::now() < now.until) {
      now.retry = Clock::now() + kAskAgain;
      return;
    }
    if (!done && there) {
      const auto last = std::exchange(streams_[then.verdict.stream].last, number);
      give(Gap{then.epoch, place_.seq + 1, 0, "not_delivered", {{then.verdict.stream, {{"from", last + 1}, {"to", number}}}}});
    }
    if (there) waiting_.push_front(std::move(*now.then));
  }
  catch_up_.reset();
}

// Nothing can be fetched: it goes on with what comes live, and what did not is a gap.
void Follower::go_without(Error refusal) {
  std::optional<Message> then = std::move(catch_up_->then);
  catch_up_.reset();
  partial_ = true;  // numbers in between are not looked for
  if (!std::exchange(refused_, true) && !(options_.query.empty() && then)) give(Unanswered{std::move(refusal), true});
  if (!then) {  // asked for the past: from now on, then
    follows_only_ = true;
    place_ = {};
    return;
  }
  const std::uint64_t before = then->is_head ? then->stream_seq : then->stream_seq - 1;
  if (then->epoch != place_.epoch) enter(then->epoch, then->is_head ? then->seq : then->seq - 1);
  raise(then->verdict.stream, before);
  waiting_.push_front(std::move(*then));
}

// Events and gaps in order of their numbers.
void Follower::take_page(const Json& page) {
  const Json &events = page.at("events"), &gaps = page.at("gaps");
  std::size_t at = 0;
  for (const Json& gap : gaps) {
    const auto first = gap.at("from").get<std::uint64_t>(), last = gap.at("to").get<std::uint64_t>();
    for (; at < events.size() && events.at(at).at("header").at("epoch") == gap.at("epoch"); ++at) {
      if (events[at].at("header").at("seq").get<std::uint64_t>() >= first) break;
      take_fetched(events[at]);
    }
    enter(gap.at("epoch").get<std::string>(), last >= first || first == 0 ? last : first - 1);
    for (const auto& [facility, bounds] : gap.at("streams").items()) raise(facility, bounds.at("to").get<std::uint64_t>());
    give(Gap{place_.epoch, first, last, gap.at("reason").get<std::string>(), gap.at("streams")});
  }
  for (; at < events.size(); ++at) take_fetched(events.at(at));
  enter(page.at("next").at("epoch").get<std::string>(), page.at("next").at("after").get<std::uint64_t>());
}

void Follower::take_fetched(const Json& event) {
  const Json& header = event.at("header");
  const auto& topic = event.at("topic").get_ref<const std::string&>();
  const auto& epoch = header.at("epoch").get_ref<const std::string&>();
  const auto seq = header.at("seq").get<std::uint64_t>(), number = header.at("stream_seq").get<std::uint64_t>();
  partial_ = partial_ || (epoch == place_.epoch && seq > place_.seq + 1);
  enter(epoch, seq);
  auto& last = streams_[facility_of(topic)].last;
  // Live already, or before a backup was restored.
  const bool again = number <= last || (passed_.contains(epoch) && seq <= passed_.at(epoch));
  last = std::max(last, number);
  if (!again) give(Event{epoch, seq, number, topic, header, canonical_json(event.at("payload")), true});
}

void Follower::raise(const std::string& facility, std::uint64_t number) {
  const auto& wanted = options_.facilities;
  if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), facility) == wanted.end()) return;
  streams_[facility].last = std::max(streams_[facility].last, number);
}

// Everything up to there was fetched, of every stream.
void Follower::enter(const std::string& epoch, std::uint64_t seq) {
  if (epoch != place_.epoch) {
    passed_[place_.epoch] = std::max(passed_[place_.epoch], newest_);
    newest_ = seq;
    place_ = {epoch, seq};
    streams_.clear();
  }
  place_.seq = std::max(place_.seq, seq);
  newest_ = std::max(newest_, place_.seq);
}

}  // namespace kanhu::publish
