// SPDX-License-Identifier: MIT
// A source whose progress can be watched.
#pragma once

#include <memory>

#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/ingest/intake.hpp"
#include "pipelines/ingest/receiver.hpp"

namespace kanhu::ingest {

struct WatchedSource {
  std::unique_ptr<FrameSource> source;
  std::shared_ptr<const Signs> signs;
};

// As make_source; `signs` tell how far it has come, also after its end.
Result<WatchedSource> make_watched_source(const SourceSpec& spec, const Clock& clock);
// The same with a given receiver, which is all that depends on where the stream comes from.
WatchedSource watched_source_of(const SourceSpec& spec, std::unique_ptr<Receiver> receiver, std::string run, const Clock& clock);

}  // namespace kanhu::ingest
