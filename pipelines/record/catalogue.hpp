// SPDX-License-Identifier: MIT
// The clips that are kept: listed, compared with their hashes, removed when their time has come.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {

// All sidecars below `directory`, newest first, without their frames (read_sidecar gives them): thousands of clips
// fit into memory. What cannot be read is logged and left out.
Result<std::vector<Sidecar>> list_clips(FileIo& io, const std::string& directory);
// Reads the files of a clip again and compares them with the sidecar's hashes. kCorrupt when one differs.
Result<void> verify_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar);

// The clips that must go, oldest first: older than most_age at `now`, then until the rest fits into most_bytes. Age counts from the
// arrival of the last picture at this machine, never by a camera's clock. One whose arrival cannot be (before 2020, or over an hour
// ahead of `now`: this machine's clock was wrong) has no age: it goes by none, and is the first that makes room. `aged_to`: the time that
// ages are counted to (base/age_clock.hpp), where that is not `now`. The asker journals clip.updated missing(retention) before it calls
// remove_clip.
std::vector<Sidecar> plan_retention(const StorageConfig& limits, std::vector<Sidecar> clips, WallTime now,
                                    std::optional<WallTime> aged_to = {});
// Media first, the sidecar last: after a crash the clip is still listed and can be removed again.
Result<void> remove_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar);
// Absolute path of a clip's sidecar, for read_sidecar.
std::string sidecar_path(const std::string& directory, const Sidecar& sidecar);

}  // namespace kanhu::record
