// SPDX-License-Identifier: MIT
#include "pipelines/ingest/gate/gate.hpp"

namespace kanhu::ingest {

bool Gate::admit(const Packet& packet, bool decoder_has_room) {
  if (packet.discontinuity || packet.format != format_) {
    waits_for_key_frame_ = true;
    format_ = packet.format;
  }
  if (packet.is_key) waits_for_key_frame_ = false;
  if (!decoder_has_room) waits_for_key_frame_ = true;
  if (!waits_for_key_frame_) return true;
  ++held_back_;
  return false;
}

}  // namespace kanhu::ingest
