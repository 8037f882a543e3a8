// SPDX-License-Identifier: MIT
// Decides by looking at the encoded stream alone which packets a decoder is shown.
#pragma once

#include <cstdint>
#include <memory>

#include "media/packet.hpp"

namespace kanhu::ingest {

// Promises that the decoder never sees a packet whose references it was not shown: after the start, a loss, a change
// of format or a refusal for lack of room it admits nothing before the next key frame. So shedding costs whole rests
// of GOPs but never a broken picture.
// Thread: confined to its owner.
class Gate {
 public:
  // True: hand the packet to the decoder. `decoder_has_room` false sheds the packet and the rest of its GOP.
  bool admit(const Packet& packet, bool decoder_has_room);
  std::uint64_t held_back() const { return held_back_; }
  bool waits_for_key_frame() const { return waits_for_key_frame_; }

 private:
  bool waits_for_key_frame_ = true;
  std::shared_ptr<const StreamFormat> format_;
  std::uint64_t held_back_ = 0;
};

}  // namespace kanhu::ingest
