// SPDX-License-Identifier: MIT
// The checked configuration: plain values, every one of them legal. Made by config/load.hpp, never changed afterwards;
// shared as std::shared_ptr<const Config> and swapped whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/radiometric.hpp"
#include "media/frame.hpp"

namespace kanhu {

using Polygon = std::vector<Point>;  // fractions of the picture, at least 3 points, not self-intersecting

enum class Transport { kTcp, kUdp, kAuto };  // auto: TCP first, then UDP

struct StreamConfig {
  // rtsp://host[:port]/path, file:///absolute/path or v4l2:///dev/NAME; never with user information
  std::string url;
  std::string credential;  // name of a secret, empty when the camera asks for none
  Transport transport = Transport::kTcp;
  std::optional<RadiometricConfig> thermal = std::nullopt;  // always where is_radiometric(url)
  std::vector<std::string> redirect_to = {};                // host:port of redirect targets that may be told the password
  bool digest_only = false;                                 // auth: digest; the password never crosses the network in the clear
  bool operator==(const StreamConfig&) const = default;
};

// How an infrared sensor hangs, so that a size in pixels is a size in metres. What is not said is taken as usual
// (models/thermal/presence.hpp).
struct MountConfig {
  double height_m = 0;                 // above the floor; 0: not said
  double tilt_degrees = 0;             // of its axis from straight down; 90: level
  double view_horizontal_degrees = 0;  // of its lens; 0: not said
  double view_vertical_degrees = 0;
  bool operator==(const MountConfig&) const = default;
};

struct DetectorConfig {
  std::string name;              // a row of config/detectors.hpp
  double score_min = 0.6;        // a detection below it does not count
  double frames_per_second = 5;  // analysed at most this often
  double smallest_px = 20;       // smallest face width or blob side in pixels of the analysed stream
  MountConfig mount;             // detector thermal
  std::string palette = "auto";  // detector thermal, of 8-bit pictures: auto, white_hot, black_hot, ironbow, rainbow
  bool operator==(const DetectorConfig&) const = default;
};

struct PresenceConfig {
  std::chrono::milliseconds enter_after{400};   // seen this long before "present"
  std::chrono::milliseconds leave_after{4000};  // not seen this long before "absent"
  std::chrono::milliseconds warm_up{3000};      // after a (re)connection, unknown this long
  bool operator==(const PresenceConfig&) const = default;
};

// Whose face it is: compared with the facility's gallery (docs/faces.md).
struct FacesConfig {
  bool recognize = false;
  double inter_pupil_min_px = 32;  // a face with its eyes closer together, in the analysed stream, is not compared
  double shots_per_second = 2;     // faces compared a second at most, by all tracks of the camera together
  int shots_needed = 2;            // before anything is decided
  double margin_min = 0.02;        // to the second candidate, in scores
  bool operator==(const FacesConfig&) const = default;
};

struct HealthConfig {
  std::chrono::milliseconds stall_after{8000};    // no packet this long ends the run (1..8 s)
  std::chrono::milliseconds freeze_after{30000};  // picture unchanged this long: frozen
  std::chrono::milliseconds dark_after{5000};     // mean luma below `dark_below` this long: dark
  double dark_below = 20;                         // 0..255
  bool operator==(const HealthConfig&) const = default;
};

struct ClipConfig {
  std::vector<std::string> on;  // event types that get a clip: face.appeared, presence.started, ...
  std::chrono::milliseconds pre_roll{5000};
  std::chrono::milliseconds post_roll{5000};
  std::chrono::milliseconds longest{60000};
  std::uint64_t ring_bytes = 32ull << 20;  // per recorded stream
  bool operator==(const ClipConfig&) const = default;
};

// Which part of a camera's picture belongs to which zone of the facility.
struct ZoneView {
  std::string zone;
  Polygon polygon;  // empty: the whole picture
  bool operator==(const ZoneView&) const = default;
};

// What hangs on a message broker. Each is a source like a camera: it has health, zones and presence.
enum class SensorKind { kThermalArray, kPir, kContact };
const char* to_string(SensorKind kind);  // thermal_array, pir, contact

// Where the values stand in a foreign message (docs/sensors.md). Empty paths: Kanhu's own form.
struct ReadingMapping {
  std::string values;                 // JSON pointer (RFC 6901) to the temperatures, or to the one state of a PIR or contact
  std::string time;                   // JSON pointer to the time of measurement; empty: arrival counts
  std::string unit = "celsius";       // celsius, centi_celsius, kelvin, centi_kelvin, deci_kelvin, fahrenheit
  std::vector<std::string> active;    // words that mean motion, or open; empty: true, 1, "on", "open", "detected"
  std::vector<std::string> inactive;  // words that mean none, or closed
  bool flip_horizontal = false, flip_vertical = false;
  bool operator==(const ReadingMapping&) const = default;
};

struct SensorConfig {
  SensorKind kind = SensorKind::kThermalArray;
  std::string broker;              // id of one of Config::brokers
  std::string topic;               // without wildcards
  std::string availability_topic;  // empty: none; retained state and last will
  std::string online = "online", offline = "offline";
  int width = 32, height = 24;                    // px, of an array
  std::chrono::milliseconds silent_after{10000};  // no message this long: unknown
  std::chrono::milliseconds hold{60000};          // PIR: motion means somebody is there for this long
  int openings_per_minute = 30;                   // contact: one that opens more often is unstable
  ReadingMapping mapping;
  bool operator==(const SensorConfig&) const = default;
};

struct CameraConfig {
  std::string id;
  std::string name;
  bool enabled = true;
  std::optional<StreamConfig> main;
  std::optional<StreamConfig> sub;
  std::optional<SensorConfig> sensor;     // then neither main nor sub
  StreamRole analyze = StreamRole::kSub;  // falls back to the stream there is
  std::optional<StreamRole> record;       // nothing: never recorded
  DetectorConfig detector;
  std::vector<ZoneView> zones;
  std::vector<Polygon> ignore;  // these pixels reach no detector
  PresenceConfig presence;
  FacesConfig faces;
  HealthConfig health;
  ClipConfig clips;
  bool operator==(const CameraConfig&) const = default;
};

struct ZoneConfig {
  std::string id;
  std::string name;
  std::string role;         // free text for dashboards: entrance, canteen, bath
  bool is_private = false;  // no visible stream may watch it
  bool operator==(const ZoneConfig&) const = default;
};

struct FacilityConfig {
  std::string id;
  std::string name;
  std::string facility_class;  // street_centre, community_station, town_centre, mutual_aid_point
  std::string time_zone;       // IANA name
  std::vector<ZoneConfig> zones;
  std::vector<CameraConfig> cameras;
  std::chrono::milliseconds occupancy_every{300000};  // a sample of each watched zone; 0: none
  bool operator==(const FacilityConfig&) const = default;
  const CameraConfig* camera(std::string_view id) const;
};

struct GatewayConfig {
  std::string id;
  std::string data_dir;         // journal/, clips/, config/ below it
  std::string secrets_dir;      // one file a secret; $CREDENTIALS_DIRECTORY is looked at first
  std::string models_dir;       // empty: the search path of docs/operations.md
  int sources_per_worker = 16;  // 0: everything in one process
  int analysis_threads = 0;     // per worker; 0: one a core
  std::uint64_t worker_memory_bytes = 2ull << 30;
  bool operator==(const GatewayConfig&) const = default;
};

struct PublishConfig {
  std::string live = "tcp://127.0.0.1:5556";  // port 0: chosen by the system, written to <data_dir>/endpoints.json
  std::string query = "tcp://127.0.0.1:5557";
  bool plain_tcp_beyond_loopback = false;  // must be said in words
  std::string access;                      // allow-list (config/allow_list.hpp): both sockets ask for keys; empty: for none
  bool operator==(const PublishConfig&) const = default;
};

struct JournalConfig {
  std::uint64_t segment_bytes = 16ull << 20;
  std::uint64_t most_bytes = 5ull << 30;
  std::chrono::hours most_age{24 * 180};
  std::chrono::milliseconds commit_every{15};
  std::uint64_t reserve_bytes = 8ull << 20;  // kept free for alarms on a full disk; 0: none
  bool operator==(const JournalConfig&) const = default;
};

struct StorageConfig {
  std::uint64_t most_bytes = 20ull << 30;  // of clips
  std::chrono::hours most_age{24 * 90};
  bool operator==(const StorageConfig&) const = default;
};

struct MetricsConfig {
  std::string listen = "127.0.0.1:9464";  // loopback only; port 0: chosen by the system; empty: none
  bool operator==(const MetricsConfig&) const = default;
};

struct BrokerConfig {
  std::string id;
  std::string url;              // mqtt://host[:port] (1883) or mqtts://host[:port] (8883)
  std::string credential;       // name of a secret, empty when it asks for none
  std::string ca_file;          // PEM; empty: the system's authorities
  std::string client_id;        // empty: kanhu-<gateway id>
  bool plain_password = false;  // mqtt:// beyond loopback with a credential: must be said in words
  bool operator==(const BrokerConfig&) const = default;
};

struct Config {
  GatewayConfig gateway;
  PublishConfig publish;
  JournalConfig journal;
  StorageConfig storage;
  MetricsConfig metrics;
  std::vector<BrokerConfig> brokers;
  std::vector<FacilityConfig> facilities;
  std::string digest;  // SHA-256 (hex) of the canonical JSON of the effective values above

  const FacilityConfig* facility(std::string_view id) const;
  const CameraConfig* camera(std::string_view id) const;  // camera ids are unique over the gateway
  const FacilityConfig* facility_of(std::string_view camera) const;
};

// Whether one of the zones it watches is private. Then no picture leaves the worker and none is written, whatever the camera sees by.
bool watches_private_zone(const FacilityConfig& facility, const CameraConfig& camera);

using ConfigPtr = std::shared_ptr<const Config>;

const char* to_string(Transport transport);

// The stream a role of this camera is served by: the role's own stream, else the other one, else nullptr.
const StreamConfig* stream_for(const CameraConfig& camera, StreamRole role);
// The role whose session serves `role` (sub falls back to main and the other way round).
StreamRole session_role(const CameraConfig& camera, StreamRole role);

}  // namespace kanhu
