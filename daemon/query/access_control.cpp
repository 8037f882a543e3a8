// SPDX-License-Identifier: MIT
#include "daemon/query/access_control.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "base/text.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

constexpr auto kRefusedEvery = std::chrono::minutes(1);
constexpr std::size_t kMostRefused = 1024;

bool has_private_zone(const FacilityConfig& facility) {
  return std::any_of(facility.zones.begin(), facility.zones.end(), [](const ZoneConfig& zone) { return zone.is_private; });
}

Error private_zone(const std::string& words) { return {ErrorKind::kPermission, words + ": nobody is shown a picture of it"}; }

Result<void> check_footage(const Config& config, const Footage& footage) {
  const auto facility = std::find_if(config.facilities.begin(), config.facilities.end(),
                                     [&](const FacilityConfig& each) { return each.id == footage.facility; });
  if (facility == config.facilities.end()) {
    // Under which name it goes on, if it does, is not known.
    if (std::none_of(config.facilities.begin(), config.facilities.end(), has_private_zone)) return {};
    return tl::unexpected(private_zone(fmt::format(
        "facility {} is not configured any more, there are private zones, and what was seen of it may be one", footage.facility)));
  }
  const auto camera =
      std::find_if(facility->cameras.begin(), facility->cameras.end(), [&](const CameraConfig& each) { return each.id == footage.source; });
  const bool is_there = camera != facility->cameras.end();
  if (is_there && watches_private_zone(*facility, *camera))
    return tl::unexpected(private_zone(fmt::format("camera {} watches a private zone", footage.source)));
  if (!has_private_zone(*facility)) return {};
  if (!is_there)
    return tl::unexpected(
        private_zone(fmt::format("camera {} is not configured in facility {} any more, which has a private zone, and may have watched it",
                                 kanhu::quoted(footage.source), facility->id)));
  for (const std::string& id : footage.zones) {
    const auto zone = std::find_if(facility->zones.begin(), facility->zones.end(), [&](const ZoneConfig& each) { return each.id == id; });
    if (zone == facility->zones.end())
      return tl::unexpected(private_zone(fmt::format(
          "zone {} is not configured in facility {} any more, which has a private zone, and may be that one", id, facility->id)));
    if (zone->is_private) return tl::unexpected(private_zone(fmt::format("zone {} is private", id)));
  }
  return {};
}

Result<void> check_all(const Config& config, const std::vector<Footage>& footage) {
  for (const Footage& each : footage)
    if (auto shown = check_footage(config, each); !shown) return shown;
  return {};
}

}  // namespace

publish::Answer retry_later(const std::string& message, std::chrono::milliseconds wait) {
  return {canonical_json({{"v", 1},
                          {"ok", false},
                          {"error",
                           {{"kind", to_string(ErrorKind::kNoBandwidth)},
                            {"message", message},
                            {"retry_after_s", round4(static_cast<double>(wait.count()) / 1000)}}}}),
          "", false};
}

void AccessControl::note_refused(const publish::Asker& asker, const rules::Access& what, const std::string& words) {
  const MonoTime now = clock_.mono();
  {
    std::scoped_lock lock(mutex_);
    const auto [found, is_new] = refused_.try_emplace({asker.user, what.request}, now);
    if (!is_new && now - found->second < kRefusedEvery) return;
    found->second = now;
    if (refused_.size() > kMostRefused) std::erase_if(refused_, [&](const auto& each) { return now - each.second >= kRefusedEvery; });
  }
  rules::Access refused = what;
  refused.user = asker.user;
  (void)log_.enter(rules::access_refused(*config_(), refused, clock_.wall(), words), nullptr);
}

Result<void> AccessControl::check_right(const publish::Asker& asker, publish::Right right, const rules::Access& what) {
  if (asker.rights.may(right)) return {};
  note_refused(asker, what, "the right is not given");
  return fail(ErrorKind::kUnauthorized, fmt::format("{} is not among your rights", what.request));
}

bool AccessControl::sees(const publish::Asker& asker, const rules::Access& what) {
  if (asker.rights.sees(what.facility)) return true;
  note_refused(asker, what, "the facility is not among the user's");
  return false;
}

Result<void> AccessControl::may_be_shown(const std::vector<Footage>& footage) const { return check_all(*config_(), footage); }

std::optional<publish::Answer> AccessControl::too_often(const publish::Asker& asker, const std::string& request, RateLimit& limit) const {
  const auto wait = limit.wait_for_one(asker.user, clock_.mono());
  if (!wait) return std::nullopt;
  return retry_later(fmt::format("{} is asked for too often; ask again in {} ms", request, wait->count()), *wait);
}

void AccessControl::give(const rules::Access& what, const std::vector<Footage>& footage, publish::Answer answer,
                         const publish::Reply& reply, std::function<void()> on_disk) {
  if (auto shown = may_be_shown(footage); !shown) return reply(tl::unexpected(shown.error()));
  const auto held = std::make_shared<publish::Answer>(std::move(answer));
  // The log may outlive this.
  auto on_written = [held, reply, footage, config = config_, on_disk = std::move(on_disk)](bool durable) {
    if (!durable)
      return reply(fail(ErrorKind::kIo, "the access cannot be journalled (is the disk full?), and nothing is shown without that"));
    if (auto shown = check_all(*config(), footage); !shown) return reply(tl::unexpected(shown.error()));
    if (on_disk) on_disk();
    reply(std::move(*held));
  };
  if (!log_.enter(rules::access_given(*config_(), what, clock_.wall()), std::move(on_written)))
    reply(retry_later("the journal's disk stalls; ask again", std::chrono::seconds(1)));
}

}  // namespace kanhu
