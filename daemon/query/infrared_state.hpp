// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "config/detectors.hpp"
#include "pipelines/observation.hpp"

namespace kanhu {

// Whether a source tells of people by infrared or hangs on a message broker: what `kanhu look` shows.
bool is_infrared(const CameraConfig& camera);

// The last picture of warmth, presence and state of every infrared source: what `look`, `status` and /look show. Holds one entry a
// configured infrared source and nothing else, each of bounded size.
// Thread: any.
class InfraredState {
 public:
  struct Zone {
    Presence state = Presence::kUnknown;
    std::string reason;
    int count = 0;
    WallTime since{};  // this state
  };
  struct Picture {
    ThermalObservation seen;
    WallTime time{};  // of capture
    MonoTime heard{};
  };
  struct Row {
    std::optional<Picture> picture;
    std::map<std::string, Zone> zones;  // by id; those a presence was heard of
    std::optional<bool> open;           // of a contact
    HealthObservation health;
    std::optional<MonoTime> heard;  // anything but time passing
    bool tells_presence = true;     // as configured
    SourceSilence silence;          // as configured: what it means when it sees nobody
  };

  // Entries for the infrared sources of `config`; what is known of those that stay is kept.
  void use(const Config& config);
  // Ignores what is no infrared source's.
  void observe(const Observation& observation, MonoTime now);
  // Nobody looks at these any more: what they said last is not known to hold.
  void lose(const std::vector<std::string>& sources, WallTime now);

  // Nothing for a source that has no entry.
  std::optional<Row> row(const std::string& source) const;

 private:
  Guarded<std::map<std::string, Row>> rows_;
};

}  // namespace kanhu
