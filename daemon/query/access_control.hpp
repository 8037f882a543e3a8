// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "daemon/query/access_log.hpp"
#include "daemon/query/rate_limit.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/query_server.hpp"
#include "pipelines/rules/access_events.hpp"

namespace kanhu {

// Where a picture or clip is from. `zones`: those its camera watched when it was made, as far as that was written down.
struct Footage {
  std::string facility, source;
  std::vector<std::string> zones;
};

// Whether somebody may have pictures at all, and so often. Refusals for lack of a right are journalled, one a minute for each user and
// request: enough to see that somebody tries, too few to fill a disk with.
// Thread: any.
class AccessControl {
 public:
  AccessControl(std::function<ConfigPtr()> config, const Clock& clock, AccessLog& log)
      : config_(std::move(config)), clock_(clock), log_(log) {}

  // kUnauthorized when the right is not given.
  Result<void> check_right(const publish::Asker& asker, publish::Right right, const rules::Access& what);
  // False when the facility is not among those the asker sees: to him it does not exist.
  bool sees(const publish::Asker& asker, const rules::Access& what);
  // kPermission: it shows a zone that is private now, or may show one: its camera, or a zone of it, is not configured there any more, and
  // something there is private. A new name, or none, uncovers nothing.
  Result<void> may_be_shown(const std::vector<Footage>& footage) const;
  // The answer to who asks too often: kind no_bandwidth, with `retry_after_s`.
  std::optional<publish::Answer> too_often(const publish::Asker& asker, const std::string& request, RateLimit& limit) const;

  // Given once the event is on disk; then `answer` goes out. `footage` is what it shows: looked at before, and once more right before it
  // goes out, for a zone may have become private meanwhile.
  void give(const rules::Access& what, const std::vector<Footage>& footage, publish::Answer answer, const publish::Reply& reply,
            std::function<void()> on_disk = nullptr);

  ConfigPtr config() const { return config_(); }
  const Clock& clock() const { return clock_; }

 private:
  void note_refused(const publish::Asker& asker, const rules::Access& what, const std::string& words);

  const std::function<ConfigPtr()> config_;
  const Clock& clock_;
  AccessLog& log_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, MonoTime> refused_;  // user and request: when last journalled
};

// {"v":1,"ok":false,"error":{...,"retry_after_s"}}: more than `Error` can say.
publish::Answer retry_later(const std::string& message, std::chrono::milliseconds wait);

}  // namespace kanhu
