// SPDX-License-Identifier: MIT
#include "daemon/supervise/reconnects.hpp"

#include <algorithm>
#include <tuple>

namespace kanhu {
namespace {

constexpr int kRefusalsUntilHourly = 5;
constexpr auto kHourly = std::chrono::hours(1);
constexpr int kPlacesOfSite = 4;
constexpr int kPlacesInAll = 32;
constexpr int kKept = 4;  // one place of so many is kept for those known to be well
constexpr std::chrono::nanoseconds kLongestPlace = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds kShortestPlace = std::chrono::milliseconds(50);  // cameras of a local network answer in less
constexpr std::chrono::nanoseconds kRound = std::chrono::seconds(12);
constexpr auto kRecently = std::chrono::hours(1);
constexpr auto kWell = std::chrono::seconds(10);        // media for so long: it was healthy
constexpr auto kHealthyRun = std::chrono::seconds(30);  // a run this long starts the back-off afresh

}  // namespace

bool Reconnects::Places::has_room(bool known_one, int all) const {
  return known + newcomers < all && (known_one || newcomers < all - all / kKept);
}

// So that all who wait now are tried by the end of their round.
std::chrono::nanoseconds Reconnects::Places::span(int all, MonoTime now) const {
  if (due == 0) return kLongestPlace;
  const auto left = std::max<std::chrono::nanoseconds>(oldest + kRound - now, std::chrono::nanoseconds(0));
  return std::clamp(left * (all - all / kKept) / due, kShortestPlace, kLongestPlace);
}

void Reconnects::add(const Key& key, const std::string& site, MonoTime now, std::chrono::nanoseconds after) {
  sessions_.erase(key);
  move(key, site, now, after);
}

void Reconnects::move(const Key& key, const std::string& site, MonoTime now, std::chrono::nanoseconds after) {
  Session& session = sessions_[key];
  lose(session, now);
  session.site = site;
  session.where = Where::kWaiting;
  session.since = now;
  session.due = std::max(session.due, now + after);
}

void Reconnects::remove(const std::string& camera) {
  std::erase_if(sessions_, [&](const auto& entry) { return entry.first.first == camera; });
}

void Reconnects::connected(const Key& key) {
  if (const auto found = sessions_.find(key); found != sessions_.end()) found->second.place_until = MonoTime{};
}

void Reconnects::up(const Key& key, MonoTime now) {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  found->second.where = Where::kUp;
  found->second.since = now;
  found->second.refused.reset();
}

void Reconnects::lose(Session& session, MonoTime now) {
  if (session.where == Where::kUp && now - session.since >= kWell) session.healthy = now;
  if (session.where == Where::kUp && now - session.since >= kHealthyRun) session.ordinary.reset();
}

void Reconnects::ended(const Key& key, ErrorKind why, MonoTime now) {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  // The end of the session that this one replaces.
  if (session.where == Where::kWaiting && why == ErrorKind::kClosed) return;
  lose(session, now);
  session.since = now;
  session.where = Where::kWaiting;
  if (why != ErrorKind::kUnauthorized) {
    session.due = now + session.ordinary.next(random_());
    return;
  }
  const auto wait = session.refused.next(random_());
  session.due = now + (session.refused.attempts() >= kRefusalsUntilHourly ? std::chrono::nanoseconds(kHourly) : wait);
}

void Reconnects::orphaned(const Key& key, MonoTime now) {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  lose(session, now);
  // A wrong password stays wrong: only what was up or on its way is due at once.
  if (session.where != Where::kWaiting) session.due = now;
  session.where = Where::kWaiting;
  session.since = now;
}

bool Reconnects::is_known(const Session& session, MonoTime now) const { return session.healthy && now - *session.healthy < kRecently; }

std::vector<Reconnects::Key> Reconnects::take_due(MonoTime now) {
  std::map<std::string, Places> sites;
  Places all;
  struct Due {
    bool newcomer;
    MonoTime order;
    Key key;
    bool operator<(const Due& other) const { return std::tie(newcomer, order, key) < std::tie(other.newcomer, other.order, other.key); }
  };
  std::vector<Due> due;
  for (auto& [key, session] : sessions_) {
    const bool known = is_known(session, now);
    const bool opens = session.where == Where::kOpening && session.place_until > now;
    const bool waits = session.where == Where::kWaiting && session.due <= now;
    for (Places* places : {&all, &sites[session.site]}) {
      if (opens) ++(known ? places->known : places->newcomers);
      if (waits) ++places->due;
      if (waits) places->oldest = std::min(places->oldest, session.due);
    }
    // Newest first: who was well a moment ago is likelier to be back than who went an hour ago.
    if (waits) due.push_back({!known, known ? MonoTime(-session.healthy->time_since_epoch()) : session.due, key});
  }
  std::sort(due.begin(), due.end());
  std::vector<Key> taken;
  for (const Due& each : due) {
    Session& session = sessions_.at(each.key);
    Places& site = sites[session.site];
    if (!all.has_room(!each.newcomer, kPlacesInAll) || !site.has_room(!each.newcomer, kPlacesOfSite)) continue;
    for (Places* places : {&all, &site}) ++(each.newcomer ? places->newcomers : places->known);
    session.where = Where::kOpening;
    session.since = now;
    session.place_until = now + std::min(all.span(kPlacesInAll, now), site.span(kPlacesOfSite, now));
    taken.push_back(each.key);
  }
  return taken;
}

Reconnects::View Reconnects::view(const Key& key) const {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return {};
  const Session& session = found->second;
  View view;
  view.refusals = session.refused.attempts();
  view.hourly = view.refusals >= kRefusalsUntilHourly;
  if (session.where == Where::kWaiting) view.next = session.due;
  return view;
}

}  // namespace kanhu
