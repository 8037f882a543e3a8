// SPDX-License-Identifier: MIT
#include "pipelines/rules/rules.hpp"

#include <algorithm>
#include <variant>

#include "base/overloaded.hpp"
#include "pipelines/rules/context.hpp"
#include "pipelines/rules/rules_state.hpp"

namespace kanhu::rules {

namespace {

// A camera that has been silent this long no longer moves its own timers; the gateway's time does.
constexpr std::chrono::seconds kSilentAfter{3};
// How far an observation's idea of the gateway's time may lead what the gateway itself said last: by another clock, and by the gateway's
// own. One source never moves the others' time.
constexpr std::chrono::seconds kMostLead{5};
constexpr std::chrono::seconds kMostOwnLead{60};

WallTime latest_by(const Context& context, ClockSource clock) {
  const bool own_clock = clock == ClockSource::kArrival;
  if (context.advanced != WallTime{}) return context.advanced + (own_clock ? kMostOwnLead : kMostLead);
  return own_clock ? WallTime::max() : context.now + kMostLead;
}

// The gateway's own word: its time stands no more than a little ahead of it.
void move_to(Context& context, WallTime now) { context.now = std::clamp(context.now, now, now + kMostLead); }

// Puts the configured cameras into the context, keeping what is known about those that stay.
void enrol(Context& context, const ConfigPtr& config) {
  context.config = config;
  context.announcer.use(config);
  for (const FacilityConfig& facility : config->facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!camera.enabled) continue;
      CameraState& state = context.cameras[camera.id];
      state.facility = &facility;
      state.config = &camera;
      state.place.facility = facility.id;
      state.place.source = camera.id;
      for (const ZoneView& view : camera.zones) state.zones.try_emplace(view.zone);
    }
  }
}

bool still_there(const Config& config, const CameraState& camera) {
  const FacilityConfig* facility = config.facility(camera.place.facility);
  const CameraConfig* found = facility != nullptr ? facility->camera(camera.place.source) : nullptr;
  return found != nullptr && found->enabled;
}

bool views(const Config& config, const CameraState& camera, const std::string& zone) {
  const FacilityConfig* facility = config.facility(camera.place.facility);
  const CameraConfig* found = facility != nullptr ? facility->camera(camera.place.source) : nullptr;
  return found != nullptr &&
         (zone.empty() || std::any_of(found->zones.begin(), found->zones.end(), [&](const auto& v) { return v.zone == zone; }));
}

// The last details of an incident, without claiming what nobody knows any more.
Json closing_details(const Incident& incident) {
  if (incident.kind->start == "presence.started") return Json{{"state", to_string(Presence::kUnknown)}, {"reason", "not_analysed"}};
  return incident.details;
}

void end_all(Context& context, const std::string& source, const Stamp& stamp, const std::string& reason) {
  for (const std::string& subject : context.incidents.of_source(source)) {
    const Incident* incident = context.incidents.find(subject);
    if (incident == nullptr) continue;
    context.incidents.end(subject, stamp, closing_details(*incident), reason);
  }
}

void announce_clip(Context& context, const Clip& clip, WallTime now) {
  for (const Clip::Subject& each : clip.subjects) {
    Place place;
    place.facility = clip.request.facility;
    place.source = clip.request.source;
    context.announcer.say("clip.updated", Phase::kPoint, each.subject, place, stamp_at(now), now, Json{{"clip", clip.status}});
  }
}

void new_run(Context& context, CameraState& camera, const Observation& observation) {
  Stamp stamp = stamp_of(observation);
  stamp.captured = false;
  end_tracks(context, camera, stamp, "run_ended");
  camera.run = observation.run;
}

}  // namespace

struct Rules::State {
  explicit State(RulesSink& sink) : context(sink) {}
  Context context;
  std::map<std::string, Json> noted;  // open incidents of the composer's own, by subject
  bool finished = false;              // nothing begins any more; clips still get their last word
};

Rules::Rules(const ConfigPtr& config, RulesSink& sink) : state_(std::make_unique<State>(sink)) {
  enrol(state_->context, config);
  enrol_zones(state_->context, stamp_at({}));
}
Rules::~Rules() = default;

void Rules::steady(WallTime time) { state_->context.steady = time; }

void Rules::observe(const Observation& observation) {
  Context& context = state_->context;
  const auto found = context.cameras.find(observation.source);
  if (found == context.cameras.end() || state_->finished) return;
  CameraState& camera = found->second;
  const bool same_run = !observation.run.empty() && observation.run == camera.run;
  // A file keeps its run over a restart; then the ordinals begin again.
  // A decision about a face bears the ordinal of the observation that led to it.
  const bool decided = std::holds_alternative<IdentityObservation>(observation.body);
  const bool rewound = same_run && camera.heard && !decided && observation.ordinal <= camera.ordinal;
  if (same_run && !rewound && observation.run == camera.dead_run) return;

  const WallTime gateway_time = arrived_of(observation);
  if (context.now == WallTime{}) context.now = gateway_time;
  if (gateway_time <= latest_by(context, observation.clock)) context.now = std::max(context.now, gateway_time);

  if (!observation.run.empty() && (!same_run || rewound)) {
    new_run(context, camera, observation);
    camera.worker_lost_at.reset();
    camera.dead_run.clear();
  }
  camera.time = observation.time;
  if (!observation.run.empty() && !decided) camera.ordinal = observation.ordinal;
  camera.seen_at = context.now;
  camera.heard = true;

  std::visit(Overloaded{
                 [&](const HealthObservation&) { observe_health(context, camera, observation); },
                 [&](const TrackObservation&) { observe_track(context, camera, observation); },
                 [&](const IdentityObservation&) { observe_identity(context, camera, observation); },
                 [&](const ThermalObservation&) { observe_thermal(camera, observation); },
                 [&](const ContactObservation&) { observe_contact(context, camera, observation); },
                 [&](const PresenceObservation&) { observe_presence(context, camera, observation); }, [](const TickObservation&) {},
                 [](const FaceShotObservation&) {},  // the identifier's
             },
             observation.body);
  if (camera.degraded_since) judge_sight(context, camera, stamp_of(observation));
  context.incidents.flush(observation.source, observation.time);
  context.clips.advance(observation.source, gateway_time);
}

void Rules::clip(const ClipRecord& record, WallTime now) {
  if (const Clip* clip = state_->context.clips.settle(record, state_->context.waited())) announce_clip(state_->context, *clip, now);
}

void Rules::worker_lost(const std::vector<std::string>& sources, WallTime now, const std::string& cause) {
  Context& context = state_->context;
  if (state_->finished) return;
  move_to(context, now);
  for (const std::string& source : sources) {
    const auto found = context.cameras.find(source);
    if (found != context.cameras.end()) rules::worker_lost(context, found->second, cause);
  }
}

void Rules::quarantined(const std::string& source, WallTime now, const std::string& words) {
  Context& context = state_->context;
  const auto found = context.cameras.find(source);
  if (state_->finished || found == context.cameras.end()) return;
  move_to(context, now);
  rules::quarantined(context, found->second, words);
}

void Rules::advance(WallTime now) {
  Context& context = state_->context;
  context.advanced = context.now = now;  // a wall clock that was set back, too
  for (auto& [id, camera] : context.cameras) {
    if (state_->finished) break;
    advance_health(context, camera);
    advance_contact(context, camera);
    advance_presence(context, camera);
    if (camera.heard && now - camera.seen_at < kSilentAfter) continue;
    context.incidents.flush(id, camera.now(now));
    context.clips.advance(id, now);
  }
  if (!state_->finished) advance_zones(context);
  if (!state_->finished) sample_zones(context);
  context.incidents.flush("-", now);
  for (const Clip* clip : context.clips.expire(context.waited())) announce_clip(context, *clip, now);
}

void Rules::reconfigure(const ConfigPtr& config, WallTime now) {
  Context& context = state_->context;
  move_to(context, now);
  // Ends are told with the names of the configuration they were started under.
  for (auto it = context.cameras.begin(); it != context.cameras.end();) {
    CameraState& camera = it->second;
    const Stamp stamp = timer_stamp(camera, context.now);
    if (!still_there(*config, camera)) {
      end_all(context, it->first, stamp, "config_changed");
      context.announcer.forget(it->first);
      it = context.cameras.erase(it);
      continue;
    }
    if (tells_presence(*camera.config) && !tells_presence(*config->camera(it->first))) presence_unwatched(context, camera, stamp);
    for (auto zone = camera.zones.begin(); zone != camera.zones.end();) {
      if (views(*config, camera, zone->first)) {
        ++zone;
        continue;
      }
      if (const Incident* incident = context.incidents.find(zone->second.subject)) {
        context.incidents.end(zone->second.subject, stamp, closing_details(*incident), "config_changed");
      }
      zone = camera.zones.erase(zone);
    }
    ++it;
  }
  for (auto site = context.sites.begin(); site != context.sites.end();) {
    const bool gone = config->facility(site->first) == nullptr;
    if (gone && !site->second.subject.empty()) context.incidents.end(site->second.subject, stamp_at(now), Json::object(), "config_changed");
    site = gone ? context.sites.erase(site) : std::next(site);
  }
  const ConfigPtr before = std::exchange(context.config, nullptr);  // alive until the cameras point into the new one
  enrol(context, config);
  enrol_zones(context, stamp_at(context.now));
  std::vector<std::string> facilities;
  for (const auto& [id, site] : context.sites) facilities.push_back(id);
  for (const std::string& id : facilities) site_back(context, id, now);
}

void Rules::finish(WallTime now, const std::string& reason) {
  Context& context = state_->context;
  move_to(context, now);
  for (auto& [id, camera] : context.cameras) {
    end_all(context, id, timer_stamp(camera, context.now), reason);
    camera.faces.clear();
    for (auto& [zone, presence] : camera.zones) presence = ZonePresence{};
    camera.offline.clear();
    camera.unstable.clear();
    camera.frozen.clear();
    camera.dark.clear();
    camera.unfit.clear();
    camera.degraded.clear();
    camera.degraded_since.reset();
    camera.contact.clear();
    camera.contact_unstable.clear();
    camera.contact_is_open = false;
  }
  end_all(context, "-", stamp_at(now), reason);
  context.sites.clear();
  forget_zones(context);
  state_->finished = true;
}

void Rules::note(const EventDraft& draft) {
  if (draft.phase == Phase::kStart) {
    state_->noted[draft.subject] = open_element(draft.subject, draft.type, draft.facility, draft.source, "", draft.time);
  } else if (draft.phase == Phase::kEnd) {
    state_->noted.erase(draft.subject);
  }
}

void Rules::restore(const Json& open_incidents, WallTime now) {
  Context& context = state_->context;
  move_to(context, now);
  if (!open_incidents.is_array()) return;
  for (const Json& element : open_incidents) restore_element(context, element, now);
}

std::vector<ClipRequest> Rules::pending_clips() const { return state_->context.clips.pending(); }

Json Rules::snapshot() const {
  Json open = Json::array();
  for (const auto& [subject, element] : state_->noted) open.push_back(element);
  for (const auto& [subject, incident] : state_->context.incidents.all()) {
    open.push_back(open_element(subject, incident.kind->start, incident.place.facility, incident.place.source, incident.place.zone,
                                std::max(incident.started, incident.last_said)));
  }
  return Json{{"open", std::move(open)}, {"clips", state_->context.clips.open()}};
}

Json Rules::open_incidents() const {
  Json both = snapshot();
  for (Json& clip : both["clips"]) both["open"].push_back(std::move(clip));
  return both["open"];
}

int Rules::cameras_up() const { return rules::cameras_up(state_->context); }

Json Rules::state() const { return state_json(state_->context); }

std::string Rules::clip_of(const std::string& subject) const { return state_->context.clips.of_subject(subject, state_->context.waited()); }

}  // namespace kanhu::rules
