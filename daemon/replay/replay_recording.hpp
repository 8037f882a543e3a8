// SPDX-License-Identifier: MIT
// What `kanhu replay` reads: files as the cameras they stand for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "daemon/replay/replay.hpp"

namespace kanhu {

// One file to be read as one run of one source.
struct RecordingPart {
  std::string path;
  std::string sidecar;  // empty for a plain file
  int number = 0;       // within the sidecar
  std::string sha256;
};

// One recording and how far its replay has come.
struct Recording {
  std::string facility;
  CameraConfig camera;
  std::vector<RecordingPart> parts;
  std::size_t next = 0;  // part to be opened
  double media_seconds = 0;

  std::size_t worker = 0;
  bool alone = false;       // in a worker that reads nothing else
  bool is_over = false;     // nothing more of it is waited for
  int sessions = 0;         // opened, and not told to have ended
  std::uint64_t told = 0;   // observations of the part that is open
  std::uint64_t known = 0;  // of those so many were heard from a worker that died: the same again
  std::uint64_t moves = 0;  // what its worker counted last; anything new is progress
  MonoTime moved{};

  const std::string& path() const { return parts[next > 0 ? next - 1 : 0].path; }
};

// A file, or the clip it belongs to, with the digests of its content. Only files are opened: pipes and devices have no end.
Result<Recording> recording_of(FileIo& files, const std::string& file, const ReplayOptions& options, std::size_t number);

// Replays without recording: what a camera's configuration says about clips does not apply.
CameraConfig camera_for_replay(CameraConfig camera, const std::string& path);

}  // namespace kanhu
