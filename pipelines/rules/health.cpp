// SPDX-License-Identifier: MIT
// The five facts of a camera: offline, online, unstable, frozen, dark.
#include <algorithm>
#include <array>

#include "pipelines/rules/context.hpp"

namespace kanhu::rules {

namespace {

constexpr std::chrono::minutes kUnstableWindow{10};
constexpr std::size_t kLossesTolerated = 3;
constexpr std::chrono::seconds kFoldedAtMost{60};
constexpr std::chrono::seconds kWorkerGrace{5};
constexpr std::size_t kMostPictureFaults = 10;  // of one kind, told in a minute

bool is_lost(const HealthObservation& health) {
  return health.fact(HealthFact::kConnected) == Truth::kFalse || health.fact(HealthFact::kPacketsArriving) == Truth::kFalse ||
         health.fact(HealthFact::kDecodable) == Truth::kFalse;
}

bool is_up(const HealthObservation& health) {
  return health.fact(HealthFact::kConnected) == Truth::kTrue && health.fact(HealthFact::kPacketsArriving) == Truth::kTrue &&
         health.fact(HealthFact::kDecodable) == Truth::kTrue;
}

std::string error_of(const HealthObservation& health) {
  if (health.error) return to_string(*health.error);
  if (health.fact(HealthFact::kConnected) == Truth::kFalse) return to_string(ErrorKind::kUnreachable);
  if (health.fact(HealthFact::kPacketsArriving) == Truth::kFalse) return to_string(ErrorKind::kStalled);
  return to_string(ErrorKind::kCorrupt);
}

Json facts_of(const HealthObservation& health) {
  Json facts = Json::object();
  for (std::size_t i = 0; i < kHealthFacts; ++i) facts[to_string(static_cast<HealthFact>(i))] = to_string(health.facts[i]);
  return facts;
}

Json offline_details(const Context& context, const CameraState& camera) {
  Json details{{"cause", camera.cause}, {"facts", facts_of(camera.health)}};
  if (!camera.words.empty()) details["words"] = camera.words;
  if (camera.health.last_packet) details["last_packet"] = format_utc(*camera.health.last_packet);
  if (std::string site = cause_of(context, camera); !site.empty()) details["cause_subject"] = std::move(site);
  return details;
}

Json offline_material(const Context& context, const CameraState& camera) {
  return Json{{"cause", camera.cause}, {"cause_subject", cause_of(context, camera)}};
}

void open_offline(Context& context, CameraState& camera, const Stamp& stamp) {
  camera.offline = context.incidents
                       .open("camera.offline", camera.place, camera.config, stamp, context.waited(), offline_details(context, camera),
                             offline_material(context, camera))
                       .subject;
}

Json unstable_details(const CameraState& camera) {
  Json details{{"losses", camera.losses.size()}, {"window_s", std::chrono::seconds(kUnstableWindow).count()}, {"cause", camera.cause}};
  if (!camera.words.empty()) details["words"] = camera.words;
  return details;
}

void end_picture(Context& context, std::string& subject, const Stamp& stamp, const std::string& reason) {
  if (subject.empty()) return;
  context.incidents.end(std::exchange(subject, ""), stamp, Json::object(), reason);
}

void forget_old_losses(CameraState& camera, WallTime now) {
  while (!camera.losses.empty() && now - camera.losses.front() >= kUnstableWindow) camera.losses.pop_front();
}

void begin_loss(Context& context, CameraState& camera, const Stamp& stamp) {
  camera.lost = true;
  camera.up = false;
  camera.lost_at = context.waited();
  camera.worker_lost_at.reset();
  forget_old_losses(camera, context.waited());
  // A camera that ends each session by its own timer does so all day: that is known of it, and no sign of trouble.
  if (camera.cause != to_string(ErrorKind::kSessionTimeout)) camera.losses.push_back(context.waited());
  site_lost(context, camera, stamp);
  if (!camera.unstable.empty()) {
    context.incidents.update(camera.unstable, stamp, unstable_details(camera), Json{{"losses", camera.losses.size()}}, false);
  } else if (camera.losses.size() > kLossesTolerated) {
    camera.unstable = context.incidents
                          .open("camera.unstable", camera.place, camera.config, stamp, context.waited(), unstable_details(camera),
                                Json{{"losses", camera.losses.size()}})
                          .subject;
  } else {
    open_offline(context, camera, stamp);
  }
  end_picture(context, camera.frozen, stamp, "camera_lost");
  end_picture(context, camera.dark, stamp, "camera_lost");
  end_picture(context, camera.contact, stamp, "camera_lost");
  camera.contact_is_open = false;
  end_tracks(context, camera, stamp, "camera_lost");
  presence_unknown(context, camera, stamp, "camera_offline");
}

void end_loss(Context& context, CameraState& camera, const Stamp& stamp) {
  camera.lost = false;
  if (!camera.offline.empty()) {
    Json details{{"cause", camera.cause}};
    context.incidents.end(std::exchange(camera.offline, ""), stamp, std::move(details), "recovered");
  }
  camera.cause.clear();
  camera.words.clear();
}

struct PictureFault {
  std::string_view type;
  std::string& subject;
  ChangeRate& rate;
  bool wrong, right;  // neither: not known
};

std::array<PictureFault, 2> picture_faults(CameraState& camera) {
  const Truth picture = camera.health.fact(HealthFact::kPictureChanging);
  const bool sees = camera.health.fact(HealthFact::kDecodable) == Truth::kTrue;
  return {PictureFault{"camera.frozen", camera.frozen, camera.freezes, picture == Truth::kFalse, picture == Truth::kTrue},
          PictureFault{"camera.dark", camera.dark, camera.darknings, camera.health.dark, !camera.health.dark && sees}};
}

// One that comes too often neither begins nor ends before it has calmed down.
void tell_picture(Context& context, CameraState& camera, const PictureFault& fault, const Stamp& stamp) {
  if (fault.rate.restless()) return;
  if (fault.wrong && fault.subject.empty() && !camera.lost) {
    Json details = Json::object();
    if (!camera.health.cause.empty()) details["words"] = camera.health.cause;
    fault.subject =
        context.incidents.open(fault.type, camera.place, camera.config, stamp, context.waited(), std::move(details), nullptr).subject;
  } else if (fault.right) {
    end_picture(context, fault.subject, stamp, "recovered");
  }
}

void judge_picture(Context& context, CameraState& camera, const Stamp& stamp, const std::array<bool, 2>& before) {
  const auto faults = picture_faults(camera);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    tell_picture(context, camera, faults[i], stamp);
    if (faults[i].wrong && !before[i]) faults[i].rate.changed(context.waited(), kMostPictureFaults);
  }
}

}  // namespace

Stamp timer_stamp(const CameraState& camera, WallTime gateway_now) {
  Stamp stamp = stamp_at(camera.now(gateway_now));
  stamp.arrived = gateway_now;
  stamp.run = camera.run;
  stamp.pts = MediaTime(stamp.time.time_since_epoch());
  return stamp;
}

void observe_health(Context& context, CameraState& camera, const Observation& observation) {
  const auto before = picture_faults(camera);
  const std::array<bool, 2> was_wrong{before[0].wrong, before[1].wrong};
  camera.health = std::get<HealthObservation>(observation.body);
  const Stamp stamp = stamp_of(observation);
  if (is_lost(camera.health)) {
    camera.cause = error_of(camera.health);
    camera.words = camera.health.cause;
    if (!camera.lost) {
      begin_loss(context, camera, stamp);
    } else {
      tell_offline(context, camera, stamp);
    }
  } else if (is_up(camera.health)) {
    const bool returned = camera.lost;
    camera.up = true;
    if (returned) {
      end_loss(context, camera, stamp);
    } else if (!camera.ever_up) {
      context.announcer.say("camera.online", Phase::kPoint, subject_of("camera.online", camera.place, stamp), camera.place, stamp,
                            stamp.time, Json{{"facts", facts_of(camera.health)}});
    }
    camera.ever_up = true;
    if (returned) {
      site_back(context, camera.place.facility, stamp.time);
      release_withheld(context, camera);
    }
  } else {
    camera.up = false;
  }
  judge_picture(context, camera, stamp, was_wrong);
}

void tell_offline(Context& context, CameraState& camera, const Stamp& stamp) {
  if (camera.offline.empty()) return;
  context.incidents.update(camera.offline, stamp, offline_details(context, camera), offline_material(context, camera), true);
}

void worker_lost(Context& context, CameraState& camera, const std::string& words) {
  const Stamp stamp = timer_stamp(camera, context.now);
  camera.dead_run = camera.run;
  end_tracks(context, camera, stamp, "worker_restarted");
  presence_unknown(context, camera, stamp, "not_analysed");
  end_picture(context, camera.frozen, stamp, "worker_restarted");
  end_picture(context, camera.dark, stamp, "worker_restarted");
  camera.health.set(HealthFact::kAnalysed, Truth::kUnknown);
  camera.health.set(HealthFact::kPictureChanging, Truth::kUnknown);
  camera.health.dark = false;
  if (camera.lost || camera.worker_lost_at) return;
  camera.up = false;
  camera.worker_lost_at = context.waited();
  camera.worker_words = words;
}

// However often it was lost before: this is told as offline, at once.
void quarantined(Context& context, CameraState& camera, const std::string& words) {
  const Stamp stamp = timer_stamp(camera, context.now);
  camera.cause = "quarantined";
  camera.words = words;
  camera.dead_run = camera.run;
  for (const HealthFact fact : {HealthFact::kConnected, HealthFact::kPacketsArriving, HealthFact::kDecodable, HealthFact::kAnalysed})
    camera.health.set(fact, Truth::kUnknown);
  if (!camera.lost) {
    begin_loss(context, camera, stamp);
  } else {
    tell_offline(context, camera, stamp);
  }
  if (camera.offline.empty()) open_offline(context, camera, stamp);
}

void advance_health(Context& context, CameraState& camera) {
  const WallTime now = context.now, waited = context.waited();
  if (camera.worker_lost_at && waited - *camera.worker_lost_at >= kWorkerGrace) {
    camera.cause = "worker_lost";
    camera.words = camera.worker_words;
    camera.health.set(HealthFact::kConnected, Truth::kUnknown);
    camera.health.set(HealthFact::kPacketsArriving, Truth::kUnknown);
    camera.health.set(HealthFact::kDecodable, Truth::kUnknown);
    begin_loss(context, camera, timer_stamp(camera, now));
  }
  for (const PictureFault& fault : picture_faults(camera))
    if (fault.rate.calmed(waited, kMostPictureFaults)) tell_picture(context, camera, fault, timer_stamp(camera, now));
  if (camera.unstable.empty()) return;
  if (camera.lost && camera.offline.empty() && waited - camera.lost_at > kFoldedAtMost) {
    open_offline(context, camera, timer_stamp(camera, now));
  }
  const bool quiet = camera.losses.empty() || waited - camera.losses.back() >= kUnstableWindow;
  if (quiet && (!camera.lost || !camera.offline.empty())) {
    context.incidents.end(std::exchange(camera.unstable, ""), timer_stamp(camera, now),
                          Json{{"window_s", std::chrono::seconds(kUnstableWindow).count()}}, "stable");
    forget_old_losses(camera, waited);
  }
}

}  // namespace kanhu::rules
