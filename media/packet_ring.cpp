// SPDX-License-Identifier: MIT
#include "media/packet_ring.hpp"

#include <algorithm>
#include <utility>

namespace kanhu::record {
namespace {

constexpr std::size_t kMostRuns = 4;

// What a packet costs beside its bytes (object, control block, deque slot), so that a flood of tiny packets is bounded.
constexpr std::uint64_t kPacketOverheadBytes = 512;

std::uint64_t cost(const Packet& packet) { return packet.bytes.size() + kPacketOverheadBytes; }

}  // namespace

MonoTime steady_of(const Packet& packet) {
  return packet.arrival != MonoTime{} ? packet.arrival : MonoTime(packet.captured.arrival.time_since_epoch());
}

void PacketRing::push(PacketPtr packet) {
  const bool same_run = !packets_.empty() && packets_.back()->run == packet->run;
  newest_pts_ = same_run ? std::max(newest_pts_, packet->pts) : packet->pts;
  Run& run = note(packet->run);
  const bool can_start = packet->is_key || same_run;
  if (!can_start) {  // nothing to decode it from
    if (run.overflowed) ++overflow_drops_;
    return;
  }
  bytes_ += cost(*packet);
  packets_.push_back(std::move(packet));
  while (bytes_ > most_bytes_) evict(first_gop(), true);
  for (std::size_t count = first_gop(); count < packets_.size() && age(*packets_[count]) >= keep_; count = first_gop()) evict(count, false);
}

std::chrono::nanoseconds PacketRing::age(const Packet& packet) const {
  const Packet& newest = *packets_.back();
  if (packet.run == newest.run) return newest_pts_ - packet.pts;
  return steady_of(newest) - steady_of(packet);
}

std::size_t PacketRing::first_gop() const {
  if (packets_.empty()) return 0;
  const auto next = std::find_if(packets_.begin() + 1, packets_.end(), [](const PacketPtr& packet) { return packet->is_key; });
  return static_cast<std::size_t>(next - packets_.begin());
}

void PacketRing::evict(std::size_t count, bool by_bytes) {
  // A loss only when the age rule would still have kept them.
  const bool lost = by_bytes && (count == packets_.size() || age(*packets_[count]) < keep_);
  for (std::size_t i = 0; i < count; ++i) {
    Run& run = note(packets_.front()->run);
    (lost ? run.overflowed : run.evicted) = true;
    if (lost) ++overflow_drops_;
    bytes_ -= cost(*packets_.front());
    packets_.pop_front();
  }
}

PacketRing::Run& PacketRing::note(const std::string& run) {
  const auto known = std::find_if(runs_.begin(), runs_.end(), [&](const Run& each) { return each.run == run; });
  if (known != runs_.end()) return *known;
  if (runs_.size() == kMostRuns) runs_.pop_front();
  return runs_.emplace_back(Run{run, false, false});
}

const PacketRing::Run* PacketRing::find(const std::string& run) const {
  const auto known = std::find_if(runs_.begin(), runs_.end(), [&](const Run& each) { return each.run == run; });
  return known == runs_.end() ? nullptr : &*known;
}

std::vector<PacketPtr> PacketRing::from(const std::string& run, MonoTime from) const {
  std::size_t start = packets_.size();
  for (std::size_t i = 0; i < packets_.size(); ++i) {
    const Packet& packet = *packets_[i];
    if (packet.run != run || !packet.is_key) continue;
    if (start == packets_.size() || steady_of(packet) <= from) start = i;
  }
  std::vector<PacketPtr> found;
  for (std::size_t i = start; i < packets_.size() && packets_[i]->run == run; ++i) found.push_back(packets_[i]);
  return found;
}

PacketPtr PacketRing::key_at(WallTime time, ClockSource clock) const {
  const auto found = std::find_if(packets_.rbegin(), packets_.rend(),
                                  [&](const PacketPtr& packet) { return packet->is_key && packet->captured.by(clock) <= time; });
  return found == packets_.rend() ? nullptr : *found;
}

double PacketRing::seconds() const { return packets_.empty() ? 0 : std::max(0.0, to_seconds(age(*packets_.front()))); }

}  // namespace kanhu::record
