// SPDX-License-Identifier: MIT
// Detectors of others, each a program that the benchmark alone starts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "bench/matching.hpp"

namespace kanhu::bench {

struct Look {
  std::vector<Found> found;
  double milliseconds = 0;
  std::optional<double> instructions;  // of ours, where they can be counted
};

// An executable that reads the path of a picture (PGM or PPM) a line, and answers each with a line of JSON:
// {"file": ..., "ms": ..., "boxes": [[x, y, width, height, score], ...]}, pixels, any scale of score (1 without one).
// Thread: confined.
class Peer {
 public:
  // kNotFound, kPermission, kIo.
  static Result<std::unique_ptr<Peer>> start(const std::string& executable);
  ~Peer();  // closes its input and waits for it, and ends it when it does not end by itself
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Its file name.
  const std::string& name() const { return name_; }
  // kTimeout after a minute, kClosed when it has ended, kCorrupt for another answer. After an error it is not asked again.
  Result<Look> look(const std::string& picture_path);

 private:
  Peer() = default;
  Result<std::string> line();
  std::string name_;
  int process_ = -1, socket_ = -1;
  std::string unread_;
};

// The answer of a peer.
Result<Look> look_in(std::string_view answer, const std::string& peer);

// The executables in a folder, sorted. kNotFound.
Result<std::vector<std::string>> executables_in(const std::string& folder);

// A folder for the pictures that peers read; gone with this object.
class PictureFolder {
 public:
  static Result<std::unique_ptr<PictureFolder>> make();
  ~PictureFolder();
  PictureFolder(const PictureFolder&) = delete;
  PictureFolder& operator=(const PictureFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit PictureFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace kanhu::bench
