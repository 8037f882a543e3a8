// SPDX-License-Identifier: MIT
// What a configuration says of the world outside it, and where it says it.
#pragma once

#include <string>

#include "config/problem.hpp"

namespace kanhu {

enum class PlaceKind {
  kDataDir,
  kSecretsDir,
  kModelsDir,
  kAllowList,
  kAuthority,  // ca_file of a broker
  kEndpoint,   // publish.live, publish.query
  kListen,     // metrics.listen
  kMedia,      // path of a file:// source
  kDevice,     // path of a v4l2:// source
  kSecret,     // name of a secret
  kStream,     // URL of a stream; its key is the camera's id
  kRing,       // id of a camera that records
  kWorker,     // gateway.worker_memory_bytes
};

// One such value. Paths are absolute and normal; a value that is not in the file has the place of the section it would stand in.
struct Place {
  PlaceKind kind = PlaceKind::kDataDir;
  std::string key;    // as people call it: data_dir, live, ca_file; for a secret who asks for it: "camera entrance"
  std::string value;  // empty: none
  Mark mark{};
};

}  // namespace kanhu
