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
#include "pipelines/packet.hpp"

namespace kanhu {

// Decides when a session that ended is opened again: full-jitter back-off 1 -> 60 s; after a wrong password 60 -> 600 s
// and, so that no account is locked, not at all after the fifth refusal until configuration or secret change. A switch
// that comes back must not start a storm: at most two sessions of a site and 32 in all are being opened at a time.
// Thread: confined (gateway's control thread).
class Reconnects {
 public:
  using Key = std::pair<std::string, StreamRole>;  // camera id, session
  struct View {
    int refusals = 0;  // wrong passwords in a row
    bool given_up = false;
    std::optional<MonoTime> next;
  };

  explicit Reconnects(std::function<std::uint64_t()> random) : random_(std::move(random)) {}

  // Due `after` that time; forgets an earlier history.
  void add(const Key& key, const std::string& site, MonoTime now, std::chrono::nanoseconds after = {});
  void remove(const std::string& camera);
  void up(const Key& key, MonoTime now);
  void ended(const Key& key, ErrorKind why, MonoTime now);
  // The session's process has gone; it is due at once, its back-off unchanged.
  void orphaned(const Key& key, MonoTime now);

  // The sessions to open now, which counts them as being opened. An opening that answers neither way within 30 s
  // gives its place back.
  std::vector<Key> take_due(MonoTime now);
  View view(const Key& key) const;

 private:
  enum class Where { kWaiting, kOpening, kUp, kGivenUp };
  struct Session {
    std::string site;
    Where where = Where::kWaiting;
    MonoTime since{};  // of `where`
    MonoTime due{};
    Backoff ordinary{std::chrono::seconds(1), std::chrono::seconds(60), std::chrono::seconds(1)};
    Backoff refused{std::chrono::seconds(60), std::chrono::seconds(600), std::chrono::seconds(60)};
  };

  std::map<Key, Session> sessions_;
  std::function<std::uint64_t()> random_;
};

}  // namespace kanhu
