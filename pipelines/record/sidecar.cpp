// SPDX-License-Identifier: MIT
#include "pipelines/record/sidecar.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <span>

#include <fmt/format.h>

#include "base/text.hpp"

namespace kanhu::record {
namespace {

constexpr std::size_t kMostLineBytes = 64u << 10;
constexpr int kMostDepth = 8;
constexpr int kMostParts = 10000;

Json request_json(const Sidecar& sidecar) {
  const ClipRequest& request = sidecar.request;
  Json json = {{"clip", request.clip},
               {"subject", request.subject},
               {"subjects", sidecar.subjects},
               {"facility", request.facility},
               {"source", request.source},
               {"run", request.run},
               {"from", format_utc(request.from)},
               {"to", format_utc(request.to)},
               {"clock", to_string(request.clock)}};
  if (request.offset.count() != 0) json["offset_us"] = request.offset.count();
  return json;
}

Json frame_json(const SidecarFrame& frame) {
  return Json::array(
      {frame.part, std::chrono::duration_cast<std::chrono::microseconds>(frame.pts).count(), to_microseconds(frame.captured.arrival),
       frame.captured.rtcp ? Json(to_microseconds(*frame.captured.rtcp)) : Json(nullptr), frame.is_key ? 1 : 0, frame.lost_before ? 1 : 0});
}

Json camera_json(const Sidecar& sidecar) {
  Json json{{"id", sidecar.request.source}, {"name", sidecar.camera_name}, {"facility", sidecar.request.facility}};
  if (!sidecar.zones.empty()) json["zones"] = sidecar.zones;
  return json;
}

Json head_json(const Sidecar& sidecar, const char* format) {
  return Json{{"format", format},
              {"version", kSidecarVersion},
              {"request", request_json(sidecar)},
              {"camera", camera_json(sidecar)},
              {"codec", to_string(sidecar.codec)},
              {"file_clock", sidecar.file_clock}};
}

// Readers throw nlohmann's own exceptions and these; both are caught where a public function begins.
[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

WallTime time_of(const Json& json) {
  const auto time = parse_utc(json.get_ref<const std::string&>());
  if (!time) refuse(time.error().message);
  return *time;
}

template <typename Enum, std::size_t N>
Enum named(const Json& json, const std::array<Enum, N>& values) {
  const auto& text = json.get_ref<const std::string&>();
  for (Enum value : values)
    if (text == to_string(value)) return value;
  refuse(fmt::format("unknown value {}", kanhu::quoted(text)));
}

SidecarFrame frame_of(const Json& row, bool file_clock) {
  SidecarFrame frame;
  frame.part = row.at(0).get<int>();
  if (frame.part < 1 || frame.part > kMostParts) refuse("a frame names a part that cannot be");
  frame.pts = std::chrono::microseconds(row.at(1).get<std::int64_t>());
  frame.captured.arrival = wall_from_microseconds(row.at(2).get<std::int64_t>());
  if (!row.at(3).is_null()) frame.captured.rtcp = wall_from_microseconds(row.at(3).get<std::int64_t>());
  frame.captured.from_file = file_clock;
  frame.is_key = row.at(4).get<int>() != 0;
  frame.lost_before = row.at(5).get<int>() != 0;
  return frame;
}

// Kinds: kNewerFormat for a newer version; throws for everything else that is wrong.
Result<Sidecar> head_of(const Json& json, const char* format) {
  if (json.at("format").get_ref<const std::string&>() != format) refuse("another kind of file");
  const int version = json.at("version").get<int>();
  if (version > kSidecarVersion)
    return fail(ErrorKind::kNewerFormat, fmt::format("written by a newer version (format {}, known up to {})", version, kSidecarVersion));
  Sidecar sidecar;
  const Json& request = json.at("request");
  sidecar.request.clip = request.at("clip").get<std::string>();
  sidecar.request.subject = request.at("subject").get<std::string>();
  sidecar.subjects = request.at("subjects").get<std::vector<std::string>>();
  sidecar.request.facility = request.at("facility").get<std::string>();
  sidecar.request.source = request.at("source").get<std::string>();
  sidecar.request.run = request.at("run").get<std::string>();
  sidecar.request.from = time_of(request.at("from"));
  sidecar.request.to = time_of(request.at("to"));
  sidecar.request.clock = named(request.at("clock"), std::array{ClockSource::kRtcp, ClockSource::kArrival, ClockSource::kFile});
  sidecar.request.offset = std::chrono::microseconds(request.value("offset_us", std::int64_t{0}));
  if (!is_clip_id(sidecar.request.clip) || !is_identifier(sidecar.request.facility)) refuse("clip or facility is not an id");
  const Json& camera = json.at("camera");
  sidecar.camera_name = camera.at("name").get<std::string>();
  if (camera.contains("zones")) sidecar.zones = camera.at("zones").get<std::vector<std::string>>();
  sidecar.codec = named(json.at("codec"), std::array{Codec::kH264, Codec::kH265, Codec::kMjpeg});
  sidecar.file_clock = json.at("file_clock").get<bool>();
  return sidecar;
}

// Whole numbers and text only, so this is canonical (RFC 8785) too, without the way through floating point.
std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

// Our own part names only: a sidecar must not lead a reader to another file.
bool is_part_of(const std::string& file, const ClipPaths& paths, int number) {
  return file == paths.part(number, "mp4") || file == paths.part(number, "mov");
}

Result<Sidecar> full_of(const Json& json) {
  auto sidecar = head_of(json, "kanhu.clip");
  if (!sidecar) return sidecar;
  const auto paths = clip_paths("", sidecar->request);
  const Json& record = json.at("record");
  ClipRecord& into = sidecar->record;
  into.clip = sidecar->request.clip;
  into.facility = sidecar->request.facility;
  into.source = sidecar->request.source;
  into.status = named(record.at("status"), std::array{ClipStatus::kComplete, ClipStatus::kPartial, ClipStatus::kMissing});
  into.reason = record.at("reason").get<std::string>();
  into.from = time_of(record.at("from"));
  into.to = time_of(record.at("to"));
  for (const Json& each : record.at("parts")) {
    SidecarPart part{each.at("part").get<int>(), each.at("file").get<std::string>(), each.at("caps").get<std::string>(),
                     each.at("bytes").get<std::uint64_t>()};
    if (part.number < 1 || part.number > kMostParts || !is_part_of(part.file, *paths, part.number))
      refuse("a part's name is not its clip's");
    into.parts.push_back(part.file);
    into.sha256.push_back(each.at("sha256").get<std::string>());
    into.bytes += part.bytes;
    sidecar->parts.push_back(std::move(part));
  }
  for (const Json& row : json.at("frames")) sidecar->frames.push_back(frame_of(row, sidecar->file_clock));
  sidecar->arrived = sidecar->frames.empty() ? into.to : sidecar->frames.back().captured.arrival;
  if (json.contains("manifest")) sidecar->manifest = json.at("manifest").get<std::string>();
  return sidecar;
}

// Without the name that the JSON library gives its own exceptions.
std::string words_of(const std::exception& error) {
  const std::string_view words = error.what();
  const std::size_t end = words.starts_with("[json.exception") ? words.find("] ") : std::string_view::npos;
  return std::string(end == std::string_view::npos ? words : words.substr(end + 2));
}

}  // namespace

bool is_clip_id(std::string_view text) {
  return text.size() == 26 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

Result<ClipPaths> clip_paths(const std::string& directory, const ClipRequest& request) {
  if (!is_clip_id(request.clip)) return fail(ErrorKind::kInvalidArgument, fmt::format("not a clip id: {}", kanhu::quoted(request.clip)));
  if (!is_identifier(request.facility))
    return fail(ErrorKind::kInvalidArgument, fmt::format("not a facility id: {}", kanhu::quoted(request.facility)));
  const std::string day = format_utc(request.from);  // yyyy-mm-ddT...
  if (day.size() != 27) return fail(ErrorKind::kInvalidArgument, "the clip's time is outside the years 0000 to 9999");
  return ClipPaths{directory, fmt::format("{}/{}/{}/{}", request.facility, day.substr(0, 4), day.substr(5, 2), day.substr(8, 2)),
                   request.clip};
}

std::string ClipPaths::part(int number, std::string_view extension) const {
  return number == 1 ? fmt::format("{}/{}.{}", day, clip, extension) : fmt::format("{}/{}.{}.{}", day, clip, number, extension);
}

Json to_json(const Sidecar& sidecar) {
  Json json = head_json(sidecar, "kanhu.clip");
  Json parts = Json::array();
  for (std::size_t i = 0; i < sidecar.parts.size(); ++i) {
    const SidecarPart& part = sidecar.parts[i];
    parts.push_back(Json{
        {"part", part.number}, {"file", part.file}, {"caps", part.caps}, {"bytes", part.bytes}, {"sha256", sidecar.record.sha256.at(i)}});
  }
  json["record"] = Json{{"status", to_string(sidecar.record.status)},
                        {"reason", sidecar.record.reason},
                        {"parts", std::move(parts)},
                        {"from", format_utc(sidecar.record.from)},
                        {"to", format_utc(sidecar.record.to)}};
  Json frames = Json::array();
  for (const SidecarFrame& frame : sidecar.frames) frames.push_back(frame_json(frame));
  json["frames"] = std::move(frames);
  if (sidecar.manifest) json["manifest"] = *sidecar.manifest;
  return json;
}

Result<Sidecar> sidecar_from_json(const Json& json) {
  try {
    return full_of(json);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("not a clip sidecar: {}", words_of(error)));
  }
}

std::string times_header(const Sidecar& sidecar) { return line(head_json(sidecar, "kanhu.clip-times")); }
std::string times_part(const SidecarPart& part) { return line(Json{{"part", part.number}, {"file", part.file}, {"caps", part.caps}}); }
std::string times_frame(const SidecarFrame& frame) { return line(frame_json(frame)); }
std::string times_reason(const std::string& reason) { return line(Json{{"reason", reason}}); }

Result<Sidecar> read_times(FileIo& io, const std::string& path) {
  const auto text = read_text(io, path, kMostSidecarBytes);
  if (!text) return tl::unexpected(text.error());
  std::optional<Sidecar> sidecar;
  std::string_view rest = *text;
  try {
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      const auto json = parse_json(rest.substr(0, end), kMostLineBytes, kMostDepth);
      rest.remove_prefix(end + 1);
      if (!json && !sidecar) return tl::unexpected(json.error());
      if (!json) break;  // what follows damage is not trusted
      if (!sidecar) {
        auto head = head_of(*json, "kanhu.clip-times");
        if (!head) return head;
        sidecar = std::move(*head);
      } else if (json->is_array()) {
        sidecar->frames.push_back(frame_of(*json, sidecar->file_clock));
      } else if (json->contains("part")) {
        sidecar->parts.push_back(
            {json->at("part").get<int>(), json->at("file").get<std::string>(), json->at("caps").get<std::string>(), 0});
      } else if (sidecar->record.reason.empty()) {
        sidecar->record.reason = json->at("reason").get<std::string>();
      }
    }
  } catch (const std::exception& error) {
    if (!sidecar) return fail(ErrorKind::kCorrupt, fmt::format("{}: not a times log: {}", path, words_of(error)));
  }
  if (!sidecar) return fail(ErrorKind::kCorrupt, fmt::format("{}: an empty times log", path));
  return std::move(*sidecar);
}

Result<std::string> read_text(FileIo& io, const std::string& path, std::size_t most) {
  auto file = io.open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > most) return fail(ErrorKind::kCorrupt, fmt::format("{}: larger than {} bytes", path, most));
  std::string text(*size, '\0');
  const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!got) return tl::unexpected(got.error());
  text.resize(*got);
  return text;
}

Result<void> write_sidecar(FileIo& io, const ClipPaths& paths, const Sidecar& sidecar) {
  const std::string text = line(to_json(sidecar));
  const std::string temporary = paths.sidecar() + ".tmp";
  if (io.exists(temporary)) {
    if (auto ok = io.remove(temporary); !ok) return ok;
  }
  auto written = [&]() -> Result<void> {
    auto file = io.open(temporary, OpenMode::kCreateNew);
    if (!file) return tl::unexpected(file.error());
    if (auto ok = (*file)->append(std::as_bytes(std::span(text))); !ok) return ok;
    return (*file)->sync();
  }();
  if (!written) {
    (void)io.remove(temporary);  // it may not even exist; the first error is the one to tell
    return written;
  }
  if (auto ok = io.rename(temporary, paths.sidecar()); !ok) return ok;
  if (auto ok = io.sync_directory(paths.folder()); !ok) return ok;
  const auto back = read_text(io, paths.sidecar(), kMostSidecarBytes);
  if (!back) return tl::unexpected(back.error());
  if (*back != text) return fail(ErrorKind::kIo, fmt::format("{}: reads back differently", paths.sidecar()));
  return {};
}

Result<Sidecar> read_sidecar(FileIo& io, const std::string& path) {
  const auto text = read_text(io, path, kMostSidecarBytes);
  if (!text) return tl::unexpected(text.error());
  const auto json = parse_json(*text, kMostSidecarBytes, kMostDepth);
  if (!json) return fail(json.error().kind, fmt::format("{}: {}", path, json.error().message));
  auto sidecar = sidecar_from_json(*json);
  if (!sidecar) return fail(sidecar.error().kind, fmt::format("{}: {}", path, sidecar.error().message));
  return sidecar;
}

}  // namespace kanhu::record
