// SPDX-License-Identifier: MIT
#include "models/thermal/presence.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include <opencv2/imgproc.hpp>

#include "models/thermal/background.hpp"
#include "models/thermal/cleaner.hpp"
#include "models/thermal/still.hpp"
#include "models/thermal/tracks.hpp"

namespace kanhu::models {
namespace {

constexpr double kConfirm_s = 0.3;  // that somebody must have been followed
constexpr double kFirst_s = 1;      // of pictures before the first look is over
constexpr double kHold_s = 2;       // after a calibration nothing is decided anew
constexpr double kStuck_s = 10;
constexpr double kSkin_c = 33, kUsualRoom_c = 22;  // apparent
constexpr double kClothes_c = 29.5;
constexpr double kHead_m2 = 0.031, kShoulders_m2 = 0.12;  // seen from above
constexpr double kSpread = 0.7;                           // of the warmth stays in the pixel it comes from
constexpr double kStays = 0.5;                            // of the heat it takes to appear is enough to stay
constexpr double kLeastArea_m2 = 0.1;                     // of somebody in a picture whose degrees are nominal
constexpr double kCoded_k = 0.1;                          // nominal: what coding makes of pictures without noise
constexpr double kClearlyAbove = 1.3;                     // times the threshold
constexpr double kShoulders_m = 1.1;
constexpr double kFarthest_m = 8;
constexpr double kHotThing_k = 5;  // above the room, before a thing is worth telling
constexpr double kBlurred_k = 3;   // what smoothing may take from the warmth of something small

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

// Lenses as they come with arrays of that size.
double usual_view_degrees(int width) { return width <= 16 ? 60 : width <= 32 ? 75 : width <= 80 ? 90 : 57; }

}  // namespace

std::vector<double> pixel_pitch_m(const MountConfig& mount, int width, int height) {
  const double across = mount.view_horizontal_degrees > 0 ? mount.view_horizontal_degrees : usual_view_degrees(width);
  const double above = std::max(0.3, (mount.height_m > 0 ? mount.height_m : 2.7) - kShoulders_m);
  // Along the axis a pixel covers this share of the distance.
  const double share = 2 * std::tan(radians(across) / 2) / std::max(1, width);
  const double down_share =
      mount.view_vertical_degrees > 0 ? 2 * std::tan(radians(mount.view_vertical_degrees) / 2) / std::max(1, height) : share;
  std::vector<double> pitch;
  for (int row = 0; row < height; ++row) {
    const double off_axis = std::atan(down_share * ((height - 1) / 2.0 - row));
    const double from_vertical = std::abs(radians(mount.tilt_degrees) + off_axis);
    const double distance = from_vertical < radians(85) ? std::min(kFarthest_m, above / std::cos(from_vertical)) : kFarthest_m;
    pitch.push_back(distance * std::cos(off_axis) * share);
  }
  return pitch;
}

class ThermalPresence::Room {
 public:
  explicit Room(const ThermalPresenceOptions& options) : options_(options) {}

  ThermalResult look(const ThermalFrame& frame, MediaTime time) {
    const double now = to_seconds(time.time_since_epoch());
    if (!frame.blind.empty()) return unknown(frame.blind);
    const auto verdict = cleaner_.take(frame, now);
    if (verdict == ThermalCleaner::Verdict::kUnreadable) return unknown("unreadable");
    if (verdict == ThermalCleaner::Verdict::kRepeated) {
      if (!frame.calibrating && now - *cleaner_.repeats_since() > kStuck_s) result_ = unknown("stuck");
      paused_ = true;
      return result_;
    }
    if (cleaner_.restarted()) begin(frame, now);
    const double passed = last_ ? std::clamp(now - *last_, 0.0, 1.0) : 0;
    last_ = now;
    if (paused_) held_until_ = now + kHold_s;
    paused_ = false;
    if (now < held_until_) follow_jump();
    if (radiometric_ && now - first_ < kFirst_s && first_state_ != Presence::kPresent) look_at_first(frame);
    see(frame, now, passed);
    if (!frame.polarity_known && result_.state != Presence::kAbsent) result_ = unknown("polarity_unknown");
    return result_;
  }

 private:
  static ThermalResult unknown(const std::string& reason) { return {Presence::kUnknown, reason, {}, {}}; }

  void begin(const ThermalFrame& frame, double now) {
    radiometric_ = frame.kind == ThermalKind::kRadiometric;
    background_ = ThermalBackground();
    tracks_ = WarmTracks();
    background_.begin(cleaner_.smoothed());
    tracks_.begin(now);
    first_ = now;
    first_sums_.assign(frame.values.size(), 0);
    first_frames_ = 0;
    first_boxes_.clear();
    first_state_ = Presence::kUnknown;
    last_.reset();
    held_until_ = -1;
    too_warm_ = false;
    const cv::Size size = cleaner_.smoothed().size();
    const auto fine = options_.pixel_pitch_m > 0 ? std::vector<double>(static_cast<std::size_t>(frame.height), options_.pixel_pitch_m)
                                                 : pixel_pitch_m(options_.mount, frame.width, frame.height);
    pitch_.clear();
    area_.clear();
    for (int row = 0; row < size.height; ++row) {
      const double pitch = fine[static_cast<std::size_t>(row) * static_cast<std::size_t>(cleaner_.factor())] * cleaner_.factor();
      pitch_.push_back(pitch);
      area_.push_back(pitch * pitch);
    }
  }

  // After a calibration the level may have jumped: the room has not.
  void follow_jump() {
    const double level = cleaner_.level_jump_k();
    if (std::abs(level) <= 3 * cleaner_.noise_k()) return;
    cleaner_.lift(static_cast<float>(level));
    background_.lift(level);
  }

  void see(const ThermalFrame& frame, double now, double passed) {
    auto blobs = background_.look(cleaner_.smoothed(), cleaner_.smoothed_noise_k(), area_, now);
    const double level = background_.level_c();
    // Somebody is as much warmer than the room as skin is.
    const double contrast = radiometric_ ? std::clamp((kSkin_c - level) / (kSkin_c - kUsualRoom_c), 0.3, 1.3) : 1;
    const double least = options_.least_heat_k_m2 * contrast;
    std::erase_if(blobs, [&](const WarmBlob& blob) {
      return blob.heat < kStays * least || (!radiometric_ && blob.heat < kStays * kLeastArea_m2 * blob.peak_k);
    });
    const bool expected = now - first_ < kFirst_s && !first_boxes_.empty();
    const WarmTracks::Room room{pitch_,
                                cleaner_.smoothed().size(),
                                std::max(cleaner_.noise_k(), radiometric_ ? 0 : kCoded_k),
                                level,
                                radiometric_,
                                options_.hottest_person_c,
                                (expected ? kStays : 1) * least,
                                radiometric_ ? 0 : kLeastArea_m2,
                                background_.threshold_k(),
                                too_warm_,
                                [&](const cv::Rect& box) { return cleaner_.hottest(frame, box); },
                                [&](const cv::Rect& box) { return background_.peak_before(box); }};
    tracks_.follow(blobs, room, now);
    too_warm_ = radiometric_ && too_warm(level + (too_warm_ ? 0.5 : 0));
    tracks_.look_for_missing(room, passed, !too_warm_);
    if (!too_warm_) background_.learn(absorbed(), tracks_.around_missing(room), passed);
    result_ = conclusion(frame, now);
  }

  // Whether head and shoulders of somebody would hardly show in a pixel in the middle of the view.
  bool too_warm(double level) const {
    if (level > options_.too_warm_room_c) return true;
    const double area = area_[area_.size() / 2];
    const double head = (kSkin_c - level) * std::min(1.0, kHead_m2 / area);
    const double clothes = std::max(0.0, kClothes_c - level) * std::min(1.0, kShoulders_m2 / area);
    return kSpread * (head + clothes) < kClearlyAbove * background_.threshold_k();
  }

  // What the first second says about somebody who is there before anything has been learned, an opinion for as long as he has not
  // moved (thermal_still.hpp): by the mean of its pictures. The background under him is taken to be as warm as the room.
  void look_at_first(const ThermalFrame& frame) {
    ++first_frames_;
    ThermalFrame mean = frame;
    for (std::size_t i = 0; i < first_sums_.size(); ++i) {
      first_sums_[i] += frame.values[i];
      mean.values[i] = static_cast<std::int16_t>(std::lround(first_sums_[i] / first_frames_));
    }
    const double pitch = pitch_[pitch_.size() / 2] / cleaner_.factor();
    first_state_ = look_once(mean, pitch).state;
    if (first_state_ != Presence::kPresent) return;
    const cv::Size size = cleaner_.smoothed().size();
    for (const auto& candidate : still_candidates(mean, pitch)) {
      if (still_probability(mean.kind, candidate.features) < kSomebody) continue;
      first_boxes_.push_back(candidate.box);
      const cv::Point from(static_cast<int>(candidate.box.x * size.width), static_cast<int>(candidate.box.y * size.height));
      const cv::Point to(static_cast<int>(std::ceil((candidate.box.x + candidate.box.width) * size.width)),
                         static_cast<int>(std::ceil((candidate.box.y + candidate.box.height) * size.height)));
      background_.uncover(cv::Rect(from, to) & cv::Rect({0, 0}, size));
    }
  }

  bool is_first(const Box& box) const {
    return std::any_of(first_boxes_.begin(), first_boxes_.end(), [&](const Box& first) { return intersection_over_union(box, first) > 0; });
  }

  // By label, what becomes background: things and prints, unless somebody shares their blob.
  std::vector<std::uint8_t> absorbed() const {
    std::vector<std::uint8_t> labels(static_cast<std::size_t>(background_.labels().total()) + 1, 0);
    for (const WarmTrack& track : tracks_.all())
      if (track.nature == WarmNature::kThing || track.nature == WarmNature::kPrint) labels[static_cast<std::size_t>(track.label)] = 1;
    for (const WarmTrack& track : tracks_.all())
      if (track.nature == WarmNature::kPerson || track.nature == WarmNature::kOpen) labels[static_cast<std::size_t>(track.label)] = 0;
    return labels;
  }

  Box share_of_picture(const cv::Rect& box) const {
    const cv::Size size = cleaner_.smoothed().size();
    return {static_cast<double>(box.x) / size.width, static_cast<double>(box.y) / size.height, static_cast<double>(box.width) / size.width,
            static_cast<double>(box.height) / size.height};
  }

  // Also those that have long become background.
  std::vector<HotSpot> hotter_than_people(const ThermalFrame& frame) const {
    std::vector<HotSpot> spots;
    const cv::Mat hot = cleaner_.smoothed() > options_.hottest_person_c - kBlurred_k;
    if (cv::countNonZero(hot) == 0) return spots;
    cv::Mat labels, stats, centres;
    const int count = cv::connectedComponentsWithStats(hot, labels, stats, centres, 8, CV_32S);
    for (int i = 1; i < count && spots.size() < kMostThermalPeople; ++i) {
      const cv::Rect box(stats.at<int>(i, cv::CC_STAT_LEFT), stats.at<int>(i, cv::CC_STAT_TOP), stats.at<int>(i, cv::CC_STAT_WIDTH),
                         stats.at<int>(i, cv::CC_STAT_HEIGHT));
      const double hottest_c = cleaner_.hottest(frame, box);
      if (hottest_c > options_.hottest_person_c) spots.push_back({share_of_picture(box), hottest_c});
    }
    return spots;
  }

  ThermalResult conclusion(const ThermalFrame& frame, double now) const {
    ThermalResult result;
    bool unclear = false;
    if (radiometric_) result.hot_spots = hotter_than_people(frame);
    for (const WarmTrack& track : tracks_.all()) {
      const Box box = share_of_picture(track.box);
      if (track.nature == WarmNature::kThing && track.peak_k > kHotThing_k &&
          std::none_of(result.hot_spots.begin(), result.hot_spots.end(),
                       [&](const HotSpot& spot) { return intersection_over_union(spot.box, box) > 0; }) &&
          result.hot_spots.size() < kMostThermalPeople)
        result.hot_spots.push_back({box, radiometric_ ? cleaner_.hottest(frame, track.box) : 0});
      if (track.nature == WarmNature::kThing || track.nature == WarmNature::kPrint) continue;
      const bool first = track.from_start && is_first(box);
      if (!first && now - track.born < kConfirm_s) continue;
      if (track.nature == WarmNature::kOpen && ((track.from_start && !first) || (track.at_print && !is_as_warm_as_its_person(track)))) {
        unclear = true;
        continue;
      }
      result.people.push_back({track.id, box, track.peak_k, now - std::max(track.alive, track.born)});
    }
    if (!result.people.empty())
      result.state = Presence::kPresent;
    else if (too_warm_)
      result.reason = "too_warm";
    else if (tracks_.somebody_is_missing())
      result.reason = "lost_sight";
    else if (unclear)
      result.reason = "not_yet_clear";
    else if (now - first_ < kFirst_s && first_state_ != Presence::kAbsent)
      result.reason = "starting";
    else
      result.state = Presence::kAbsent;
    return result;
  }

  ThermalPresenceOptions options_;
  ThermalCleaner cleaner_;
  ThermalBackground background_;
  WarmTracks tracks_;
  std::vector<double> pitch_, area_;  // by row of the working picture
  bool radiometric_ = true, paused_ = false, too_warm_ = false;
  double first_ = 0, held_until_ = -1;
  std::optional<double> last_;
  std::vector<double> first_sums_;  // of the first second's pictures, by pixel
  int first_frames_ = 0;
  Presence first_state_ = Presence::kUnknown;
  std::vector<Box> first_boxes_;
  ThermalResult result_;
};

ThermalPresence::ThermalPresence(const ThermalPresenceOptions& options) : room_(std::make_unique<Room>(options)) {}
ThermalPresence::~ThermalPresence() = default;
ThermalPresence::ThermalPresence(ThermalPresence&&) noexcept = default;
ThermalPresence& ThermalPresence::operator=(ThermalPresence&&) noexcept = default;

ThermalResult ThermalPresence::look(const ThermalFrame& frame, MediaTime time) { return room_->look(frame, time); }

}  // namespace kanhu::models
