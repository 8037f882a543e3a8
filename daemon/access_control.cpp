#include "daemon/access_control.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

namespace kanhu {
namespace {

constexpr auto kRefusedEvery = std::chrono::minutes(1);
constexpr std::size_t kMostRefused = 1024;

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
  (void)book_.enter(rules::access_refused(*config_(), refused, clock_.wall(), words), nullptr);
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

Result<void> AccessControl::may_be_shown(const std::string& id) const {
  const ConfigPtr config = config_();
  const FacilityConfig* facility = config->facility_of(id);
  const CameraConfig* camera = config->camera(id);
  if (facility == nullptr || camera == nullptr) return {};
  const bool is_private = std::any_of(camera->zones.begin(), camera->zones.end(), [&](const ZoneView& view) {
    return std::any_of(facility->zones.begin(), facility->zones.end(),
                       [&](const ZoneConfig& zone) { return zone.id == view.zone && zone.is_private; });
  });
  if (!is_private) return {};
  return fail(ErrorKind::kPermission, fmt::format("camera {} watches a private zone: nobody is shown a picture of it", id));
}

std::optional<publish::Answer> AccessControl::too_often(const publish::Asker& asker, const std::string& request, RateLimit& limit) const {
  const auto wait = limit.wait_for_one(asker.user, clock_.mono());
  if (!wait) return std::nullopt;
  return retry_later(fmt::format("{} is asked for too often; ask again in {} ms", request, wait->count()), *wait);
}

void AccessControl::give(const rules::Access& what, publish::Answer answer, const publish::Reply& reply, std::function<void()> on_disk) {
  const auto held = std::make_shared<publish::Answer>(std::move(answer));
  const bool entered =
      book_.enter(rules::access_given(*config_(), what, clock_.wall()), [held, reply, on_disk = std::move(on_disk)](bool durable) {
        if (!durable)
          return reply(fail(ErrorKind::kIo, "the access cannot be journalled (is the disk full?), and nothing is shown without that"));
        if (on_disk) on_disk();
        reply(std::move(*held));
      });
  if (!entered) reply(retry_later("the journal's disk stalls; ask again", std::chrono::seconds(1)));
}

}  // namespace kanhu
