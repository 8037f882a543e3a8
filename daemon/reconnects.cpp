#include "daemon/reconnects.hpp"

#include <algorithm>

namespace kanhu {
namespace {

constexpr int kRefusalsUntilGivenUp = 5;
constexpr int kOpeningPerSite = 2;
constexpr int kOpeningInAll = 32;
constexpr auto kOpeningDeadline = std::chrono::seconds(30);
constexpr auto kHealthyRun = std::chrono::seconds(30);  // a run this long starts the back-off afresh

}  // namespace

void Reconnects::add(const Key& key, const std::string& site, MonoTime now, std::chrono::nanoseconds after) {
  Session session;
  session.site = site;
  session.since = now;
  session.due = now + after;
  sessions_.insert_or_assign(key, session);
}

void Reconnects::remove(const std::string& camera) {
  std::erase_if(sessions_, [&](const auto& entry) { return entry.first.first == camera; });
}

void Reconnects::up(const Key& key, MonoTime now) {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  found->second.where = Where::kUp;
  found->second.since = now;
  found->second.refused.reset();
}

void Reconnects::ended(const Key& key, ErrorKind why, MonoTime now) {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  // The end of the session that this one replaces.
  if (session.where == Where::kWaiting && why == ErrorKind::kClosed) return;
  if (session.where == Where::kUp && now - session.since >= kHealthyRun) session.ordinary.reset();
  session.since = now;
  session.where = Where::kWaiting;
  if (why == ErrorKind::kUnauthorized) {
    session.due = now + session.refused.next(random_());
    if (session.refused.attempts() >= kRefusalsUntilGivenUp) session.where = Where::kGivenUp;
  } else {
    session.due = now + session.ordinary.next(random_());
  }
}

void Reconnects::orphaned(const Key& key, MonoTime now) {
  auto found = sessions_.find(key);
  if (found == sessions_.end() || found->second.where == Where::kGivenUp) return;
  // A wrong password stays wrong: only what was up or on its way is due at once.
  if (found->second.where != Where::kWaiting) found->second.due = now;
  found->second.where = Where::kWaiting;
  found->second.since = now;
}

std::vector<Reconnects::Key> Reconnects::take_due(MonoTime now) {
  std::map<std::string, int> opening_at;
  int opening = 0;
  std::vector<std::pair<MonoTime, Key>> due;
  for (auto& [key, session] : sessions_) {
    if (session.where == Where::kOpening && now - session.since < kOpeningDeadline) {
      ++opening_at[session.site];
      ++opening;
    }
    if (session.where == Where::kWaiting && session.due <= now) due.emplace_back(session.due, key);
  }
  std::sort(due.begin(), due.end());
  std::vector<Key> taken;
  for (const auto& [when, key] : due) {
    Session& session = sessions_.at(key);
    if (opening >= kOpeningInAll) break;
    if (opening_at[session.site] >= kOpeningPerSite) continue;
    ++opening_at[session.site];
    ++opening;
    session.where = Where::kOpening;
    session.since = now;
    taken.push_back(key);
  }
  return taken;
}

Reconnects::View Reconnects::view(const Key& key) const {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) return {};
  const Session& session = found->second;
  View view;
  view.refusals = session.refused.attempts();
  view.given_up = session.where == Where::kGivenUp;
  if (session.where == Where::kWaiting) view.next = session.due;
  return view;
}

}  // namespace kanhu
