// SPDX-License-Identifier: MIT
// Who is compared: the registry's detectors, dlib's as everybody uses it, and peers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/faces/peer.hpp"
#include "bench/faces/picture.hpp"

namespace kanhu::bench {

struct Contestant {
  std::string name;
  bool is_peer = false;        // somebody else's, to be measured against
  bool is_process = false;     // reads its pictures from files
  double asked_threshold = 0;  // the lowest score it was asked for
  // One picture, without memory of others. `path` is the same picture as PGM or PPM, for processes only.
  std::function<Result<Look>(const Picture&, const std::string& path)> look;
};

struct ContestantOptions {
  std::vector<std::string> detectors;  // rows of the registry; empty: every one that finds faces and whose weights are there
  std::string models_dir;              // searched first
  double smallest_px = 20;             // face width
  std::string peers;                   // folder; empty: none beside dlib's
};

struct Field {
  std::vector<Contestant> contestants;  // the registry's first, in its order
  std::string default_detector;         // the one the headline is about
  std::vector<std::string> left_out;    // one sentence each
};

// What is asked for, so that every threshold above can be tried. 0.25 is where models/faces/search.hpp stops to look again, so that a
// detector does the same work as at its usual threshold.
inline constexpr double kLowScore = 0.25;   // of the registry's
inline constexpr double kLowMargin = -0.5;  // of dlib's, whose own decision is 0

// kInvalidArgument: an unknown name; kNotFound: one that was named has no weights; kNotFound: no such folder.
Result<Field> make_field(const ContestantOptions& options);

}  // namespace kanhu::bench
