// SPDX-License-Identifier: MIT
// Between what the cameras see and what the rules say: who it is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "config/config.hpp"
#include "gallery/matcher.hpp"
#include "pipelines/identify/face_track.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::identify {

// The galleries in force, by facility.
using Matchers = std::map<std::string, gallery::MatcherPtr>;

// Everything a decision rests on, for the auditor: canonical JSON (docs/faces.md) and its SHA-256. Holds no template and no name.
struct LedgerEntry {
  std::string digest;
  Json entry;
};

// Every observation passes through it: face shots are kept for their tracks and go no further, the others are handed on
// unchanged, and a decision about a track is handed on as an IdentityObservation behind the observation that led to it: when it
// changes, and at the latest before the track's end. The same observations with the same galleries give the same decisions.
// Promises: no IdentityObservation of somebody else's making passes; at most one open decision a track; the memory of a
// track goes with its end, a camera's with its run.
// Thread: confined to the rules' thread.
class Identifier {
 public:
  using HandOn = std::function<void(const Observation&)>;
  using Record = std::function<void(LedgerEntry)>;  // called before the decision is handed on

  Identifier(const ConfigPtr& config, HandOn hand_on, Record record);
  void observe(const Observation& observation);
  void reconfigure(const ConfigPtr& config);
  // Decisions from now on are made with these.
  void use(Matchers matchers) { matchers_ = std::move(matchers); }
  std::size_t tracks() const;

 private:
  struct Followed {
    FaceTrack shots;
    IdentityObservation said;
    bool told = false, more_shots = false;  // since it was said
    std::optional<FaceQuality> best;
  };
  struct Camera {
    std::string run;
    std::map<std::uint64_t, Followed> tracks;
  };

  void take_shot(const Observation& observation, const FaceShotObservation& shot);
  void follow(const Observation& observation, const TrackObservation& track);
  void decide(const Observation& observation, const CameraConfig& camera, std::uint64_t id, Followed& track, bool over);
  LedgerEntry ledger_entry(const Observation& observation, const IdentityObservation& said, const Followed& track, const Verdict& verdict,
                           const gallery::Matcher& matcher) const;
  const gallery::Matcher* matcher_of(const std::string& camera) const;

  ConfigPtr config_;
  const HandOn hand_on_;
  const Record record_;
  Matchers matchers_;
  std::map<std::string, Camera> cameras_;
};

}  // namespace kanhu::identify
