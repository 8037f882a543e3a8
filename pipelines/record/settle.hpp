// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/file_io.hpp"
#include "pipelines/event.hpp"

namespace kanhu::record {

// What is on disk for a clip that was pending when the gateway died: complete when it reads back whole and reaches
// `to`, partial(gateway_restarted) when it plays but is short, missing(gateway_restarted) when there is nothing.
// Leaves a sidecar behind that says so. Never for a clip that a recorder is writing.
ClipRecord settle(FileIo& io, const std::string& directory, const ClipRequest& request);

}  // namespace kanhu::record
