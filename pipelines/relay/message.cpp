// SPDX-License-Identifier: MIT
#include "pipelines/relay/message.hpp"

#include <array>
#include <exception>
#include <stdexcept>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "config/json.hpp"
#include "pipelines/relay/observation_json.hpp"

namespace kanhu::relay {
namespace {

// Most buckets are empty: pairs of bucket and count.
Json histogram_json(const LatencyHistogram& histogram) {
  Json filled = Json::array();
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    if (histogram.buckets()[i] != 0) filled.push_back(Json::array({i, histogram.buckets()[i]}));
  }
  return {{"sum", histogram.sum().count()}, {"filled", filled}};
}

LatencyHistogram histogram_from(const Json& json) {
  std::array<std::uint64_t, LatencyHistogram::kBuckets> buckets{};
  for (const Json& pair : json.at("filled")) buckets.at(pair.at(0).get<std::size_t>()) = pair.at(1).get<std::uint64_t>();
  return LatencyHistogram::from(buckets, std::chrono::nanoseconds(json.at("sum").get<std::int64_t>()));
}

StreamRole role_from(const Json& json) { return enum_from<StreamRole>(json, 2); }

Json credentials_json(const std::map<std::string, Credential>& credentials) {
  Json json = Json::object();
  for (const auto& [name, credential] : credentials) json[name] = Json::array({credential.user, credential.password.reveal()});
  return json;
}

// Paths are bytes, not text.
Json paths_json(const std::vector<std::string>& paths) {
  Json json = Json::array();
  for (const std::string& path : paths) json.push_back(to_base64({reinterpret_cast<const std::uint8_t*>(path.data()), path.size()}));
  return json;
}

std::vector<std::string> paths_from(const Json& json) {
  std::vector<std::string> paths;
  for (const Json& each : json) {
    const auto bytes = from_base64(each.get_ref<const std::string&>());
    if (!bytes) throw std::out_of_range("a path");
    paths.emplace_back(bytes->begin(), bytes->end());
  }
  return paths;
}

// One `pack` a message; the member "is" tells them apart.
Json pack(const Hello& m) { return {{"is", "hello"}, {"schema", m.schema}, {"build", m.build}}; }
Json pack(const Setup& m) {
  return {{"is", "setup"},      {"clips_dir", m.clips_dir},    {"models_path", m.models_path}, {"threads", m.analysis_threads},
          {"replay", m.replay}, {"files", paths_json(m.files)}};
}
Json pack(const Assign& m) {
  return {{"is", "assign"},
          {"facility", m.facility},
          {"camera", camera_json(m.camera)},
          {"private", m.is_private},
          {"credentials", credentials_json(m.credentials)},
          {"file_start", to_microseconds(m.file_start)},
          {"sidecar", m.sidecar},
          {"part", m.part},
          {"file_digest", m.file_digest}};
}
Json pack(const Open& m) { return {{"is", "open"}, {"camera", m.camera}, {"role", static_cast<int>(m.role)}}; }
Json pack(const Release& m) { return {{"is", "release"}, {"camera", m.camera}}; }
Json pack(const AskClip& m) { return {{"is", "ask_clip"}, {"request", to_json(m.request)}}; }
Json pack(const AskPicture& m) {
  return {{"is", "ask_picture"},
          {"id", m.id},
          {"camera", m.camera},
          {"max_width", m.max_width},
          {"clip", m.clip},
          {"at", to_microseconds(m.at)},
          {"clock", static_cast<int>(m.clock)}};
}
Json pack(const Drain&) { return {{"is", "drain"}}; }
Json pack(const Observed& m) { return {{"is", "observed"}, {"observation", to_json(m.observation)}}; }
Json pack(const SourceConnected& m) { return {{"is", "connected"}, {"camera", m.camera}, {"role", static_cast<int>(m.role)}}; }
Json pack(const SourceUp& m) {
  return {{"is", "up"},
          {"camera", m.camera},
          {"role", static_cast<int>(m.role)},
          {"codec", static_cast<int>(m.format.codec)},
          {"width", m.format.width},
          {"height", m.format.height},
          {"fps", m.format.frames_per_second}};
}
Json pack(const SourceEnded& m) {
  return {{"is", "ended"},
          {"camera", m.camera},
          {"role", static_cast<int>(m.role)},
          {"kind", static_cast<int>(m.why.kind)},
          {"message", m.why.message}};
}
Json pack(const ClipDone& m) { return {{"is", "clip"}, {"record", to_json(m.record)}}; }
Json pack(const PicturePart& m) {
  return {{"is", "picture"},
          {"id", m.id},
          {"captured", to_microseconds(m.captured)},
          {"arrival", to_microseconds(m.arrival)},
          {"width", m.width},
          {"height", m.height},
          {"total", m.total},
          {"offset", m.offset},
          {"bytes", to_base64({reinterpret_cast<const std::uint8_t*>(m.bytes.data()), m.bytes.size()})}};
}
Json pack(const PictureFailed& m) {
  return {{"is", "no_picture"}, {"id", m.id}, {"kind", static_cast<int>(m.why.kind)}, {"message", m.why.message}};
}
Json pack(const CameraReport& m) {
  return {{"is", "camera_stats"},
          {"camera", m.camera},
          {"n", Json::array({m.packets, m.key_frames, m.bytes, m.frames_decoded, m.decode_errors, m.packets_not_decoded, m.packets_lost,
                             m.held_bytes, m.frames_analysed, m.frames_dropped, m.detections, m.tracks, m.faces_compared, m.faces_shed,
                             m.ring_bytes, m.ring_overflow_drops, m.clips_open, m.width, m.height})},
          {"ring_seconds", m.ring_seconds},
          {"codec", m.codec},
          {"rtcp", m.has_rtcp_time},
          {"keep_alive", m.keep_alive},
          {"detector", m.detector},
          {"notice", m.detector_notice},
          {"wait", histogram_json(m.wait)},
          {"work", histogram_json(m.work)}};
}
Json pack(const WorkerReport& m) {
  Json at_work = Json::array();
  for (const auto& each : m.at_work) at_work.push_back(Json::array({each.camera, each.closing, each.processor_ms}));
  return {{"is", "worker_stats"}, {"progress", m.progress}, {"idle", m.idle}, {"handled", m.handled}, {"at_work", std::move(at_work)}};
}
Json pack(const LogLine& m) { return {{"is", "log"}, {"level", m.level}, {"area", m.area}, {"text", m.text}}; }

Assign assign_from(const Json& json) {
  auto camera = camera_from_json(json.at("camera"));
  if (!camera) throw std::out_of_range(camera.error().message);
  Assign assign;
  assign.facility = json.at("facility").get<std::string>();
  assign.camera = std::move(*camera);
  assign.is_private = json.at("private").get<bool>();
  for (const auto& [name, pair] : json.at("credentials").items()) {
    assign.credentials[name] = Credential{pair.at(0).get<std::string>(), Secret(pair.at(1).get<std::string>())};
  }
  assign.file_start = wall_from_microseconds(json.at("file_start").get<std::int64_t>());
  assign.sidecar = json.at("sidecar").get<std::string>();
  assign.part = json.at("part").get<int>();
  assign.file_digest = json.at("file_digest").get<std::string>();
  return assign;
}

SourceUp source_up_from(const Json& json) {
  SourceUp up{json.at("camera").get<std::string>(), role_from(json.at("role")), {}};
  up.format.codec = enum_from<Codec>(json.at("codec"), 4);
  up.format.width = json.at("width").get<int>();
  up.format.height = json.at("height").get<int>();
  up.format.frames_per_second = json.at("fps").get<double>();
  return up;
}

SourceEnded source_ended_from(const Json& json) {
  return {json.at("camera").get<std::string>(), role_from(json.at("role")),
          Error{enum_from<ErrorKind>(json.at("kind"), kErrorKinds), json.at("message").get<std::string>()}};
}

CameraReport camera_stats_from(const Json& json) {
  CameraReport stats;
  stats.camera = json.at("camera").get<std::string>();
  const Json& n = json.at("n");
  std::size_t at = 0;
  for (std::uint64_t* field :
       {&stats.packets, &stats.key_frames, &stats.bytes, &stats.frames_decoded, &stats.decode_errors, &stats.packets_not_decoded,
        &stats.packets_lost, &stats.held_bytes, &stats.frames_analysed, &stats.frames_dropped, &stats.detections, &stats.tracks,
        &stats.faces_compared, &stats.faces_shed, &stats.ring_bytes, &stats.ring_overflow_drops, &stats.clips_open}) {
    *field = n.at(at++).get<std::uint64_t>();
  }
  stats.width = n.at(at++).get<int>();
  stats.height = n.at(at++).get<int>();
  stats.ring_seconds = json.at("ring_seconds").get<double>();
  stats.codec = json.at("codec").get<std::string>();
  stats.has_rtcp_time = json.at("rtcp").get<bool>();
  stats.keep_alive = json.at("keep_alive").get<std::string>();
  stats.detector = json.at("detector").get<std::string>();
  stats.detector_notice = json.at("notice").get<std::string>();
  stats.wait = histogram_from(json.at("wait"));
  stats.work = histogram_from(json.at("work"));
  return stats;
}

WorkerReport worker_stats_from(const Json& json) {
  WorkerReport stats{json.at("progress").get<std::uint64_t>(), json.at("idle").get<bool>(), {}, json.at("handled").get<std::uint64_t>()};
  const Json& at_work = json.at("at_work");
  if (at_work.size() > kMostAtWork) throw std::out_of_range("pieces of work");
  for (const Json& each : at_work)
    stats.at_work.push_back({each.at(0).get<std::string>(), each.at(1).get<bool>(), each.at(2).get<std::uint64_t>()});
  return stats;
}

AskPicture ask_picture_from(const Json& json) {
  return {json.at("id").get<std::uint64_t>(),
          json.at("camera").get<std::string>(),
          json.at("max_width").get<int>(),
          json.at("clip").get<std::string>(),
          wall_from_microseconds(json.at("at").get<std::int64_t>()),
          enum_from<ClockSource>(json.at("clock"), 3)};
}

PicturePart picture_part_from(const Json& json) {
  PicturePart part;
  part.id = json.at("id").get<std::uint64_t>();
  part.captured = wall_from_microseconds(json.at("captured").get<std::int64_t>());
  part.arrival = wall_from_microseconds(json.at("arrival").get<std::int64_t>());
  part.width = json.at("width").get<int>();
  part.height = json.at("height").get<int>();
  part.total = json.at("total").get<std::uint64_t>();
  part.offset = json.at("offset").get<std::uint64_t>();
  const auto bytes = from_base64(json.at("bytes").get_ref<const std::string&>());
  if (!bytes || bytes->empty() || bytes->size() > kMostPartBytes) throw std::out_of_range("a picture's part");
  part.bytes.assign(bytes->begin(), bytes->end());
  return part;
}

Message unpack(const Json& json) {
  const auto is = json.at("is").get<std::string>();
  if (is == "observed") return Observed{observation_from_json(json.at("observation"))};
  if (is == "camera_stats") return camera_stats_from(json);
  if (is == "worker_stats") return worker_stats_from(json);
  if (is == "connected") return SourceConnected{json.at("camera").get<std::string>(), role_from(json.at("role"))};
  if (is == "up") return source_up_from(json);
  if (is == "ended") return source_ended_from(json);
  if (is == "clip") return ClipDone{clip_record_from_json(json.at("record"))};
  if (is == "log") return LogLine{json.at("level").get<int>(), json.at("area").get<std::string>(), json.at("text").get<std::string>()};
  if (is == "hello") return Hello{json.at("schema").get<int>(), json.at("build").get<std::string>()};
  if (is == "setup") {
    return Setup{json.at("clips_dir").get<std::string>(), json.at("models_path").get<std::vector<std::string>>(),
                 json.at("threads").get<int>(), json.at("replay").get<bool>(), paths_from(json.at("files"))};
  }
  if (is == "assign") return assign_from(json);
  if (is == "open") return Open{json.at("camera").get<std::string>(), role_from(json.at("role"))};
  if (is == "release") return Release{json.at("camera").get<std::string>()};
  if (is == "ask_clip") return AskClip{clip_request_from_json(json.at("request"))};
  if (is == "ask_picture") return ask_picture_from(json);
  if (is == "picture") return picture_part_from(json);
  if (is == "no_picture") {
    return PictureFailed{json.at("id").get<std::uint64_t>(),
                         {enum_from<ErrorKind>(json.at("kind"), kErrorKinds), json.at("message").get<std::string>()}};
  }
  if (is == "drain") return Drain{};
  if (is == "sensor") return sensor_message_from(json);
  if (is == "sensors_round") return SensorsRound{json.at("number").get<std::uint64_t>()};
  if (is == "broker") return broker_state_from(json);
  if (is == "task") return task_from(json);
  if (is == "task_moved") return TaskMoved{json.at("steps").get<std::uint64_t>()};
  if (is == "task_part") return task_part_from(json);
  if (is == "task_failed") return task_failed_from(json);
  throw std::out_of_range("unknown message");
}

}  // namespace

std::string encode(const Message& message) {
  return std::visit([](const auto& m) { return pack(m).dump(-1, ' ', false, Json::error_handler_t::replace); }, message);
}

Result<Message> decode(std::string_view bytes) {
  auto json = parse_json(bytes, kLargestMessage, 32);
  if (!json) return fail(ErrorKind::kCorrupt, "not a relay message: " + json.error().message);
  try {
    return unpack(*json);
  } catch (const std::exception& problem) {
    return fail(ErrorKind::kCorrupt, fmt::format("not a relay message: {}", problem.what()));
  }
}

}  // namespace kanhu::relay
