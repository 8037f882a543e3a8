// SPDX-License-Identifier: MIT
#include "daemon/supervise/message_bounds.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "base/text.hpp"

namespace kanhu {
namespace {

using Wrong = std::optional<std::string>;

constexpr std::size_t kMostWords = 400;  // of a cause: it stands in events, which have 2 KiB
constexpr std::size_t kMostName = 64;
constexpr int kMostPixels = 65'535;  // px
constexpr int kMostPeople = 1'000;   // of one zone: more are in no room
constexpr double kMostNumber = 1e6;
constexpr std::size_t kMostParts = 10'000;  // of a clip
constexpr auto kEarliest = WallTime(std::chrono::seconds(0));
constexpr auto kLatest = WallTime(std::chrono::seconds(7'258'118'400));  // 2200-01-01: what is beyond has no usual spelling
// A camera whose clock is not believed is that far off at most: sender reports count 32 bits of seconds, and a machine may wake up in 1970.
constexpr auto kMostClockOff = std::chrono::hours(24 * 366 * 70);
constexpr auto kMostBelievedOff = std::chrono::hours(1);
constexpr std::uint64_t kMostClipBytes = 1ull << 40;
constexpr auto kLongestMedia = std::chrono::hours(24 * 366 * 200);

// Why presence is unknown: of the stream, of the analysis, and of what detectors and sensors say of themselves.
constexpr std::array<std::string_view, 21> kUnknownBecause{
    "starting",     "warm_up",       "camera_offline",  "frozen",           "dark",       "not_analysed", "detector_failed", "no_face",
    "no_motion",    "too_warm",      "lost_sight",      "not_yet_clear",    "stuck",      "unreadable",   "not_thermal",     "no_contrast",
    "low_contrast", "scene_changed", "palette_unknown", "polarity_unknown", "calibrating"};
// Why a track ends, besides the above; those of the gateway are not a worker's to say.
constexpr std::array<std::string_view, 5> kEndedBecause{"left", "closed", "camera_lost", "camera_frozen", "camera_dark"};
constexpr std::array<std::string_view, 3> kLabels{"face", "person", "motion"};
constexpr std::array<std::string_view, 4> kKeepAlives{"unknown", "get_parameter", "options", "refused"};
// docs/clips.md; no_answer and worker_lost are the gateway's.
constexpr std::array<std::string_view, 17> kClipBecause{"camera_lost",       "camera_connected_late",
                                                        "pre_roll_missing",  "ring_overflow",
                                                        "queue_overflow",    "gap",
                                                        "disk_full",         "io_error",
                                                        "not_muxable",       "recorder_closed",
                                                        "gateway_restarted", "newer_format",
                                                        "no_packets",        "request_too_late",
                                                        "invalid_request",   "retention",
                                                        "not_recorded"};

template <typename Words>
bool is_one_of(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
template <typename Words>
bool is_one_of_or_none(const Words& words, std::string_view word) {
  return word.empty() || is_one_of(words, word);
}

// Names of models, detectors and codecs.
bool is_word(std::string_view text) {
  return text.size() <= kMostName && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
                  c == '/' || c == ':' || c == '+';
         });
}

bool is_hex(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_time(WallTime time) { return time >= kEarliest && time <= kLatest; }
template <typename Span>
bool is_span(Span span) {
  return span <= kLongestMedia && span >= -kLongestMedia;
}
bool is_media(MediaTime time) { return is_span(time.time_since_epoch()); }

bool fits(std::initializer_list<double> numbers, double most = kMostNumber) {
  return std::all_of(numbers.begin(), numbers.end(), [&](double number) { return std::isfinite(number) && std::abs(number) <= most; });
}

// Boxes are fractions; those of a track that leaves reach beyond the picture.
bool fits(const Box& box) { return fits({box.x, box.y, box.width, box.height}, 16); }

// Between 0 and `most`, within rounding.
bool is_share(double number, double most = 1) { return number >= -1e-6 && number <= most + 1e-6; }

// The ranges of docs/event.schema.json.
bool fits(const FaceQuality& q) {
  return is_share(q.inter_pupil_px, 2 * kMostPixels) && is_share(q.sharpness) &&
         fits({q.yaw_degrees, q.pitch_degrees, q.roll_degrees}, 360) && is_share(q.brightness, 255) && is_share(q.contrast, 255) &&
         is_share(q.occlusion) && is_share(q.total);
}

Wrong bound_body(TickObservation&) { return std::nullopt; }

Wrong bound_body(HealthObservation& health) {
  health.cause = plain_text(health.cause, kMostWords);
  if (health.last_packet && !is_time(*health.last_packet)) return "a time that cannot be";
  return std::nullopt;
}

Wrong bound_body(TrackObservation& track) {
  const bool ended_by_us = is_one_of_or_none(kEndedBecause, track.end_reason) || is_one_of(kUnknownBecause, track.end_reason);
  if (!is_one_of(kLabels, track.label) || !ended_by_us) return "a word that is none of ours";
  if (track.phase == Phase::kPoint) return "a track without length";
  if (!fits(track.box) || !is_share(track.score) || !is_share(track.threshold) || (track.quality && !fits(*track.quality)))
    return "numbers that cannot be";
  if (!is_media(track.start_pts) || !is_time(track.start_time)) return "a time that cannot be";
  return std::nullopt;
}

Wrong bound_body(PresenceObservation& presence) {
  if (!is_one_of_or_none(kUnknownBecause, presence.reason) || !is_one_of_or_none(kLabels, presence.track_label))
    return "a word that is none of ours";
  if (presence.count < 0 || presence.count > kMostPeople || !is_share(presence.score) || !is_share(presence.threshold) ||
      !(presence.coverage >= 0 && presence.coverage <= 1.0001))
    return "numbers that cannot be";
  return std::nullopt;
}

Wrong bound_body(FaceShotObservation& shot) {
  if (!is_word(shot.embedder)) return "a word that is none of ours";
  const bool finite = std::all_of(shot.embedding.begin(), shot.embedding.end(), [](float number) { return std::isfinite(number); });
  if (!finite || !fits(shot.box) || !fits(shot.quality)) return "numbers that cannot be";
  return std::nullopt;
}

Wrong bound_body(ThermalObservation& thermal) {
  for (const ThermalPerson& person : thermal.people)
    if (!fits(person.box) || !fits({person.warmth_k}) || !(person.still_s >= 0 && person.still_s <= 1e9)) return "numbers that cannot be";
  for (const HotSpot& spot : thermal.hot_spots)
    if (!fits(spot.box) || !fits({spot.hottest_c})) return "numbers that cannot be";
  return std::nullopt;
}

Wrong bound_body(IdentityObservation&) { return "who a person is, which the gateway alone decides"; }
Wrong bound_body(ContactObservation&) { return std::nullopt; }

}  // namespace

std::string plain_text(std::string_view text, std::size_t most) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    // C1 controls, and what turns the direction of a line or breaks it.
    const bool control = step.code_point < 0x20 || (step.code_point >= 0x7f && step.code_point < 0xa0) ||
                         (step.code_point >= 0x2028 && step.code_point <= 0x202e) ||
                         (step.code_point >= 0x2066 && step.code_point <= 0x2069);
    const std::string_view shown = !step.valid || control ? std::string_view(" ") : text.substr(at, step.bytes);
    if (plain.size() + shown.size() > most) break;
    plain += shown;
    at += step.bytes;
  }
  return plain;
}

std::optional<std::string> bound(Observation& observation) {
  // Random ids of live runs, digests of recordings.
  if (!is_hex(observation.run, 32, 64)) return "a run that is none";
  if (!is_word(observation.models)) return "a word that is none of ours";
  if (!is_time(observation.time) || !is_media(observation.pts) || observation.clock_uncertainty.count() < 0 ||
      observation.clock_uncertainty > std::chrono::hours(24))
    return "a time that cannot be";
  const auto most_off = observation.clock == ClockSource::kRtcp ? kMostBelievedOff : kMostClockOff;
  if (observation.clock_offset > most_off || observation.clock_offset < -most_off) return "a time that cannot be";
  if (observation.arrived && !is_time(*observation.arrived)) return "a time that cannot be";
  return std::visit([](auto& body) { return bound_body(body); }, observation.body);
}

std::optional<std::string> bound(relay::SourceUp& up) {
  const StreamFormat& format = up.format;
  if (format.width < 0 || format.width > kMostPixels || format.height < 0 || format.height > kMostPixels ||
      !fits({format.frames_per_second}))
    return "a format that cannot be";
  return std::nullopt;
}

std::optional<std::string> bound(relay::SourceEnded& ended) {
  ended.why.message = plain_text(ended.why.message, kMostWords);
  return std::nullopt;
}

std::optional<std::string> bound(relay::CameraReport& stats) {
  if (!is_word(stats.codec) || !is_word(stats.detector) || !is_one_of_or_none(kKeepAlives, stats.keep_alive))
    return "a word that is none of ours";
  if (stats.width < 0 || stats.width > kMostPixels || stats.height < 0 || stats.height > kMostPixels || !fits({stats.ring_seconds}, 1e9))
    return "numbers that cannot be";
  stats.detector_notice = plain_text(stats.detector_notice, kMostWords);
  return std::nullopt;
}

std::optional<std::string> bound(ClipRecord& record) {
  if (!is_one_of_or_none(kClipBecause, record.reason)) return "a word that is none of ours";
  const bool whole = record.status == ClipStatus::kComplete;
  if (record.status == ClipStatus::kPending || whole != record.reason.empty()) return "what became of a clip without saying it";
  // One of a newer version is left untouched.
  if (record.parts.empty() && (whole || (record.status == ClipStatus::kPartial && record.reason != "newer_format")))
    return "a clip without a file";
  if (record.bytes > kMostClipBytes) return "numbers that cannot be";
  if (record.parts.size() > kMostParts || record.sha256.size() != record.parts.size() ||
      !std::all_of(record.sha256.begin(), record.sha256.end(), [](const std::string& digest) { return is_hex(digest, 64, 64); }))
    return "files of a clip without their digests";
  if (!is_time(record.from) || !is_time(record.to) || record.from > record.to) return "a time that cannot be";
  return std::nullopt;
}

}  // namespace kanhu
