// SPDX-License-Identifier: MIT
#include "daemon/replay/replay_recording.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "daemon/replay/media_worker.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu {
namespace {

constexpr std::chrono::seconds kNoteEvery{5};

double in_gib(std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(1u << 30); }

// Of what it holds now: one that grows meanwhile would have no end.
Result<std::string> digest_of_file(FileIo& files, const std::string& path, const std::function<void(const std::string&)>& note) {
  if (auto file = check_is_file(path); !file) return tl::make_unexpected(file.error());
  auto file = files.open(path, OpenMode::kRead);
  if (!file) return tl::make_unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return tl::make_unexpected(size.error());
  Sha256Stream digest;
  auto told = std::chrono::steady_clock::now();
  std::vector<std::byte> bytes(1 << 20);
  for (std::uint64_t offset = 0; offset < *size;) {
    auto got = (*file)->read_at(offset, std::span(bytes).first(std::min<std::uint64_t>(bytes.size(), *size - offset)));
    if (!got) return tl::make_unexpected(got.error());
    if (*got == 0) break;
    digest.update(std::span(bytes).first(*got));
    offset += *got;
    const auto now = std::chrono::steady_clock::now();
    if (!note || now - told < kNoteEvery) continue;
    told = now;
    note(fmt::format("reading {}: {:.1f} of {:.1f} GiB", kanhu::quoted(path, 300), in_gib(offset), in_gib(*size)));
  }
  return to_hex(digest.finish());
}

// "clip.mp4", "clip.2.mp4" -> the sidecar beside them, if there is one.
std::optional<std::string> sidecar_beside(FileIo& files, const std::filesystem::path& path) {
  if (path.extension() == ".json") return path.string();
  std::filesystem::path stem = path.parent_path() / path.stem();
  if (files.exists(stem.string() + ".json")) return stem.string() + ".json";
  if (stem.has_extension()) {
    stem = stem.parent_path() / stem.stem();
    if (files.exists(stem.string() + ".json")) return stem.string() + ".json";
  }
  return std::nullopt;
}

Result<void> take_config(Recording& recording, const ReplayOptions& options, const std::string& wanted) {
  if (!options.config) return {};
  const CameraConfig* camera = options.config->camera(wanted);
  if (!camera && !options.camera.empty())
    return fail(ErrorKind::kInvalidArgument, fmt::format("no camera {} in the configuration", kanhu::quoted(wanted)));
  if (!camera) return {};
  recording.camera = *camera;
  recording.facility = options.config->facility_of(wanted)->id;
  return {};
}

}  // namespace

CameraConfig camera_for_replay(CameraConfig camera, const std::string& path) {
  camera.enabled = true;
  // How its 16-bit counts are read stays.
  const StreamConfig* analysed = stream_for(camera, camera.analyze);
  const auto thermal = analysed != nullptr ? analysed->thermal : std::nullopt;
  camera.main = StreamConfig{"file://" + path, "", Transport::kTcp, thermal};
  camera.sub.reset();
  camera.sensor.reset();
  camera.analyze = StreamRole::kMain;
  camera.record.reset();
  camera.clips.on.clear();
  return camera;
}

Result<Recording> recording_of(FileIo& files, const std::string& file, const ReplayOptions& options, std::size_t number) {
  const std::string path = std::filesystem::absolute(file).lexically_normal().string();
  Recording recording;
  std::string wanted = options.camera;
  if (auto sidecar_path = sidecar_beside(files, path)) {
    if (auto readable = check_is_file(*sidecar_path); !readable) return tl::make_unexpected(readable.error());
    auto sidecar = record::read_sidecar(files, *sidecar_path);
    if (!sidecar) return tl::make_unexpected(sidecar.error());
    const std::filesystem::path folder = std::filesystem::path(*sidecar_path).parent_path();
    for (const record::SidecarPart& part : sidecar->parts) {
      recording.parts.push_back({(folder / std::filesystem::path(part.file).filename()).string(), *sidecar_path, part.number, ""});
    }
    recording.facility = sidecar->record.facility;
    recording.camera.id = sidecar->record.source;
    recording.camera.name = sidecar->camera_name;
    if (wanted.empty()) wanted = sidecar->record.source;
    if (recording.parts.empty()) return fail(ErrorKind::kNotFound, fmt::format("{}: the clip has no files", *sidecar_path));
  } else {
    recording.parts.push_back({path, "", 0, ""});
    recording.facility = "replay";
    recording.camera.id = fmt::format("file-{}", number);
    recording.camera.name = std::filesystem::path(path).filename().string();
  }
  recording.camera.detector.name = options.detector;
  if (auto chosen = take_config(recording, options, wanted); !chosen) return tl::make_unexpected(chosen.error());
  for (RecordingPart& part : recording.parts) {
    auto digest = digest_of_file(files, part.path, options.note);
    if (!digest) return tl::make_unexpected(digest.error());
    part.sha256 = std::move(*digest);
  }
  return recording;
}

}  // namespace kanhu
