// SPDX-License-Identifier: MIT
#include "config/load_sensor.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/checks.hpp"
#include "config/detectors.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKinds[] = {"thermal_array", "pir", "contact"};
constexpr std::string_view kUnits[] = {"celsius", "centi_celsius", "kelvin", "deci_kelvin", "centi_kelvin", "fahrenheit"};
constexpr std::string_view kFlips[] = {"none", "horizontal", "vertical", "both"};
constexpr std::size_t kMostBrokers = 16;
constexpr int kLeastArraySide = 4, kMostArrayWidth = 80, kMostArrayHeight = 64;
// A sensor that may be silent for longer than this is a slow one: it sends at least three times in that span.
constexpr std::chrono::seconds kOrdinarySilence{10};
constexpr double kOrdinaryRate = 60;

// "32x24": two whole numbers.
std::optional<std::pair<int, int>> parse_pair(std::string_view text) {
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return std::nullopt;
  const auto first = parse_integer(text.substr(0, x)), second = parse_integer(text.substr(x + 1));
  if (!first || !second || *first < 0 || *second < 0 || *first > 9999 || *second > 9999) return std::nullopt;
  return std::pair(static_cast<int>(*first), static_cast<int>(*second));
}

BrokerConfig read_broker(Section section, const std::filesystem::path& base, const std::vector<BrokerConfig>& before) {
  BrokerConfig broker;
  ConfigReading& reading = section.reading();
  section.required("id", "a short name of this broker");
  if (section.identifier("id", broker.id) &&
      std::any_of(before.begin(), before.end(), [&](const BrokerConfig& one) { return one.id == broker.id; }))
    reading.refuse(section.mark("id"), fmt::format("id: broker {} stands twice", broker.id));
  section.required("url", "mqtt://host[:port] or mqtts://host[:port]");
  BrokerAddress address;
  if (section.text("url", broker.url, 1024)) {
    address = check_broker_url(broker.url);
    if (!address.fault.empty()) reading.refuse(section.mark("url"), fmt::format("url: {}", address.fault));
  }
  if (section.secret_name("credential", broker.credential))
    reading.note(PlaceKind::kSecret, "broker " + broker.id, broker.credential, section.mark("credential"));
  section.flag("plain_password", broker.plain_password);
  std::string ca;
  if (section.text("ca_file", ca, 1024) && !ca.empty()) {
    broker.ca_file = (base / ca).lexically_normal().string();
    reading.note(PlaceKind::kAuthority, "ca_file", broker.ca_file, section.mark("ca_file"));
  }
  section.text("client_id", broker.client_id, 64);
  const bool plain = address.fault.empty() && !broker.url.empty() && !address.tls;
  if (plain && !broker.ca_file.empty())
    reading.refuse(section.mark("ca_file"), "ca_file: mqtt:// checks no certificate; say mqtts:// in url");
  if (plain && !address.loopback && !broker.credential.empty() && !broker.plain_password) {
    reading.refuse(section.mark("credential"),
                   "credential: mqtt:// sends the password readable over the network; use mqtts://, or say plain_password: true if that "
                   "is meant");
  }
  section.finish();
  return broker;
}

void read_availability(Section section, SensorConfig& into) {
  section.text("topic", into.availability_topic, 256);
  section.text("online", into.online, 64);
  section.text("offline", into.offline, 64);
  ConfigReading& reading = section.reading();
  if (const std::string fault = into.availability_topic.empty() ? "" : topic_fault(into.availability_topic); !fault.empty())
    reading.refuse(section.mark("topic"), fmt::format("topic: {}", fault));
  if (into.availability_topic.empty() && (section.has("online") || section.has("offline")))
    reading.refuse(section.where(), "availability.topic is missing: where the sensor's online and offline are published");
  if (into.online == into.offline) reading.refuse(section.mark("offline"), "offline: online and offline are the same word");
  section.finish();
}

void read_words(Section& section, std::string_view key, std::vector<std::string>& into) {
  section.list(key, [&](const YamlNode* node, Mark where, const std::string&) {
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar || node->text.empty() || node->text.size() > 64 || into.size() >= 16)
      return section.reading().refuse(where, fmt::format("{}: up to 16 words of 1 to 64 bytes", key));
    into.push_back(node->text);
  });
}

void read_pointer(Section& section, std::string_view key, std::string& into) {
  if (!section.text(key, into, 256) || into.empty()) return;
  bool good = into.front() == '/';
  for (std::size_t at = into.find('~'); good && at != std::string::npos; at = into.find('~', at + 1))
    good = at + 1 < into.size() && (into[at + 1] == '0' || into[at + 1] == '1');
  if (!good) section.reading().refuse(section.mark(key), fmt::format("{}: a JSON pointer (RFC 6901) expected, such as /data/values", key));
}

void read_mapping(Section section, bool array, ReadingMapping& into) {
  ConfigReading& reading = section.reading();
  read_pointer(section, "values", into.values);
  read_pointer(section, "time", into.time);
  section.choice("unit", into.unit, kUnits);
  read_words(section, "active", into.active);
  read_words(section, "inactive", into.inactive);
  std::string flip = "none";
  section.choice("flip", flip, kFlips);
  into.flip_horizontal = flip == "horizontal" || flip == "both";
  into.flip_vertical = flip == "vertical" || flip == "both";
  for (const char* key : {"unit", "flip"})
    if (!array && section.has(key)) reading.refuse(section.mark(key), fmt::format("{}: only a thermal_array has temperatures", key));
  if (const char* key = section.has("active") ? "active" : "inactive"; array && section.has(key))
    reading.refuse(section.mark(key), fmt::format("{}: a thermal_array says temperatures, not words", key));
  if (!array && into.active.empty() != into.inactive.empty())
    reading.refuse(section.where(), "mapping: active and inactive are said together, so that no third word counts as either");
  for (const std::string& word : into.inactive)
    if (std::find(into.active.begin(), into.active.end(), word) != into.active.end())
      reading.refuse(section.mark("inactive"), fmt::format("inactive: {} stands in active, too", kanhu::quoted(word)));
  section.finish();
}

void read_broker_of(Section& section, const std::vector<BrokerConfig>& brokers, SensorConfig& into) {
  ConfigReading& reading = section.reading();
  const bool named = section.identifier("broker", into.broker);
  if (reading.keys != nullptr) return;
  if (!named) {
    if (section.has("broker")) return;
    if (brokers.size() == 1) {
      into.broker = brokers.front().id;
    } else if (brokers.empty()) {
      reading.refuse(section.where(), "a sensor needs a message broker: say one in mqtt.brokers");
    } else {
      reading.refuse(section.where(), "broker is missing: there are several, and any of them could be meant");
    }
    return;
  }
  std::vector<std::string_view> known;
  for (const BrokerConfig& broker : brokers) known.push_back(broker.id);
  if (std::find(known.begin(), known.end(), into.broker) != known.end()) return;
  std::string message = fmt::format("broker: mqtt.brokers has no {}", kanhu::quoted(into.broker));
  if (const std::string near = nearest(into.broker, known); !near.empty()) message += fmt::format("; did you mean {}?", near);
  reading.refuse(section.mark("broker"), std::move(message));
}

void read_size(Section& section, SensorConfig& into) {
  std::string text;
  if (!section.text("size", text)) return;
  const auto size = parse_pair(text);
  const bool good = size && size->first >= kLeastArraySide && size->first <= kMostArrayWidth && size->second >= kLeastArraySide &&
                    size->second <= kMostArrayHeight;
  if (!good) {
    return section.reading().refuse(section.mark("size"),
                                    fmt::format("size: width x height expected, from {0}x{0} to {1}x{2}, such as 32x24; found {3}",
                                                kLeastArraySide, kMostArrayWidth, kMostArrayHeight, kanhu::quoted(text)));
  }
  into.width = size->first;
  into.height = size->second;
}

// What only some kinds have, so that nobody waits for the effect of a key that has none.
void check_kind(Section& section, SensorKind kind) {
  const auto only = [&](std::string_view key, SensorKind wanted) {
    if (kind != wanted && section.has(key))
      section.reading().refuse(section.mark(key),
                               fmt::format("{}: only a {} has it, this is a {}", key, to_string(wanted), to_string(kind)));
  };
  for (const char* key : {"size", "mount", "ignore", "presence"}) only(key, SensorKind::kThermalArray);
  only("hold", SensorKind::kPir);
  only("openings_per_minute", SensorKind::kContact);
}

}  // namespace

void read_mqtt(Section section, const std::filesystem::path& base, std::vector<BrokerConfig>& into) {
  section.list("brokers", [&](const YamlNode* node, Mark where, const std::string& path) {
    if (into.size() == kMostBrokers) return section.reading().refuse(where, fmt::format("brokers: at most {} expected", kMostBrokers));
    into.push_back(read_broker(Section(section.reading(), node, where, path), base, into));
  });
  section.finish();
}

void read_mount(Section section, MountConfig& into) {
  ConfigReading& reading = section.reading();
  std::string text;
  if (section.text("height", text)) {
    const auto metres = text.ends_with('m') ? parse_number(std::string_view(text).substr(0, text.size() - 1)) : parse_number("");
    if (!metres || *metres < 1 || *metres > 20)
      reading.refuse(section.mark("height"),
                     fmt::format("height: metres from 1m to 20m expected, such as 2.7m; found {}", kanhu::quoted(text)));
    else
      into.height_m = *metres;
  }
  section.number("tilt", into.tilt_degrees, 0, 90);
  if (section.text("view", text)) {
    const auto view = parse_pair(text);
    const auto fits = [](int degrees) { return degrees >= 5 && degrees <= 180; };
    if (!view || !fits(view->first) || !fits(view->second)) {
      reading.refuse(
          section.mark("view"),
          fmt::format("view: degrees across x degrees down expected, each 5 to 180, such as 110x75; found {}", kanhu::quoted(text)));
    } else {
      into.view_horizontal_degrees = view->first;
      into.view_vertical_degrees = view->second;
    }
  }
  section.finish();
}

CameraConfig read_sensor(Section& section, const std::vector<BrokerConfig>& brokers, const CameraDefaults& defaults) {
  CameraConfig source;
  SensorConfig sensor;
  ConfigReading& reading = section.reading();
  std::string kind;
  section.required("kind", fmt::format("one of {}", fmt::join(kKinds, ", ")));
  const bool known = section.choice("kind", kind, kKinds);
  sensor.kind = kind == "pir" ? SensorKind::kPir : kind == "contact" ? SensorKind::kContact : SensorKind::kThermalArray;
  const bool array = sensor.kind == SensorKind::kThermalArray;
  read_broker_of(section, brokers, sensor);
  section.required("topic", "where its readings are published, such as kanhu/f1/bath/array");
  if (section.text("topic", sensor.topic, 256)) {
    if (const std::string fault = topic_fault(sensor.topic); !fault.empty())
      reading.refuse(section.mark("topic"), fmt::format("topic: {}", fault));
  }
  read_availability(section.section("availability"), sensor);
  if (!sensor.availability_topic.empty() && sensor.availability_topic == sensor.topic)
    reading.refuse(section.mark("availability"), "availability.topic: readings and availability need two topics");
  read_size(section, sensor);
  // A motion detector or contact speaks when something happens; most repeat their state within the hour.
  if (!array) sensor.silent_after = sensor.availability_topic.empty() ? 2h : 25h;
  section.duration("silent_after", sensor.silent_after, 2s, array ? std::chrono::milliseconds(1h) : std::chrono::milliseconds(24h * 8));
  section.duration("hold", sensor.hold, 1s, 1h);
  section.integer("openings_per_minute", sensor.openings_per_minute, 1, 6000);
  read_mapping(section.section("mapping"), array, sensor.mapping);
  read_mount(section.section("mount"), source.detector.mount);
  if (known) check_kind(section, sensor.kind);

  source.detector.name = array ? kArrayDetector : "none";
  source.detector.smallest_px = 1;
  source.detector.frames_per_second =
      sensor.silent_after <= kOrdinarySilence ? kOrdinaryRate : 3 / std::chrono::duration<double>(sensor.silent_after).count();
  source.presence = defaults.presence;
  source.health = defaults.health;
  source.health.stall_after = sensor.silent_after;  // in the words of a silence
  source.health.freeze_after = std::max(source.health.freeze_after, 3 * sensor.silent_after);
  source.sensor = std::move(sensor);
  return source;
}

}  // namespace kanhu
