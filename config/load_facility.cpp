// SPDX-License-Identifier: MIT
#include "config/load_facility.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/checks.hpp"
#include "config/detectors.hpp"
#include "config/endpoint.hpp"
#include "config/load.hpp"
#include "config/load_radiometric.hpp"
#include "config/load_sensor.hpp"
#include "config/table/section_io.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {

namespace {

using namespace std::chrono_literals;

// In the words of models/thermal/relative.hpp.
constexpr std::string_view kPalettes[] = {"auto", "white_hot", "black_hot", "ironbow", "rainbow"};
constexpr std::size_t kMostNamed = 4;  // in one message
constexpr std::string_view kTransports[] = {"tcp", "udp", "auto"};
constexpr std::string_view kLogins[] = {"any", "digest"};
constexpr std::string_view kRoles[] = {"main", "sub"};
constexpr std::string_view kRecordRoles[] = {"main", "sub", "none"};

void read_transport(Section& section, Transport& into) {
  std::string word;
  if (!section.choice("transport", word, kTransports)) return;
  into = word == "udp" ? Transport::kUdp : word == "auto" ? Transport::kAuto : Transport::kTcp;
}

void read_detector(Section section, DetectorConfig& into, bool of_camera) {
  section.choice("name", into.name, detector_names());
  table::read_rows(section, into);
  // How one thing hangs is no default of all.
  if (of_camera) read_mount(section.section("mount"), into.mount);
  if (of_camera && section.choice("palette", into.palette, kPalettes) && !knows_mount(into.name))
    section.reading().refuse(section.mark("palette"),
                             fmt::format("palette: only detector thermal uses it, this is {}", into.name.empty() ? "none" : into.name));
  if (of_camera && section.has("mount") && !knows_mount(into.name))
    section.reading().refuse(section.mark("mount"),
                             fmt::format("mount: only detector thermal uses it, this is {}", into.name.empty() ? "none" : into.name));
  section.finish();
}

// A section of which its rows say everything: presence, faces, health.
template <class S>
void read_whole(Section section, S& into) {
  table::read_rows(section, into);
  section.finish();
}

// `ring_mark`: where ring_bytes stands, when it stands here.
void read_clips(Section section, ClipConfig& into, Mark& ring_mark) {
  std::vector<std::string> on;
  const bool listed = section.list("on", [&](const YamlNode* node, Mark where, const std::string&) {
    if (node == nullptr) return;
    const auto known = clip_event_types();
    if (node->kind != YamlNode::Kind::kScalar) return section.reading().refuse(where, "on: expected the name of an event type");
    if (std::find(known.begin(), known.end(), node->text) == known.end()) {
      return section.reading().refuse(where, fmt::format("on: {}", not_one_of(node->text, known)));
    }
    if (std::find(on.begin(), on.end(), node->text) != on.end())
      return section.reading().refuse(where, fmt::format("on: {} stands twice", node->text));
    on.push_back(node->text);
  });
  if (listed) into.on = std::move(on);
  table::read_rows(section, into);
  if (section.has("ring_bytes")) ring_mark = section.mark("ring_bytes");
  const bool said_here = section.has("pre_roll") || section.has("post_roll") || section.has("longest");
  if (said_here && into.pre_roll + into.post_roll > into.longest) {
    const Mark mark = section.mark(section.has("longest") ? "longest" : section.has("post_roll") ? "post_roll" : "pre_roll");
    section.reading().refuse(mark, fmt::format("longest ({}) is shorter than pre_roll and post_roll together ({})",
                                               format_duration(into.longest), format_duration(into.pre_roll + into.post_roll)));
  }
  section.finish();
}

void note_stream(const Section& section, const std::string& camera, const StreamConfig& stream) {
  ConfigReading& reading = section.reading();
  reading.note(PlaceKind::kStream, camera, stream.url, section.mark("url"));
  if (stream.url.starts_with("file://"))
    reading.note(PlaceKind::kMedia, "url", std::filesystem::path(stream.url.substr(7)).lexically_normal().string(), section.mark("url"));
  if (stream.url.starts_with("v4l2://")) reading.note(PlaceKind::kDevice, "url", stream.url.substr(7), section.mark("url"));
  if (!stream.credential.empty()) reading.note(PlaceKind::kSecret, "camera " + camera, stream.credential, section.mark("credential"));
}

// host:port, or [IPv6]:port.
bool is_place(std::string_view text) {
  const HostPort place = split_authority(text);
  return place.good && place.port.value_or(0) > 0 && host_fault(place.host).empty();
}

void read_login(Section& section, StreamConfig& into) {
  for (const char* key : {"auth", "redirect_to"})
    if (section.has(key) && !into.url.empty() && !into.url.starts_with("rtsp://"))
      section.reading().refuse(section.mark(key), fmt::format("{}: only a camera at rtsp:// asks for a password", key));
  std::string word;
  if (section.choice("auth", word, kLogins)) into.digest_only = word == "digest";
  section.list("redirect_to", [&](const YamlNode* node, Mark where, const std::string&) {
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar || !is_place(node->text))
      return section.reading().refuse(where, "redirect_to: expected host:port of where the camera may send us with the password");
    if (into.redirect_to.size() >= 8) return section.reading().refuse(where, "redirect_to: more than 8 places");
    into.redirect_to.push_back(node->text);
  });
}

void read_stream(Section section, Transport transport, const std::string& camera, std::optional<StreamConfig>& into) {
  StreamConfig stream;
  stream.transport = transport;
  section.required("url", "rtsp://host[:port]/path");
  if (section.text("url", stream.url, 4096)) {
    if (const std::string fault = url_fault(stream.url); !fault.empty())
      section.reading().refuse(section.mark("url"), fmt::format("url: {}", fault));
  }
  section.secret_name("credential", stream.credential);
  read_transport(section, stream.transport);
  read_login(section, stream);
  read_radiometric(section, stream);
  note_stream(section, camera, stream);
  section.finish();
  into = std::move(stream);
}

void read_zone_views(Section& camera, const FacilityConfig& facility, CameraConfig& into) {
  camera.list("zones", [&](const YamlNode* node, Mark where, const std::string& path) {
    Section section(camera.reading(), node, where, path);
    ZoneView view;
    section.required("zone", "the id of one of the facility's zones");
    const bool named = section.identifier("zone", view.zone);
    section.polygon("polygon", view.polygon);
    section.finish();
    if (!named) return;
    const auto zone =
        std::find_if(facility.zones.begin(), facility.zones.end(), [&](const ZoneConfig& one) { return one.id == view.zone; });
    if (zone == facility.zones.end()) {
      std::vector<std::string_view> known;
      for (const ZoneConfig& one : facility.zones) known.push_back(one.id);
      std::string message = fmt::format("zone: facility {} has no zone {}", facility.id, kanhu::quoted(view.zone));
      if (const std::string near = nearest(view.zone, known); !near.empty()) message += fmt::format("; did you mean {}?", near);
      return camera.reading().refuse(section.mark("zone"), std::move(message));
    }
    if (std::any_of(into.zones.begin(), into.zones.end(), [&](const ZoneView& other) { return other.zone == view.zone; })) {
      return camera.reading().refuse(section.mark("zone"),
                                     fmt::format("zone: {} stands twice in this {}", view.zone, into.sensor ? "sensor" : "camera"));
    }
    const bool warmth_only = is_warmth_detector(into.detector.name);
    if (zone->is_private && !into.sensor && !warmth_only) {
      return camera.reading().refuse(
          section.mark("zone"),
          fmt::format("zone: {} is private; only a camera with detector {} may watch it", view.zone,
                      fmt::join(detectors_that([](const DetectorTraits& row) { return is_warmth_detector(row.name); }), " or ")));
    }
    if (into.sensor && into.sensor->kind != SensorKind::kThermalArray && !view.polygon.empty())
      return camera.reading().refuse(section.mark("polygon"), fmt::format("polygon: a {} has no picture", to_string(into.sensor->kind)));
    if (zone->is_private && into.record) {
      return camera.reading().refuse(
          camera.mark("record"),
          fmt::format("record: zone {} is private, so no video of it is kept, infrared neither; leave record out (the series "
                      "of warmth that events name are the evidence), or let another camera watch that zone",
                      view.zone));
    }
    into.zones.push_back(std::move(view));
  });
}

// Which stream serves what, and whether it is there.
void read_roles(Section& section, CameraConfig& into) {
  std::string word;
  into.analyze = into.sub ? StreamRole::kSub : StreamRole::kMain;
  const auto there = [&](std::string_view role) { return role == "main" ? into.main.has_value() : into.sub.has_value(); };
  const auto role_of = [](std::string_view role) { return role == "main" ? StreamRole::kMain : StreamRole::kSub; };
  if (section.choice("analyze", word, kRoles)) {
    if (!there(word)) section.reading().refuse(section.mark("analyze"), fmt::format("analyze: this camera has no stream {}", word));
    into.analyze = role_of(word);
  }
  if (section.choice("record", word, kRecordRoles) && word != "none") {
    if (!there(word)) section.reading().refuse(section.mark("record"), fmt::format("record: this camera has no stream {}", word));
    into.record = role_of(word);
  }
}

// Recognition needs a detector that gives the eyes. What is inherited falls away where it cannot be, as with clips.
void check_faces(Section& section, CameraConfig& into) {
  const bool own = section.has("faces");
  const bool inherited = into.faces.recognize;
  read_whole(section.section("faces"), into.faces);
  if (!into.faces.recognize) return;
  const auto able = landmark_detector_names();
  if (std::find(able.begin(), able.end(), into.detector.name) != able.end()) return;
  if (own && !inherited) {
    section.reading().refuse(section.mark("faces"),
                             fmt::format("faces.recognize: detector {} gives no eyes to align a face by; use {}",
                                         into.detector.name.empty() ? "none" : into.detector.name, fmt::join(able, " or ")));
  }
  into.faces.recognize = false;
}

// Cameras and sensors share one space of ids: events name either by it.
void read_source_id(Section& section, CameraConfig& into, SeenIds& seen) {
  section.required("id", "a short name, unique over the gateway");
  if (section.identifier("id", into.id)) {
    const auto [first, fresh] = seen.cameras.try_emplace(into.id, section.mark("id"));
    if (!fresh) {
      section.reading().refuse(
          section.mark("id"),
          fmt::format("id: camera {} stands twice; ids of cameras and sensors are unique over the gateway, the first is "
                      "in line {}",
                      into.id, first->second.line));
    }
  }
  into.name = into.id;
  section.text("name", into.name);
  section.flag("enabled", into.enabled);
}

void read_ignore(Section& section, CameraConfig& into) {
  section.list("ignore", [&](const YamlNode* node, Mark, const std::string&) {
    if (node == nullptr) return;
    if (auto polygon = Section::read_polygon(section.reading(), *node)) into.ignore.push_back(std::move(*polygon));
  });
}

CameraConfig read_sensor_source(Section section, const FacilityConfig& facility, const CameraDefaults& defaults,
                                const std::vector<BrokerConfig>& brokers, SeenIds& seen) {
  CameraConfig source = read_sensor(section, brokers, defaults);
  read_source_id(section, source, seen);
  read_zone_views(section, facility, source);
  read_ignore(section, source);
  read_whole(section.section("presence"), source.presence);
  section.finish();
  return source;
}

CameraConfig read_camera(Section section, const FacilityConfig& facility, const CameraDefaults& defaults, SeenIds& seen) {
  CameraConfig camera;
  camera.detector = defaults.detector;
  camera.presence = defaults.presence;
  camera.faces = defaults.faces;
  camera.health = defaults.health;
  camera.clips = defaults.clips;
  ConfigReading& reading = section.reading();

  read_source_id(section, camera, seen);
  const std::size_t before = reading.problems.size();
  Section main = section.section("main");
  if (section.has("main") || reading.keys != nullptr) read_stream(std::move(main), defaults.transport, camera.id, camera.main);
  Section sub = section.section("sub");
  if (section.has("sub") || reading.keys != nullptr) read_stream(std::move(sub), defaults.transport, camera.id, camera.sub);
  if (!camera.main && !camera.sub && reading.problems.size() == before)
    reading.refuse(section.where(), "a camera has main: {url: ...}, sub: {url: ...}, or both");
  read_roles(section, camera);
  read_detector(section.section("detector"), camera.detector, true);
  if (camera.detector.name.empty() && reading.keys == nullptr && !(section.has("detector") && reading.problems.size() != before)) {
    reading.refuse(section.mark("detector"), fmt::format("detector.name is missing: one of {}", fmt::join(detector_names(), ", ")));
  }
  check_radiometric(section, camera);
  read_zone_views(section, facility, camera);
  read_ignore(section, camera);
  read_whole(section.section("presence"), camera.presence);
  check_faces(section, camera);
  read_whole(section.section("health"), camera.health);
  const bool own_clips = section.has("clips");
  const Mark clips_mark = section.mark("clips");
  const auto inherited = camera.clips.on;
  Mark ring_mark = defaults.ring_mark;
  read_clips(section.section("clips"), camera.clips, ring_mark);
  reading.note(PlaceKind::kRing, "clips.ring_bytes", camera.id, ring_mark);
  if (!camera.record && !camera.clips.on.empty()) {
    // Inherited flags fall away with the recording; written down here they are a contradiction.
    if (own_clips && camera.clips.on != inherited)
      reading.refuse(clips_mark, "clips.on asks for clips, but record is none: say record: main or record: sub");
    camera.clips.on.clear();
  }
  section.finish();
  return camera;
}

// A zone in which nothing will ever say that nobody is there is legal, and seldom what was meant.
void warn_of_zone(ConfigReading& reading, const FacilityConfig& facility, const ZoneConfig& zone, Mark mark) {
  std::vector<std::string> watching;
  for (const CameraConfig& source : facility.cameras) {
    const bool here = std::any_of(source.zones.begin(), source.zones.end(), [&](const ZoneView& view) { return view.zone == zone.id; });
    if (!here || !source.enabled || !tells_presence(source)) continue;
    if (silence_of(source).means == Silence::kNobody) return;
    watching.push_back(fmt::format("{} ({})", source.id, source.sensor ? to_string(source.sensor->kind) : source.detector.name));
  }
  if (watching.empty()) {
    return reading.warn(
        mark, fmt::format("zone {}: nothing that is enabled looks for people in it: it will never be present or absent", zone.id));
  }
  if (watching.size() > kMostNamed) watching.resize(kMostNamed);
  reading.warn(mark, fmt::format("zone {}: nothing that watches it can tell that nobody is there, so it will be present or unknown, never "
                                 "absent: {}; faces and motion can only add people, an infrared camera or array can tell",
                                 zone.id, fmt::join(watching, ", ")));
}

ZoneConfig read_zone(Section section, const std::vector<ZoneConfig>& before) {
  ZoneConfig zone;
  section.required("id", "a short name, unique in the facility");
  if (section.identifier("id", zone.id) &&
      std::any_of(before.begin(), before.end(), [&](const ZoneConfig& one) { return one.id == zone.id; })) {
    section.reading().refuse(section.mark("id"), fmt::format("id: zone {} stands twice in this facility", zone.id));
  }
  zone.name = zone.id;
  section.text("name", zone.name);
  section.text("role", zone.role, 64);
  section.flag("private", zone.is_private);
  section.finish();
  return zone;
}

}  // namespace

void read_defaults(Section section, CameraDefaults& into) {
  read_transport(section, into.transport);
  read_detector(section.section("detector"), into.detector, false);
  read_whole(section.section("presence"), into.presence);
  read_whole(section.section("faces"), into.faces);
  read_whole(section.section("health"), into.health);
  into.ring_mark = section.where();
  read_clips(section.section("clips"), into.clips, into.ring_mark);
  section.finish();
}

FacilityConfig read_facility(Section section, const CameraDefaults& defaults, const std::vector<BrokerConfig>& brokers, SeenIds& seen) {
  FacilityConfig facility;
  facility.time_zone = "Asia/Shanghai";
  ConfigReading& reading = section.reading();
  section.required("id", "a short name, unique over the gateway");
  if (section.identifier("id", facility.id)) {
    const auto [first, fresh] = seen.facilities.try_emplace(facility.id, section.mark("id"));
    if (!fresh)
      reading.refuse(section.mark("id"),
                     fmt::format("id: facility {} stands twice; the first is in line {}", facility.id, first->second.line));
  }
  facility.name = facility.id;
  section.text("name", facility.name);
  section.required("class", fmt::format("one of {}", fmt::join(facility_classes(), ", ")));
  section.choice("class", facility.facility_class, facility_classes());
  if (section.text("time_zone", facility.time_zone)) {
    if (const std::string fault = time_zone_fault(facility.time_zone); !fault.empty()) {
      reading.refuse(section.mark("time_zone"), fmt::format("time_zone: {}", fault));
    }
  }
  Section occupancy = section.section("occupancy");
  occupancy.duration("every", facility.occupancy_every, 0s, 24h);
  occupancy.finish();
  std::vector<Mark> zone_marks;
  section.list("zones", [&](const YamlNode* node, Mark where, const std::string& path) {
    Section zone(reading, node, where, path);
    const Mark mark = zone.mark("id");
    facility.zones.push_back(read_zone(std::move(zone), facility.zones));
    zone_marks.push_back(mark);
  });
  section.list("cameras", [&](const YamlNode* node, Mark where, const std::string& path) {
    facility.cameras.push_back(read_camera(Section(reading, node, where, path), facility, defaults, seen));
  });
  section.list("sensors", [&](const YamlNode* node, Mark where, const std::string& path) {
    facility.cameras.push_back(read_sensor_source(Section(reading, node, where, path), facility, defaults, brokers, seen));
  });
  section.finish();
  for (std::size_t i = 0; i < zone_marks.size() && reading.keys == nullptr; ++i)
    warn_of_zone(reading, facility, facility.zones[i], zone_marks[i]);
  return facility;
}

}  // namespace kanhu
