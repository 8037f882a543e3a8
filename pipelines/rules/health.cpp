// The five facts of a camera: offline, online, unstable, frozen, dark.
#include <algorithm>

#include "pipelines/rules/camera_state.hpp"

namespace kanhu::rules {

namespace {

constexpr std::chrono::minutes kUnstableWindow{10};
constexpr std::size_t kLossesTolerated = 3;
constexpr std::chrono::seconds kFoldedAtMost{60};
constexpr std::chrono::seconds kWorkerGrace{5};

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
  camera.offline = context.ledger
                       .open("camera.offline", camera.place, camera.config, stamp, context.now, offline_details(context, camera),
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
  context.ledger.end(std::exchange(subject, ""), stamp, Json::object(), reason);
}

void forget_old_losses(CameraState& camera, WallTime now) {
  while (!camera.losses.empty() && now - camera.losses.front() >= kUnstableWindow) camera.losses.pop_front();
}

void begin_loss(Context& context, CameraState& camera, const Stamp& stamp) {
  camera.lost = true;
  camera.up = false;
  camera.lost_at = context.now;
  camera.worker_lost_at.reset();
  forget_old_losses(camera, context.now);
  camera.losses.push_back(context.now);
  site_lost(context, camera, stamp);
  if (!camera.unstable.empty()) {
    context.ledger.update(camera.unstable, stamp, unstable_details(camera), Json{{"losses", camera.losses.size()}}, false);
  } else if (camera.losses.size() > kLossesTolerated) {
    camera.unstable = context.ledger
                          .open("camera.unstable", camera.place, camera.config, stamp, context.now, unstable_details(camera),
                                Json{{"losses", camera.losses.size()}})
                          .subject;
  } else {
    open_offline(context, camera, stamp);
  }
  end_picture(context, camera.frozen, stamp, "camera_lost");
  end_picture(context, camera.dark, stamp, "camera_lost");
  end_picture(context, camera.contact, stamp, "camera_lost");
  end_tracks(context, camera, stamp, "camera_lost");
  presence_unknown(context, camera, stamp, "camera_offline");
}

void end_loss(Context& context, CameraState& camera, const Stamp& stamp) {
  camera.lost = false;
  if (!camera.offline.empty()) {
    Json details{{"cause", camera.cause}};
    context.ledger.end(std::exchange(camera.offline, ""), stamp, std::move(details), "recovered");
  }
  camera.cause.clear();
  camera.words.clear();
}

void judge_picture(Context& context, CameraState& camera, const Stamp& stamp) {
  const auto judge = [&](std::string_view type, std::string& subject, bool wrong, bool right) {
    if (wrong && subject.empty() && !camera.lost) {
      Json details = Json::object();
      if (!camera.health.cause.empty()) details["words"] = camera.health.cause;
      subject = context.ledger.open(type, camera.place, camera.config, stamp, context.now, std::move(details), nullptr).subject;
    } else if (right) {
      end_picture(context, subject, stamp, "recovered");
    }
  };
  const Truth picture = camera.health.fact(HealthFact::kPictureChanging);
  judge("camera.frozen", camera.frozen, picture == Truth::kFalse, picture == Truth::kTrue);
  const bool sees = camera.health.fact(HealthFact::kDecodable) == Truth::kTrue;
  judge("camera.dark", camera.dark, camera.health.dark, !camera.health.dark && sees);
}

}  // namespace

Stamp timer_stamp(const CameraState& camera, WallTime gateway_now) {
  Stamp stamp = stamp_at(camera.now(gateway_now));
  stamp.run = camera.run;
  stamp.pts = MediaTime(stamp.time.time_since_epoch());
  return stamp;
}

void observe_health(Context& context, CameraState& camera, const Observation& observation) {
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
  judge_picture(context, camera, stamp);
}

void tell_offline(Context& context, CameraState& camera, const Stamp& stamp) {
  if (camera.offline.empty()) return;
  context.ledger.update(camera.offline, stamp, offline_details(context, camera), offline_material(context, camera), true);
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
  camera.worker_lost_at = context.now;
  camera.worker_words = words;
}

void advance_health(Context& context, CameraState& camera) {
  const WallTime now = context.now;
  if (camera.worker_lost_at && now - *camera.worker_lost_at >= kWorkerGrace) {
    camera.cause = "worker_lost";
    camera.words = camera.worker_words;
    camera.health.set(HealthFact::kConnected, Truth::kUnknown);
    camera.health.set(HealthFact::kPacketsArriving, Truth::kUnknown);
    camera.health.set(HealthFact::kDecodable, Truth::kUnknown);
    begin_loss(context, camera, timer_stamp(camera, now));
  }
  if (camera.unstable.empty()) return;
  if (camera.lost && camera.offline.empty() && now - camera.lost_at > kFoldedAtMost) {
    open_offline(context, camera, timer_stamp(camera, now));
  }
  const bool quiet = camera.losses.empty() || now - camera.losses.back() >= kUnstableWindow;
  if (quiet && (!camera.lost || !camera.offline.empty())) {
    context.ledger.end(std::exchange(camera.unstable, ""), timer_stamp(camera, now),
                       Json{{"window_s", std::chrono::seconds(kUnstableWindow).count()}}, "stable");
    forget_old_losses(camera, now);
  }
}

}  // namespace kanhu::rules
