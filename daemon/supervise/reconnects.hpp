// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/backoff.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "media/packet.hpp"

namespace kanhu {

// Decides when a session that ended is opened again: full-jitter back-off 1 -> 60 s; after a wrong password 60 -> 600 s and, so that no
// account is locked, once an hour from the fifth refusal on. A switch that comes back must not start a storm: at most four sessions of a
// site and 32 in all are connecting at a time. A place is for connecting, not for waiting: it is free when the camera answers, when it
// ends, and after a second at most, sooner the more are waiting, so that within about 12 s everybody who is due has been tried. A quarter
// of the places, of a site and in all, is kept for cameras that were healthy within the last hour; those that were so most recently go
// first. Thread: confined (gateway's control thread).
class Reconnects {
 public:
  using Key = std::pair<std::string, StreamRole>;  // camera id, session
  struct View {
    int refusals = 0;     // wrong passwords in a row
    bool hourly = false;  // so many that it is tried once an hour
    std::optional<MonoTime> next;
  };

  explicit Reconnects(std::function<std::uint64_t()> random) : random_(std::move(random)) {}

  // Due `after` that time; forgets an earlier history.
  void add(const Key& key, const std::string& site, MonoTime now, std::chrono::nanoseconds after = {});
  // As `add`, for a session that goes on elsewhere: what is known of it stays.
  void move(const Key& key, const std::string& site, MonoTime now, std::chrono::nanoseconds after);
  void remove(const std::string& camera);
  // It has answered.
  void connected(const Key& key);
  void up(const Key& key, MonoTime now);
  void ended(const Key& key, ErrorKind why, MonoTime now);
  // The session's process has gone; it is due at once, its back-off unchanged.
  void orphaned(const Key& key, MonoTime now);

  // The sessions to open now, which gives each a place. Call every 100 ms or so.
  std::vector<Key> take_due(MonoTime now);
  View view(const Key& key) const;

 private:
  enum class Where { kWaiting, kOpening, kUp };
  struct Session {
    std::string site;
    Where where = Where::kWaiting;
    MonoTime since{};  // of `where`
    MonoTime due{};
    MonoTime place_until{};           // kOpening: when its place is given on
    std::optional<MonoTime> healthy;  // when it was so last, if it is not up
    Backoff ordinary{std::chrono::seconds(1), std::chrono::seconds(60), std::chrono::seconds(1)};
    Backoff refused{std::chrono::seconds(60), std::chrono::seconds(600), std::chrono::seconds(60)};
  };
  // Places in use, and who waits for one.
  struct Places {
    int known = 0, newcomers = 0, due = 0;
    MonoTime oldest = MonoTime::max();  // since when the first of them waits
    bool has_room(bool known_one, int all) const;
    std::chrono::nanoseconds span(int all, MonoTime now) const;
  };
  bool is_known(const Session& session, MonoTime now) const;
  void lose(Session& session, MonoTime now);

  std::map<Key, Session> sessions_;
  std::function<std::uint64_t()> random_;
};

}  // namespace kanhu
