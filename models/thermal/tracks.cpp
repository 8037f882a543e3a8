// SPDX-License-Identifier: MIT
#include "models/thermal/tracks.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace kanhu::models {
namespace {

constexpr double kSlowRise = 0.5;  // share of its warmth: what had more two seconds ago came by itself
constexpr double kLost_s = 0.8;    // without its blob a track ends
constexpr double kMoved_m = 0.5;
constexpr double kReach_m = 0.9;  // of a track from one picture to the next
constexpr double kDoor_m = 0.4;   // from the edge of the view
constexpr double kNotAlive_s = 60;
constexpr double kNotAliveAtStart_s = 300;  // who sits there when the sensor starts may be asleep
constexpr double kPrint_s = 6;              // the same where somebody has just left
constexpr std::size_t kLeft_s = 30;         // after somebody walked away from here, before what is left can have cooled
constexpr double kCooler = 0.75;            // peak of a print to that of its person
constexpr double kFine_m = 0.25;            // a pixel, that a head fills whatever its place
constexpr double kClear = 4;                // thresholds that somebody shows, before a print can be told from him at once
constexpr double kAtBorder_s = 600;         // what came in by the edge and never moved again
constexpr double kSwitchedOn = 1.25;        // times as warm within seconds, without a break
constexpr double kCooling_s = 100;          // of steady cooling without any movement, and a person was none
constexpr double kGone_s = 60;              // of looking for somebody who vanished
constexpr double kRemembered_s = 30;
constexpr double kAtStart_s = 1;
constexpr double kStartled = 16, kRestless = 2;  // times what noise does
constexpr double kJitter_px2 = 1e-4;             // that no estimate of the noise holds
constexpr double kSkinC = 33;
constexpr std::size_t kMostSeconds = 240;
constexpr std::size_t kMostTracks = 64;

double metres_between(const WarmTracks::Room& room, double ax, double ay, double bx, double by) {
  const auto row = static_cast<std::size_t>(std::clamp((ay + by) / 2, 0.0, room.size.height - 1.0));
  return room.pitch_m[row] * std::hypot(ax - bx, ay - by);
}

// Where one can leave the view.
bool is_at_border(const WarmTrack& track, const WarmTracks::Room& room) {
  const auto row = static_cast<std::size_t>(std::clamp(track.y, 0.0, room.size.height - 1.0));
  const int margin = std::max(1, static_cast<int>(kDoor_m / room.pitch_m[row]));
  return track.box.x < margin || track.box.y < margin || track.box.br().x > room.size.width - margin ||
         track.box.br().y > room.size.height - margin;
}

// How far the middle of each second is from the straight line through those four seconds before and after, squared, in units of
// what noise alone does to it: a person shifts weight, a thing does not, and the sun goes straight on. `now`: the most of the last
// few seconds; `lately`: the mean of the last minute, 1 for a thing.
struct Unrest {
  double now = 0, lately = 0;
};

Unrest unrest_of(const WarmTrack& track) {
  constexpr std::size_t kApart = 4, kMinute = 60, kLeast = 30;
  Unrest unrest;
  if (track.past.size() < 2 * kApart + 2) return unrest;
  const std::size_t last = track.past.size() - 2;  // the newest second is not over
  const std::size_t first = last + 1 > kMinute + 2 * kApart ? last + 1 - kMinute : 2 * kApart;
  double sum = 0;
  for (std::size_t i = first; i <= last; ++i) {
    const auto &a = track.past[i - 2 * kApart], &b = track.past[i - kApart], &c = track.past[i];
    const double dx = b.x - (a.x + c.x) / 2, dy = b.y - (a.y + c.y) / 2;
    const double chance = 1.5 * (b.noise_px2 / std::max(1, b.pictures) + kJitter_px2);
    const double here = (dx * dx + dy * dy) / chance;
    sum += here;
    if (i + kApart >= last) unrest.now = std::max(unrest.now, here);
  }
  if (last + 1 - first >= kLeast) unrest.lately = sum / static_cast<double>(last + 1 - first);
  return unrest;
}

bool only_cools(const WarmTrack& track) {
  constexpr std::size_t kStep = 10;
  const auto wanted = static_cast<std::size_t>(kCooling_s);
  if (track.past.size() < wanted) return false;
  double before = std::numeric_limits<double>::max();
  for (std::size_t i = track.past.size() - wanted; i + kStep <= track.past.size(); i += kStep) {
    double mean = 0;
    for (std::size_t k = 0; k < kStep; ++k) mean += track.past[i + k].heat / kStep;
    if (mean > before * 1.005) return false;
    before = mean;
  }
  const WarmTrack::Second& first = track.past[track.past.size() - wanted];
  const WarmTrack::Second& last = track.past[track.past.size() - 2];
  return before < 0.9 * first.heat && last.peak < 0.95 * first.peak && last.heat_k_m2 < 0.95 * first.heat_k_m2;
}

// Whether it has grown warmer without a break since it was a second old, by half and more: what switches on, as a radiator does.
bool only_warms(const WarmTrack& track) {
  constexpr std::size_t kStep = 2, kSteps = 4;
  if (track.past.size() < 2 + kStep * kSteps) return false;
  double first = 0, before = 0;
  for (std::size_t step = 0; step < kSteps; ++step) {
    double mean = 0;
    for (std::size_t k = 0; k < kStep; ++k) mean += track.past[1 + step * kStep + k].peak / kStep;
    if (step == 0) first = mean;
    if (mean < 0.95 * before) return false;
    before = mean;
  }
  return before > kSwitchedOn * first;
}

// Whether a straight line through a figure of the seconds since somebody left falls, beyond what chance does to it (3.5 standard
// errors of the slope) and by 5 % at least.
template <typename Figure>
bool falls(const WarmTrack& track, const Figure& figure) {
  if (track.past.size() < kLeft_s + 2) return false;
  const std::size_t n = track.past.size() - 2;  // the first second still had somebody in it, the last is not over
  double mean_t = 0, mean_h = 0, tt = 0, th = 0, rest = 0;
  for (std::size_t i = 1; i <= n; ++i) {
    mean_t += static_cast<double>(i) / static_cast<double>(n);
    mean_h += figure(track.past[i]) / static_cast<double>(n);
  }
  for (std::size_t i = 1; i <= n; ++i) {
    const double t = static_cast<double>(i) - mean_t;
    tt += t * t;
    th += t * (figure(track.past[i]) - mean_h);
  }
  const double slope = th / tt;
  for (std::size_t i = 1; i <= n; ++i) {
    const double off = figure(track.past[i]) - mean_h - slope * (static_cast<double>(i) - mean_t);
    rest += off * off;
  }
  const double error = std::sqrt(rest / static_cast<double>(n - 2) / tt);
  return slope < -3.5 * error && -slope * static_cast<double>(n) > 0.05 * mean_h;
}

// What is left of somebody cools all over.
bool cools(const WarmTrack& track) {
  return falls(track, [](const WarmTrack::Second& second) { return second.heat; }) &&
         falls(track, [](const WarmTrack::Second& second) { return second.peak; });
}

}  // namespace

bool is_as_warm_as_its_person(const WarmTrack& track) { return track.calm_peak >= kCooler * track.print_peak; }

void WarmTracks::follow(const std::vector<WarmBlob>& blobs, const Room& room, double now) {
  struct Pair {
    double away;
    std::size_t track, blob;
  };
  std::vector<Pair> pairs;
  for (std::size_t t = 0; t < tracks_.size(); ++t) {
    const WarmTrack& track = tracks_[t];
    for (std::size_t b = 0; b < blobs.size(); ++b) {
      const double away = metres_between(room, blobs[b].x, blobs[b].y, track.x, track.y);
      if (away < kReach_m || blobs[b].box.contains({static_cast<int>(track.x), static_cast<int>(track.y)})) pairs.push_back({away, t, b});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.away < b.away; });
  std::vector<std::ptrdiff_t> owner(blobs.size(), -1);
  std::vector<bool> placed(tracks_.size(), false);
  for (const Pair& pair : pairs) {
    if (placed[pair.track] || owner[pair.blob] >= 0) continue;
    owner[pair.blob] = static_cast<std::ptrdiff_t>(pair.track);
    placed[pair.track] = true;
    take(tracks_[pair.track], blobs[pair.blob], room, now, true);
  }
  for (const Pair& pair : pairs) {
    WarmTrack& track = tracks_[pair.track];
    if (placed[pair.track]) continue;
    const WarmTrack& other = tracks_[static_cast<std::size_t>(owner[pair.blob])];
    if (blobs[pair.blob].heat < 0.6 * (track.usual_heat + other.usual_heat)) continue;
    placed[pair.track] = true;
    take(track, blobs[pair.blob], room, now, false);
  }
  std::erase_if(tracks_, [&](const WarmTrack& track) {
    const bool over = now - track.seen > kLost_s;
    if (over && track.nature == WarmNature::kPerson && !is_at_border(track, room)) missing_.push_back({track.x, track.y, now, 0});
    return over;
  });
  for (std::size_t b = 0; b < blobs.size() && tracks_.size() < kMostTracks; ++b) {
    const bool enough = blobs[b].heat >= std::max(room.least_heat_k_m2, room.least_area_m2 * blobs[b].peak_k);
    if (owner[b] < 0 && enough) begin_track(blobs[b], room, now);
  }
  for (WarmTrack& track : tracks_) judge(track, room, now);
}

void WarmTracks::take(WarmTrack& track, const WarmBlob& blob, const Room& room, double now, bool alone) {
  track.seen = now;
  track.label = blob.label;
  track.box = blob.box;
  track.peak_k = blob.peak_k;
  if (!alone) return;
  track.x = blob.x;
  track.y = blob.y;
  track.heat = blob.heat;
  track.usual_heat += 0.02 * (blob.heat - track.usual_heat);
  track.most_heat += (blob.heat > track.most_heat ? 0.1 : 0.003) * (blob.heat - track.most_heat);
  track.calm_peak += (track.past.empty() ? 1.0 : 0.05) * (blob.peak_k - track.calm_peak);
  track.usual_peak += (track.calm_peak > track.usual_peak ? 0.1 : 0.003) * (track.calm_peak - track.usual_peak);
  if (room.radiometric && track.nature != WarmNature::kThing && room.level_c + blob.peak_k > room.hottest_person_c - 3 &&
      room.hottest_c(blob.box) > room.hottest_person_c)
    track.nature = WarmNature::kThing;
  if (metres_between(room, blob.x, blob.y, track.born_x, track.born_y) > kMoved_m) track.moved = true;
  const long second = static_cast<long>(std::floor(now));
  if (track.past.empty() || second != track.second) {
    track.past.push_back({});
    track.second = second;
    if (track.past.size() > kMostSeconds) track.past.pop_front();
  }
  WarmTrack::Second& mean = track.past.back();
  ++mean.pictures;
  mean.x += (blob.x - mean.x) / mean.pictures;
  mean.y += (blob.y - mean.y) / mean.pictures;
  const double contrast = room.radiometric ? std::max(0.5, kSkinC - room.level_c) : 1;
  mean.heat += (blob.heat / contrast - mean.heat) / mean.pictures;
  mean.noise_px2 += (room.noise_k * room.noise_k * blob.spread_px2 / (blob.core_k * blob.core_k) - mean.noise_px2) / mean.pictures;
  mean.heat_k_m2 += (blob.heat - mean.heat_k_m2) / mean.pictures;
  mean.peak += (blob.peak_k / contrast - mean.peak) / mean.pictures;
}

void WarmTracks::begin_track(const WarmBlob& blob, const Room& room, double now) {
  WarmTrack track;
  track.id = ++ids_;
  track.born = track.alive = now;
  track.born_x = blob.x;
  track.born_y = blob.y;
  track.usual_heat = blob.heat;
  track.from_start = now < started_ + kAtStart_s;
  // Warmth that was nearly there already came by itself.
  const bool slowly = blob.peak_k - room.peak_before(blob.box) < kSlowRise * blob.peak_k;
  for (const WarmTrack& other : tracks_) {
    if (other.nature != WarmNature::kPerson || metres_between(room, other.x, other.y, blob.x, blob.y) >= 2 * kReach_m) continue;
    track.at_print = true;
    track.origin = other.id;
    track.print_peak = other.usual_peak;
  }
  for (const Place& place : places_) {
    if (now - place.when >= kRemembered_s || metres_between(room, place.x, place.y, blob.x, blob.y) >= kReach_m) continue;
    track.at_print = true;
    track.print_peak = std::max(track.print_peak, place.peak);
  }
  // Whoever vanished here is seen again.
  for (Missing& one : missing_) {
    if (metres_between(room, one.x, one.y, blob.x, blob.y) >= kReach_m) continue;
    one.looked = kGone_s;
    track.nature = WarmNature::kPerson;
    track.moved = true;
    track.at_print = false;
  }
  if (slowly && track.nature == WarmNature::kOpen && !track.from_start && !track.at_print) track.nature = WarmNature::kThing;
  take(track, blob, room, now, true);
  track.at_border = is_at_border(track, room);
  tracks_.push_back(std::move(track));
}

void WarmTracks::judge(WarmTrack& track, const Room& room, double now) {
  if (track.nature == WarmNature::kOpen && !track.moved && !track.from_start && only_warms(track)) track.nature = WarmNature::kThing;
  if (track.nature == WarmNature::kThing) return;
  const Unrest unrest = unrest_of(track);
  const bool lively = unrest.now > kStartled || unrest.lately > kRestless;
  if (lively) track.alive = now;
  if (track.moved && track.nature == WarmNature::kOpen) {
    track.nature = WarmNature::kPerson;
    for (WarmTrack& other : tracks_) {
      if (other.id != track.origin) continue;
      other.left = now;
      other.past.clear();
      other.second = -1;
    }
  }
  if (track.left && (lively || now - *track.left > kCooling_s)) track.left.reset();
  const bool cooler = now - track.left.value_or(now) > kPrint_s && track.calm_peak < kCooler * track.usual_peak &&
                      track.heat < kCooler * track.most_heat && room.pitch_m[room.pitch_m.size() / 2] < kFine_m;
  if (track.left && !room.too_warm && track.nature == WarmNature::kPerson && (cooler || cools(track))) {
    track.nature = WarmNature::kPrint;
    track.left.reset();
  }
  if (lively && now - track.born > 10 && track.nature == WarmNature::kOpen) track.nature = WarmNature::kPerson;
  if (track.nature == WarmNature::kPerson) note_place(track, room, now);
  if (room.too_warm) return;
  const double still = now - std::max(track.alive, track.born);
  if (track.nature == WarmNature::kOpen) {
    const bool clear = track.print_peak > kClear * room.threshold_k;
    if (track.at_print && still > kPrint_s && clear && !is_as_warm_as_its_person(track)) track.nature = WarmNature::kPrint;
    if (still > (track.from_start ? kNotAliveAtStart_s : track.at_border ? kAtBorder_s : kNotAlive_s)) track.nature = WarmNature::kThing;
  }
  if (track.nature == WarmNature::kPerson && still > 0.5 * kCooling_s && only_cools(track)) track.nature = WarmNature::kPrint;
}

// Where people were for a while: what stays there when they go is their warmth.
void WarmTracks::note_place(const WarmTrack& track, const Room& room, double now) {
  std::erase_if(places_, [&](const Place& one) { return now - one.when > kRemembered_s; });
  for (Place& place : places_) {
    if (metres_between(room, place.x, place.y, track.x, track.y) >= 0.3) continue;
    place.when = now;
    place.peak = std::max(track.usual_peak, 0.99 * place.peak);
    return;
  }
  if (places_.size() < 256) places_.push_back({track.x, track.y, now, track.usual_peak});
}

void WarmTracks::look_for_missing(const Room& room, double passed, bool can_see) {
  for (Missing& one : missing_) {
    if (can_see) one.looked += passed;
    for (const WarmTrack& track : tracks_) {
      if (track.born > one.since && track.nature != WarmNature::kThing && metres_between(room, track.x, track.y, one.x, one.y) < kReach_m)
        one.looked = kGone_s;
    }
  }
  std::erase_if(missing_, [](const Missing& one) { return one.looked >= kGone_s; });
  if (missing_.size() > 16) missing_.erase(missing_.begin());
}

cv::Mat WarmTracks::around_missing(const Room& room) const {
  if (missing_.empty()) return {};
  cv::Mat keep = cv::Mat::zeros(room.size, CV_8U);
  for (int row = 0; row < keep.rows; ++row) {
    auto* kept = keep.ptr<std::uint8_t>(row);
    for (int column = 0; column < keep.cols; ++column) {
      for (const Missing& one : missing_)
        if (metres_between(room, column, row, one.x, one.y) < 0.6) kept[column] = 255;
    }
  }
  return keep;
}

}  // namespace kanhu::models
