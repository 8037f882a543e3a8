// SPDX-License-Identifier: MIT
// What silence of a camera means, and when it is too long.
#pragma once

#include <optional>

#include "config/config.hpp"
#include "pipelines/ingest/intake.hpp"

namespace kanhu::ingest {

// rtspsrc 1.22 reports a stall with TCP open only after 26 to 28 s, and as end of stream; this watches whole access
// units and decoded pictures itself; RTP, RTCP and answers to requests only say that somebody is there. A long GOP is never taken for a
// stall: pictures are awaited only after packets that were shown to the decoder, and a key frame is awaited for 60 s (factory defaults
// reach 50 s). Thread: any; without state.
std::optional<Error> check_silence(const Signs& signs, const SourceStats& stats, bool decoding, const HealthConfig& health,
                                   MonoTime started, MonoTime now);

// Why nothing came of a camera that has come as far as `signs` say.
Error nothing_came(const Signs& signs);

}  // namespace kanhu::ingest
