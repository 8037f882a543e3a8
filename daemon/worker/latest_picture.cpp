// SPDX-License-Identifier: MIT
#include "daemon/worker/latest_picture.hpp"

#include <cstring>
#include <utility>

namespace kanhu {
namespace {

std::shared_ptr<KeptFrame> copy_of(const Frame& frame) {
  const ImageView& from = frame.image();
  auto kept = std::make_shared<KeptFrame>();
  kept->image = from;
  kept->captured = frame.captured;
  std::size_t total = 0;
  const auto plane_bytes = [&](int plane) {
    return static_cast<std::size_t>(plane_row_bytes(from.format, plane, from.width)) *
           static_cast<std::size_t>(plane_rows(from.format, plane, from.height));
  };
  for (int plane = 0; plane < plane_count(from.format); ++plane) total += plane_bytes(plane);
  kept->pixels.resize(total);
  std::uint8_t* to = kept->pixels.data();
  for (int plane = 0; plane < plane_count(from.format); ++plane) {
    const auto& source = from.planes[static_cast<std::size_t>(plane)];
    const int row_bytes = plane_row_bytes(from.format, plane, from.width);
    kept->image.planes[static_cast<std::size_t>(plane)] = {to, row_bytes};
    for (int row = 0; row < plane_rows(from.format, plane, from.height); ++row, to += row_bytes)
      std::memcpy(to, source.data + static_cast<std::ptrdiff_t>(row) * source.stride, static_cast<std::size_t>(row_bytes));
  }
  return kept;
}

std::size_t place(StreamRole role) { return static_cast<std::size_t>(role); }

}  // namespace

void LatestPicture::packet(const PacketPtr& packet) {
  std::scoped_lock lock(mutex_);
  streams_[place(packet->role)] = true;
  if (packet->is_key) keys_[place(packet->role)] = packet;
}

void LatestPicture::frame(const Frame& frame) {
  if (frame.calibrating) return;
  {
    std::scoped_lock lock(mutex_);
    if (waiting_ == 0) return;
    arrived_ = copy_of(frame);
  }
  frame_came_.notify_all();
}

void LatestPicture::lost(StreamRole role) {
  std::scoped_lock lock(mutex_);
  streams_[place(role)] = false;
  keys_[place(role)].reset();
}

PacketPtr LatestPicture::key_frame(StreamRole role) const {
  std::scoped_lock lock(mutex_);
  return keys_[place(role)];
}

bool LatestPicture::has_stream(StreamRole role) const {
  std::scoped_lock lock(mutex_);
  return streams_[place(role)];
}

std::optional<KeptFrame> LatestPicture::next_frame(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  arrived_.reset();
  frame_came_.wait_for(lock, patience, [&] { return arrived_ != nullptr; });
  --waiting_;
  if (!arrived_) return std::nullopt;
  // Moving the vector keeps its memory, so the view stays true.
  std::optional<KeptFrame> frame(std::move(*arrived_));
  arrived_.reset();
  return frame;
}

void LatestPicture::set_recorded(Recorded recorded) {
  std::scoped_lock lock(mutex_);
  recorded_ = std::move(recorded);
}

PacketPtr LatestPicture::recorded(WallTime time, ClockSource clock) const {
  std::scoped_lock lock(mutex_);
  return recorded_ ? recorded_(time, clock) : nullptr;
}

}  // namespace kanhu
