// SPDX-License-Identifier: MIT
#include "daemon/query/camera_stats.hpp"

namespace kanhu {
namespace {

using Counter = std::uint64_t relay::CameraReport::*;
constexpr Counter kCounters[] = {
    &relay::CameraReport::packets,        &relay::CameraReport::key_frames,
    &relay::CameraReport::bytes,          &relay::CameraReport::frames_decoded,
    &relay::CameraReport::decode_errors,  &relay::CameraReport::packets_not_decoded,
    &relay::CameraReport::packets_lost,   &relay::CameraReport::frames_analysed,
    &relay::CameraReport::frames_dropped, &relay::CameraReport::detections,
    &relay::CameraReport::tracks,         &relay::CameraReport::faces_compared,
    &relay::CameraReport::faces_shed,     &relay::CameraReport::ring_overflow_drops,
};

void add(relay::CameraReport& into, const relay::CameraReport& from) {
  for (Counter counter : kCounters) into.*counter += from.*counter;
  into.wait.merge(from.wait);
  into.work.merge(from.work);
}

// Workers report every second: an older rate is of a camera nobody hears of any more.
constexpr auto kFresh = std::chrono::seconds(5);

double per_second(std::uint64_t now, std::uint64_t before, double seconds) {
  return now > before && seconds > 0 ? static_cast<double>(now - before) / seconds : 0;
}

}  // namespace

void CameraStats::update(const relay::CameraReport& stats, MonoTime now) {
  entries_.with([&](auto& entries) {
    Entry& entry = entries[stats.camera];
    const bool began_again = stats.packets < entry.newest.packets || stats.frames_analysed < entry.newest.frames_analysed;
    if (began_again) {
      add(entry.before, entry.newest);
      entry.newest = {};
    } else if (entry.seen != MonoTime{}) {
      const double seconds = to_seconds(now - entry.seen);
      entry.row.packets_per_second = per_second(stats.packets, entry.newest.packets, seconds);
      entry.row.frames_per_second = per_second(stats.frames_analysed, entry.newest.frames_analysed, seconds);
      entry.row.kilobits_per_second = per_second(stats.bytes, entry.newest.bytes, seconds) * 8 / 1000;
    }
    entry.newest = stats;
    entry.seen = now;
    entry.row.total = stats;
    add(entry.row.total, entry.before);
  });
}

void CameraStats::forget(const std::string& camera) {
  entries_.with([&](auto& entries) { entries.erase(camera); });
}

std::map<std::string, CameraStats::Row> CameraStats::rows(MonoTime now) const {
  return entries_.with([&](const auto& entries) {
    std::map<std::string, Row> rows;
    for (const auto& [camera, entry] : entries) {
      Row& row = rows[camera] = entry.row;
      if (now - entry.seen > kFresh) row.packets_per_second = row.frames_per_second = row.kilobits_per_second = 0;
    }
    return rows;
  });
}

std::pair<LatencyHistogram, LatencyHistogram> CameraStats::latencies(MonoTime now) const {
  std::pair<LatencyHistogram, LatencyHistogram> both;
  for (const auto& [camera, row] : rows(now)) {
    both.first.merge(row.total.wait);
    both.second.merge(row.total.work);
  }
  return both;
}

Json to_json(const CameraStats::Row& row) {
  const relay::CameraReport& total = row.total;
  Json json{{"packets", total.packets},
            {"key_frames", total.key_frames},
            {"bytes", total.bytes},
            {"frames_decoded", total.frames_decoded},
            {"decode_errors", total.decode_errors},
            {"packets_not_decoded", total.packets_not_decoded},
            {"packets_lost", total.packets_lost},
            {"held_bytes", total.held_bytes},
            {"frames_analysed", total.frames_analysed},
            {"frames_dropped", total.frames_dropped},
            {"detections", total.detections},
            {"tracks", total.tracks},
            {"faces_compared", total.faces_compared},
            {"faces_shed", total.faces_shed},
            {"ring_bytes", total.ring_bytes},
            {"ring_seconds", round4(total.ring_seconds)},
            {"ring_overflow_drops", total.ring_overflow_drops},
            {"clips_open", total.clips_open},
            {"codec", total.codec},
            {"width", total.width},
            {"height", total.height},
            {"rtcp_time", total.has_rtcp_time},
            {"detector", total.detector},
            {"packets_per_second", round4(row.packets_per_second)},
            {"frames_per_second", round4(row.frames_per_second)},
            {"kilobits_per_second", round4(row.kilobits_per_second)}};
  if (!total.keep_alive.empty()) json["keep_alive"] = total.keep_alive;
  if (!total.detector_notice.empty()) json["detector_notice"] = total.detector_notice;
  return json;
}

Json latency_json(const LatencyHistogram& histogram) {
  const auto ms = [&](double q) { return round4(to_seconds(histogram.quantile(q)) * 1000); };
  return {{"count", histogram.count()}, {"p50_ms", ms(0.5)}, {"p99_ms", ms(0.99)}};
}

}  // namespace kanhu
