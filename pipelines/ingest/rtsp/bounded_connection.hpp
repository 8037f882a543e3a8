// SPDX-License-Identifier: MIT
// Connections to cameras whose messages cannot grow without bound.
#pragma once

namespace kanhu::ingest {

// rtspsrc connects by GIO. From this call on what it reads goes through RtspWire: a read fails when the other side begins a message
// beyond its limits, before memory is taken for it.
// Thread: main, once, before the first connection.
void bound_connections();

// True when a connection of this thread was ended by its limits since the last call; rtspsrc only knows that reading failed.
// Thread: rtspsrc's task.
bool connection_was_oversized();

}  // namespace kanhu::ingest
