// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "models/thermal/background.hpp"

namespace kanhu::models {

// What a followed warm place is: not yet known, somebody, a thing (an urn, the sun, a cat), or the warmth somebody left behind.
enum class WarmNature { kOpen, kPerson, kThing, kPrint };

struct WarmTrack {
  struct Second {  // means over a whole second
    double x = 0, y = 0;
    double heat = 0;       // in units of the difference between skin and room: in a room that warms nobody cools
    double peak = 0;       // in the same units
    double heat_k_m2 = 0;  // in itself
    double noise_px2 = 0;  // what noise alone does to the place in one picture
    int pictures = 0;
  };
  std::uint64_t id = 0;
  WarmNature nature = WarmNature::kOpen;
  int label = 0;                         // of the picture last looked at
  double born = 0, seen = 0, alive = 0;  // s; alive: last moved by itself
  double born_x = 0, born_y = 0, x = 0, y = 0;
  double heat = 0, usual_heat = 0, peak_k = 0, calm_peak = 0, usual_peak = 0, most_heat = 0;
  cv::Rect box;
  bool from_start = false;     // was there in the first picture
  bool moved = false;          // away from where it appeared
  bool at_print = false;       // appeared where somebody is or just was
  bool at_border = false;      // appeared where one comes in
  double print_peak = 0;       // of whom it may be the print, K
  std::uint64_t origin = 0;    // the person beside whom it appeared
  std::optional<double> left;  // somebody walked away from here, s
  std::deque<Second> past;
  long second = -1;
};

// Whether it is as warm at its warmest as the person it may be the print of: prints are cooler than heads.
bool is_as_warm_as_its_person(const WarmTrack& track);

// Warm places followed from picture to picture, and what each is. Somebody comes in by himself, at once, and is never quite still;
// the sun and a radiator come slowly; what somebody leaves behind is where he was, does not move and only cools.
// Nearest pairs first (greedy assignment); who walks through another shares his blob until they part.
// Thread: confined.
class WarmTracks {
 public:
  struct Room {
    const std::vector<double>& pitch_m;  // of a pixel, by row
    cv::Size size;
    double noise_k = 0;  // of one picture's pixel
    double level_c = 22;
    bool radiometric = true;
    double hottest_person_c = 40;
    double least_heat_k_m2 = 0;  // that something new must have
    double least_area_m2 = 0;    // and its heat for its peak
    double threshold_k = 1;
    bool too_warm = false;                               // nobody becomes a thing or a print now
    std::function<double(const cv::Rect&)> hottest_c;    // in a box of the picture
    std::function<double(const cv::Rect&)> peak_before;  // two seconds ago, K above the room
  };

  void begin(double now) { started_ = now; }
  void follow(const std::vector<WarmBlob>& blobs, const Room& room, double now);
  const std::vector<WarmTrack>& all() const { return tracks_; }

  // Somebody vanished in the middle of the room: is there until seen again, or has been looked for long enough.
  bool somebody_is_missing() const { return !missing_.empty(); }
  void look_for_missing(const Room& room, double passed, bool can_see);
  // CV_8U, not zero where somebody vanished; empty when nobody did.
  cv::Mat around_missing(const Room& room) const;

 private:
  struct Missing {
    double x = 0, y = 0, since = 0, looked = 0;  // px; s
  };
  struct Place {
    double x = 0, y = 0, when = 0, peak = 0;
  };

  void take(WarmTrack& track, const WarmBlob& blob, const Room& room, double now, bool alone);
  void begin_track(const WarmBlob& blob, const Room& room, double now);
  void judge(WarmTrack& track, const Room& room, double now);
  void note_place(const WarmTrack& track, const Room& room, double now);

  std::vector<WarmTrack> tracks_;
  std::vector<Missing> missing_;
  std::vector<Place> places_;  // where people were in the last half minute
  double started_ = 0;
  std::uint64_t ids_ = 0;
};

}  // namespace kanhu::models
