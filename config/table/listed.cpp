// SPDX-License-Identifier: MIT
// Keys whose reading is code (text, addresses, choices, lists): what is said of them.
#include "config/table/listed.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/load.hpp"

namespace kanhu::table {

namespace {

constexpr auto kLive = Change::kLive, kSession = Change::kSession, kRestart = Change::kRestart;

KeyText required(KeyText key) {
  key.is_required = true;
  return key;
}
KeyText outside_digest(KeyText key) {
  key.in_digest = false;
  return key;
}
KeyText bounded(std::string least, std::string most, KeyText key, std::string unit = {}) {
  key.least = std::move(least), key.most = std::move(most), key.unit = std::move(unit);
  return key;
}
KeyText one_of(std::string choices, KeyText key) {
  key.choices = std::move(choices);
  return key;
}
KeyText secret(Change change, std::string sentence) {
  KeyText key{"credential", "id", "none", change, std::move(sentence)};
  key.is_secret = true;
  return key;
}
KeyText part(std::string name, Change change, std::string sentence) {
  return {std::move(name), "section", "", change, std::move(sentence)};
}

std::string words(std::span<const std::string_view> list) { return fmt::format("{}", fmt::join(list, ", ")); }

const std::string kCamera = "facilities[].cameras[]", kSensor = "facilities[].sensors[]";

std::vector<Group> machine() {
  return {
      {{""},
       {required(one_of("1", bounded("1", "1", {"version", "integer", "", kRestart, "Format of this file; always 1."}, "version"))),
        required(part("gateway", kRestart, "This gateway: its name, folders and processes.")),
        part("publish", kRestart, "Sockets of events and questions."), part("journal", kRestart, "What is kept of events."),
        part("clips_storage", kLive, "What is kept of clips."), part("metrics", kRestart, "Metrics and health over HTTP."),
        part("mqtt", kSession, "Message brokers of sensors."), part("defaults", kSession, "What every camera starts from."),
        required({"facilities", "sections", "", kLive, "The facilities, at least one."})}},
      {{"gateway"},
       {required({"id", "id", "", kRestart, "Name of this gateway, unique in the district."}),
        outside_digest({"data_dir", "text", "/var/lib/kanhu", kRestart, "Folder of journal, clips and what else the gateway keeps."}),
        outside_digest({"secrets_dir", "text", "/etc/kanhu/secrets", kRestart, "Folder of the passwords, one file of mode 0600 each."}),
        outside_digest({"models_dir", "text", "none", kRestart, "Folder of model weights looked at before the usual ones."})}},
      {{"publish"},
       {{"live", "text", "tcp://127.0.0.1:5556", kRestart, "Socket of live events: tcp://ADDRESS:port or ipc:///path."},
        {"query", "text", "tcp://127.0.0.1:5557", kRestart, "Socket that answers questions."},
        {"access", "text", "none", kRestart, "Allow-list of subscribers; with one, both sockets are encrypted and ask for keys."}}},
      {{"metrics"},
       {{"listen", "text", "127.0.0.1:9464", kRestart, "Address of /metrics, /healthz and /readyz on this machine; empty: none."}}},
      {{"mqtt"}, {{"brokers", "sections", "none", kSession, "Message brokers, at most 16."}}},
      {{"mqtt.brokers[]"},
       {required({"id", "id", "", kSession, "Name that sensors say."}),
        required({"url", "text", "", kSession, "mqtts://host[:port] or mqtt://host[:port], never with user or password."}),
        secret(kSession, "Name of the secret it is asked with."),
        {"plain_password", "flag", "false", kSession, "Beyond this machine mqtt:// with a password is refused unless this is true."},
        {"ca_file", "text", "the system's authorities", kSession, "PEM file of the authority that signed the broker's certificate."},
        {"client_id", "text", "kanhu- and the gateway's id", kSession, "How Kanhu is called at the broker."}}},
  };
}

std::vector<Group> facility() {
  return {
      {{"facilities[]"},
       {required({"id", "id", "", kSession, "Id in topics, paths and metrics."}),
        {"name", "text", "the id", kLive, "Name for people."},
        required(one_of(words(facility_classes()), {"class", "choice", "", kLive, "What kind of facility it is."})),
        {"time_zone", "text", "Asia/Shanghai", kLive, "IANA name of its time zone."},
        part("occupancy", kLive, "How full each zone is, told regularly."),
        {"zones", "sections", "none", kLive, "Places events speak of."},
        {"cameras", "sections", "none", kLive, "Its cameras; those that did not change keep their connections."},
        {"sensors", "sections", "none", kLive, "Infrared arrays, motion detectors and contacts on a broker."}}},
      {{"facilities[].occupancy"},
       {bounded("0s", "24h", {"every", "duration", "5min", kLive, "At multiples of it since 1970 UTC; 0s: never."})}},
      {{"facilities[].zones[]"},
       {required({"id", "id", "", kLive, "Id, unique in the facility."}),
        {"name", "text", "the id", kLive, "Name for people."},
        {"role", "text", "none", kLive, "What it is for, any word."},
        {"private", "flag", "false", kSession, "Only infrared may watch it, and nothing that watches it may record."}}},
      {{kCamera, kSensor},
       {required({"id", "id", "", kSession, "Id, unique over the gateway."}),
        {"name", "text", "the id", kSession, "Name for people."},
        {"enabled", "flag", "true", kSession, "Whether it is connected, and missed when it is away."},
        {"zones", "sections", "none", kSession, "Which part of the picture belongs to which zone."},
        {"ignore", "polygons", "none", kSession, "Parts of the picture that reach no detector."},
        part("presence", kSession, "When somebody counts as present.")}},
      {{kCamera + ".zones[]", kSensor + ".zones[]"},
       {required({"zone", "id", "", kSession, "Id of a zone of this facility."}),
        {"polygon", "polygon", "the whole picture", kSession, "3 to 64 points [x, y] in fractions 0 to 1 of the picture."}}},
  };
}

std::vector<Group> camera() {
  return {
      {{"defaults"}, {part("presence", kSession, "When somebody counts as present.")}},
      {{"defaults", kCamera},
       {part("detector", kSession, "What looks at the pictures."), part("faces", kSession, "Recognition of faces."),
        part("health", kSession, "When a camera counts as stalled, frozen or dark."), part("clips", kSession, "Clips of events.")}},
      {{kCamera},
       {part("main", kSession, "The main stream; at least one of main and sub is required."),
        part("sub", kSession, "The sub stream, smaller and cheaper to analyse."),
        one_of("main, sub", {"analyze", "choice", "sub where there is one", kSession, "Stream that is analysed."}),
        one_of("main, sub, none", {"record", "choice", "none", kSession, "Stream that clips are cut from."})}},
      {{"defaults", kCamera + ".main", kCamera + ".sub"},
       {one_of("tcp, udp, auto", {"transport", "choice", "tcp", kSession, "How RTP comes; auto: TCP first, then UDP."})}},
      {{kCamera + ".main", kCamera + ".sub"},
       {required({"url", "text", "", kSession, "rtsp://host[:port]/path, file:///absolute/path or v4l2:///dev/NAME, without a password."}),
        secret(kSession, "Name of the secret the camera is asked with."),
        one_of("any, digest", {"auth", "choice", "any", kSession, "digest: the password is never sent in the clear."}),
        {"redirect_to", "texts", "none", kSession, "host:port of places the camera may redirect to and be told the password."},
        part("thermal", kSession, "How the 16-bit numbers of a radiometric source are read.")}},
      {{kCamera + ".main.thermal", kCamera + ".sub.thermal"},
       {{"size", "text", "as the device has it", kSession, "Width x height in pixels, telemetry rows not counted."},
        bounded("0.1", "", {"fps", "number", "as the device has it", kSession, "Pictures a second."}, "1/s"),
        one_of("0.01K, 0.1K, 1/64K, 0.01C, 0.1C",
               {"scale", "choice", "none", kSession, "What one count means; required without telemetry."}),
        one_of("none, header, footer", {"telemetry", "choice", "none", kSession, "State rows of a Lepton."})}},
      {{"defaults.detector", kCamera + ".detector"},
       {one_of(words(detector_names()), {"name", "choice", "", kSession, "The detector (see above)."})}},
      {{kCamera + ".detector"},
       {part("mount", kSession, "How the sensor hangs; detector thermal only."),
        one_of("auto, white_hot, black_hot, ironbow, rainbow",
               {"palette", "choice", "auto", kSession, "What an 8-bit picture is set to; detector thermal only."})}},
      {{"defaults.clips", kCamera + ".clips"},
       {one_of(words(clip_event_types()), {"on", "choices", "none", kSession, "Event types that get a clip."})}},
  };
}

std::vector<Group> sensor() {
  return {
      {{kSensor},
       {required(one_of("thermal_array, pir, contact", {"kind", "choice", "", kSession, "What it is."})),
        {"broker", "id", "the only one", kSession, "Id of one of mqtt.brokers."},
        required({"topic", "text", "", kSession, "Where it publishes, without wildcards."}),
        part("availability", kSession, "Where it says that it is there."),
        {"size", "text", "32x24", kSession, "Pixels across x down, 4x4 to 80x64; thermal_array only."},
        bounded("2s", "192h",
                {"silent_after", "duration", "10s; others 2h, with availability 25h", kSession,
                 "No message this long: unknown; at most 1h for a thermal_array."}),
        bounded("1s", "1h", {"hold", "duration", "60s", kSession, "Motion means that somebody is there for this long; pir only."}),
        bounded("1", "6000", {"openings_per_minute", "integer", "30", kSession, "One that opens more often is unstable; contact only."},
                "1/min"),
        part("mapping", kSession, "Where the values stand in a foreign message (docs/sensors.md)."),
        part("mount", kSession, "How it hangs; thermal_array only.")}},
      {{kSensor + ".availability"},
       {{"topic", "text", "none", kSession, "Topic of its availability, without wildcards."},
        {"online", "text", "online", kSession, "What stands there while it is there."},
        {"offline", "text", "offline", kSession, "What stands there when it is gone."}}},
      {{kSensor + ".mapping"},
       {{"values", "text", "Kanhu's own form", kSession, "JSON pointer to the temperatures, or to the one state."},
        {"time", "text", "arrival counts", kSession, "JSON pointer to the time of measurement."},
        one_of("celsius, centi_celsius, kelvin, deci_kelvin, centi_kelvin, fahrenheit",
               {"unit", "choice", "celsius", kSession, "Unit of the temperatures; thermal_array only."}),
        {"active", "texts", "true, 1, on, open, motion, detected, occupied", kSession, "Words that mean motion, or open."},
        {"inactive", "texts", "false, 0, off, closed, clear, none", kSession, "Words that mean no motion, or closed."},
        one_of("none, horizontal, vertical, both",
               {"flip", "choice", "none", kSession, "How the picture is mirrored; thermal_array only."})}},
      {{kCamera + ".detector.mount", kSensor + ".mount"},
       {{"height", "text", "2.7m", kSession, "Metres above the floor, 1m to 20m."},
        bounded("0", "90", {"tilt", "number", "0", kSession, "Of its axis from straight down."}, "degrees"),
        {"view", "text", "what is usual for its size", kSession, "Degrees across x degrees down of its lens, each 5 to 180."}}},
  };
}

}  // namespace

std::vector<Group> listed_groups() {
  std::vector<Group> all;
  for (auto part_of : {machine, facility, camera, sensor})
    for (Group& group : part_of()) all.push_back(std::move(group));
  return all;
}

}  // namespace kanhu::table
