// SPDX-License-Identifier: MIT
#include "pipelines/identify/identifier.hpp"

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "base/time.hpp"
#include "media/face_quality.hpp"

namespace kanhu::identify {
namespace {

constexpr int kLedgerFormat = 1;
// Tracks of one camera that are remembered; a worker that never ends them costs no more.
constexpr std::size_t kMostTracks = 256;

Json candidates_json(const std::vector<gallery::Candidate>& candidates) {
  Json list = Json::array();
  for (const gallery::Candidate& candidate : candidates)
    list.push_back({{"person_ref", candidate.person_ref}, {"score", round4(candidate.score)}});
  return list;
}

// What makes a decision another one; scores move with each shot.
bool same(const IdentityObservation& a, const IdentityObservation& b) {
  return a.decision == b.decision && a.reason == b.reason && a.person_ref == b.person_ref;
}

}  // namespace

Identifier::Identifier(const ConfigPtr& config, HandOn hand_on, Record record)
    : config_(config), hand_on_(std::move(hand_on)), record_(std::move(record)) {}

void Identifier::reconfigure(const ConfigPtr& config) { config_ = config; }

std::size_t Identifier::tracks() const {
  std::size_t count = 0;
  for (const auto& [id, camera] : cameras_) count += camera.tracks.size();
  return count;
}

const gallery::Matcher* Identifier::matcher_of(const std::string& camera) const {
  const FacilityConfig* facility = config_->facility_of(camera);
  const auto found = facility == nullptr ? matchers_.end() : matchers_.find(facility->id);
  return found == matchers_.end() || !found->second || found->second->people() == 0 ? nullptr : found->second.get();
}

void Identifier::observe(const Observation& observation) {
  if (std::holds_alternative<IdentityObservation>(observation.body)) return;
  Camera& camera = cameras_[observation.source];
  if (!observation.run.empty() && observation.run != camera.run) {
    camera.tracks.clear();
    camera.run = observation.run;
  }
  if (const auto* shot = std::get_if<FaceShotObservation>(&observation.body)) return take_shot(observation, *shot);
  if (const auto* track = std::get_if<TrackObservation>(&observation.body); track && track->label == "face")
    return follow(observation, *track);
  hand_on_(observation);
}

void Identifier::take_shot(const Observation& observation, const FaceShotObservation& shot) {
  const CameraConfig* camera = config_->camera(observation.source);
  const gallery::Matcher* matcher = matcher_of(observation.source);
  if (camera == nullptr || !camera->faces.recognize || matcher == nullptr || shot.embedder != matcher->embedder_digest()) return;
  auto& tracks = cameras_[observation.source].tracks;
  const auto found = tracks.find(shot.track);
  if (found == tracks.end()) return;
  KeptShot kept{observation.pts, observation.time, shot.box, shot.quality, shot.embedding, matcher->nearest(shot.embedding, 2)};
  if (kept.nearest.empty() || !found->second.shots.add(std::move(kept))) return;
  found->second.more_shots = true;
  decide(observation, *camera, shot.track, found->second, false);
}

void Identifier::follow(const Observation& observation, const TrackObservation& track) {
  auto& tracks = cameras_[observation.source].tracks;
  if (track.phase == Phase::kStart) {
    while (tracks.size() >= kMostTracks) tracks.erase(tracks.begin());
    tracks[track.id];
  }
  const auto found = tracks.find(track.id);
  if (found != tracks.end() && track.quality) found->second.best = track.quality;
  if (track.phase == Phase::kEnd && found != tracks.end()) {
    const CameraConfig* camera = config_->camera(observation.source);
    if (camera != nullptr && camera->faces.recognize && !track.is_static) decide(observation, *camera, track.id, found->second, true);
    tracks.erase(found);
  }
  hand_on_(observation);
}

void Identifier::decide(const Observation& observation, const CameraConfig& camera, std::uint64_t id, Followed& track, bool over) {
  const gallery::Matcher* matcher = matcher_of(observation.source);
  if (matcher == nullptr) return;
  const Verdict verdict = track.shots.decide(*matcher, camera.faces, over);
  IdentityObservation next;
  next.track = id;
  next.decision = verdict.decision;
  next.reason = verdict.reason;
  // A face large enough of which no shot was taken was turned away, or there was no room to compare it.
  if (next.reason == "too_small" && track.best && track.best->inter_pupil_px >= camera.faces.inter_pupil_min_px)
    next.reason = "too_few_shots";
  if (verdict.decision == IdentityDecision::kRecognized) next.person_ref = verdict.candidates[0].person_ref;
  next.score = verdict.candidates.empty() ? 0 : verdict.candidates[0].score;
  next.threshold = verdict.threshold;
  next.margin = verdict.margin;
  next.shots = static_cast<int>(track.shots.shots().size());
  next.gallery_version = matcher->version();
  next.gallery = matcher->digest();
  // More shots may still come: that there are too few is only worth saying in the end.
  if (!over && next.reason == "too_few_shots") return;
  // In the end everything that was seen of the face counts, also when it changes nothing but figures.
  if (track.told && same(next, track.said) && !(over && track.more_shots)) return;
  LedgerEntry entry = ledger_entry(observation, next, track, verdict, *matcher);
  next.ledger = entry.digest;
  record_(std::move(entry));
  track.said = next;
  track.told = true;
  track.more_shots = false;
  Observation said = observation;
  said.body = std::move(next);
  hand_on_(said);
}

LedgerEntry Identifier::ledger_entry(const Observation& observation, const IdentityObservation& said, const Followed& track,
                                     const Verdict& verdict, const gallery::Matcher& matcher) const {
  Json shots = Json::array();
  for (const KeptShot& shot : track.shots.shots()) {
    shots.push_back({{"pts_ms", shot.pts.time_since_epoch().count() / 1'000'000},
                     {"time", format_utc(shot.time)},
                     {"box", Json::array({round4(shot.box.x), round4(shot.box.y), round4(shot.box.width), round4(shot.box.height)})},
                     {"quality", shown_figures(shot.quality)},
                     {"candidates", candidates_json(shot.nearest)}});
  }
  Json entry{{"format", kLedgerFormat},
             {"facility", matcher.facility()},
             {"camera", observation.source},
             {"run", observation.run},
             {"track", said.track},
             {"time", format_utc(observation.time)},
             {"decision", to_string(said.decision)},
             {"person_ref", said.person_ref},
             {"reason", said.reason},
             {"score", round4(said.score)},
             {"threshold", round4(said.threshold)},
             {"margin", round4(said.margin)},
             {"candidates", candidates_json(verdict.candidates)},
             {"shots", std::move(shots)},
             {"gallery", {{"version", matcher.version()}, {"digest", matcher.digest()}}},
             {"embedder", matcher.embedder_digest()},
             {"models", observation.models},
             {"config", config_->digest}};
  std::string digest = to_hex(sha256(canonical_json(entry)));
  return {std::move(digest), std::move(entry)};
}

}  // namespace kanhu::identify
