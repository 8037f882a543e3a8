// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "config/detectors.hpp"
#include "pipelines/identify/identifier.hpp"

namespace kanhu {

struct ReplayOptions {
  std::vector<std::string> files;
  ConfigPtr config;                              // whose cameras, zones and digest apply; none: one plain camera a file
  identify::Matchers galleries;                  // faces are compared with, where `config` says so
  std::string camera;                            // of `config`, for files that are no clips
  std::string detector{kUsualFaceDetector};      // without `config`
  std::optional<RadiometricConfig> thermal;      // how raw 16-bit files are read; none: as `config` says
  WallTime start{};                              // capture time of pts 0 for files without times
  int threads = 0;                               // of analysis, per worker; 0: one a core
  std::function<void(const std::string&)> note;  // told what takes long, in words; may be empty
  int workers = 1;                               // processes the recordings are dealt out to; nothing is parsed in this one
};

struct ReplaySummary {
  std::uint64_t events = 0;
  double media_seconds = 0;
  std::vector<std::string> problems;  // of recordings that could not be read to their end, a line each
};

// Runs the code of the live gateway on recordings, as fast as the machine can. Observations are merged by (event
// time, source, ordinal), so the events are the same bytes on any number of threads and workers (invariant 6); `epoch` is made
// from the recordings and the configuration. `each` gets every event body in order. A recording that kills its worker, or from which
// nothing more comes for 20 s, ends there and is a problem; what was read beside it is read again from where it was.
// Thread: blocks the calling thread.
Result<ReplaySummary> replay(const ReplayOptions& options, const std::function<void(const std::string& body)>& each);

}  // namespace kanhu
