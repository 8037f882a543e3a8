// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "base/file_stamp.hpp"
#include "base/guarded.hpp"
#include "base/json.hpp"
#include "config/config.hpp"
#include "models/faces/embedder.hpp"
#include "pipelines/identify/identifier.hpp"

namespace kanhu {

// Picks up the galleries of the facilities whose cameras compare faces, and every change of them, while the gateway runs:
// `kanhu gallery` replaces a file whole, and within a second or so the new version is in force. What cannot be used (another key,
// another network, a damaged file) is refused by name and the running version stays; only a gallery that is gone is no longer
// compared with. Consents that expire take their people out without anybody doing anything.
// Templates stay in this process, names are not kept in memory.
// Thread: confined to `control`, but for info().
class GalleryWatch {
 public:
  struct Upcalls {
    std::function<void(identify::Matchers)> use;
    std::function<void(const gallery::Matcher&)> changed;
    std::function<void(const std::string& facility, const std::string& running, const Error&)> rejected;
  };
  // `folder`: <data_dir>/galleries. The key is looked for in `secrets_dir` (config/keys.hpp).
  // `embedder` is asked once, when the first gallery is read.
  GalleryWatch(FileIo& files, std::string folder, std::string secrets_dir, std::function<Result<models::EmbedderInfo>()> embedder,
               Upcalls upcalls);

  // Looks whether a file has changed or a consent has expired.
  void look(const Config& config, WallTime now);
  // By facility: version, digest, people, threshold, words when it is not what lies there. For `kanhu status`.
  Json info() const;

 private:
  struct Watched {
    std::optional<FileStamp> stamp;  // as last read; nothing: no file
    gallery::MatcherPtr matcher;
    std::optional<WallTime> next_expiry;
    std::string refused;  // why the newest file is not in force
  };
  bool read(const std::string& facility, Watched& watched, WallTime now);

  FileIo& files_;
  const std::string folder_;
  const std::string secrets_dir_;
  const std::function<Result<models::EmbedderInfo>()> ask_embedder_;
  std::optional<Result<models::EmbedderInfo>> embedder_;
  const Upcalls upcalls_;
  std::map<std::string, Watched> watched_;
  Guarded<Json> info_{Json::object()};
};

// The embedder a gateway with this search path uses; the error of make_face_embedder when it cannot be had.
Result<models::EmbedderInfo> embedder_in_use(const std::vector<std::string>& search_path);

}  // namespace kanhu
