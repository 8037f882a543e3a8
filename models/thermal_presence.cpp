#include "models/thermal_presence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace kanhu::models {
namespace {

constexpr double kLeastWarmth_k = 1.0;  // above the background
constexpr double kNoises = 5;           // and this many standard deviations of the smoothed picture
constexpr double kSmoothing_s = 0.25;   // of the picture in time
constexpr double kLearning_s = 20;      // of the background where nothing is
constexpr double kAbsorbing_s = 2;      // where a thing was recognised
constexpr double kSlowRise_k_s = 0.6;   // what grows slower than this came by itself: the sun, a radiator
constexpr double kConfirm_s = 0.3;      // that a person must have been followed
constexpr double kHold_s = 2;           // after a calibration nothing is decided anew
constexpr double kStuck_s = 10;
constexpr double kLost_s = 0.8;                    // without its blob a track ends
constexpr double kMoved_m = 0.5;                   // from where it appeared: it came by itself
constexpr double kReach_m = 0.9;                   // of a track from one picture to the next
constexpr double kNotAlive_s = 60;                 // a thing that appeared at once and never moved
constexpr double kPrint_s = 6;                     // the same where somebody has just left
constexpr double kSkin_c = 33, kUsualRoom_c = 22;  // apparent
constexpr double kDoor_m = 0.4;                    // from the edge of the view
constexpr double kGone_s = 60;                     // of looking for somebody who vanished
constexpr double kLeft_s = 15;                     // after somebody walked away from here, what is left has not moved and has cooled
constexpr double kCooling_s = 100;                 // of steady cooling without any movement, and a person was none
constexpr int kStuckPixel = 24;                    // pictures in which a pixel says exactly the same

double median_of(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

struct Blob {
  int label = 0;
  double x = 0, y = 0;  // centre of its warmth, px
  double heat = 0;      // K m2
  double peak_k = 0, peak_c = 0;
  cv::Rect box;
  bool on_border = false;
};

enum class Nature { kOpen, kPerson, kThing, kPrint };

struct Second {
  double x = 0, y = 0, heat = 0;
  int pictures = 0;
};

struct Track {
  std::uint64_t id = 0;
  Nature nature = Nature::kOpen;
  double born = 0, seen = 0, alive = 0;  // s
  double born_x = 0, born_y = 0, x = 0, y = 0, heat = 0, usual_heat = 0, peak_k = 0, peak_c = 0;
  cv::Rect box;
  std::uint64_t origin = 0;    // the person beside whom it appeared
  std::optional<double> left;  // somebody walked away from here
  double heat_then = 0;
  bool from_start = false, moved = false, at_print = false;
  std::deque<Second> past;  // means over whole seconds
  long second = -1;
  int label = 0;
};

}  // namespace

class ThermalPresence::Room {
 public:
  explicit Room(const ThermalPresenceOptions& options) : options_(options) {}

  ThermalResult look(const ThermalFrame& view, MediaTime time) {
    const auto count = static_cast<std::size_t>(std::max(0, view.width)) * static_cast<std::size_t>(std::max(0, view.height));
    if (count < 4 || view.values.size() < count) return {Presence::kUnknown, "unreadable", {}, {}};
    if (view.width != size_.width || view.height != size_.height) begin_anew({view.width, view.height});
    const double now = to_seconds(time.time_since_epoch());
    if (!first_) first_ = now;
    const bool repeated = std::equal(last_raw_.begin(), last_raw_.end(), view.values.begin()) && last_raw_.size() == count;
    if (repeated) {
      if (!repeats_since_) repeats_since_ = now;
      result_.state = now - *repeats_since_ > kStuck_s ? Presence::kUnknown : result_.state;
      if (now - *repeats_since_ > kStuck_s) result_.reason = "stuck";
      return result_;
    }
    if (repeats_since_) held_until_ = now + kHold_s;  // a calibration: the level may have jumped
    repeats_since_.reset();
    note_stuck_pixels(view);
    cv::Mat picture = repaired(view);
    last_raw_.assign(view.values.begin(), view.values.begin() + static_cast<std::ptrdiff_t>(count));
    const double passed = last_ ? std::clamp(now - *last_, 0.0, 1.0) : 0;
    last_ = now;
    if (smooth_.empty()) {
      smooth_ = picture.clone();
      begin_background(picture, now);
    } else {
      note_noise(picture);
      if (held_until_ > now && passed > 0) {  // the smoothed picture follows a jump of the level at once
        const cv::Mat jump = picture - smooth_;
        const double level = median_of({jump.begin<float>(), jump.end<float>()});
        if (std::abs(level) > 3 * noise_) smooth_ += level, base_ += level;
      }
      share_ = 1 - std::exp(-std::max(passed, 1e-3) / kSmoothing_s);
      smooth_ += share_ * (picture - smooth_);
    }
    cv::Mat warmth = smooth_ - base_;
    take_out_drift(warmth);
    const double threshold = std::max(kLeastWarmth_k, kNoises * noise_ * std::sqrt(share_ / (2 - share_)));
    level_ = cv::mean(base_)[0];
    cv::Mat mask = warmth > threshold, labels;
    const auto blobs = blobs_of(mask, warmth, labels);
    follow(blobs, now);
    for (Track& track : tracks_) judge(track, now);
    look_for_missing(passed);
    if (!too_warm_) learn(mask, labels, warmth, passed);
    last_mask_ = mask;
    if (recent_.empty() || now - recent_.back().first >= 0.25) recent_.emplace_back(now, warmth.clone());
    while (recent_.size() > 5) recent_.pop_front();
    result_ = conclusion(now);
    return result_;
  }

 private:
  void begin_anew(cv::Size size) {
    const auto options = options_;
    *this = Room(options);
    size_ = size;
  }

  void note_stuck_pixels(const ThermalFrame& view) {
    const auto count = static_cast<std::size_t>(size_.area());
    same_for_.resize(count, 0);
    for (std::size_t i = 0; i < count && last_raw_.size() == count; ++i)
      same_for_[i] = view.values[i] == last_raw_[i] ? same_for_[i] + 1 : 0;
  }

  bool is_bad(int index, const ThermalFrame& view) const {
    const auto i = static_cast<std::size_t>(index);
    const auto value = view.values[i];
    return same_for_[i] >= kStuckPixel || value < -4000 || value > 15000;
  }

  // Bad pixels take the median of their good neighbours.
  cv::Mat repaired(const ThermalFrame& view) const {
    cv::Mat picture(size_, CV_32F);
    for (int y = 0; y < size_.height; ++y) {
      for (int x = 0; x < size_.width; ++x) {
        const int index = y * size_.width + x;
        auto& to = picture.at<float>(y, x);
        to = static_cast<float>(view.values[static_cast<std::size_t>(index)]) / 100;
        if (!is_bad(index, view)) continue;
        std::vector<float> near;
        for (int dy = -2; dy <= 2; ++dy) {
          for (int dx = -2; dx <= 2; ++dx) {
            const int nx = x + dx, ny = y + dy;
            if (nx < 0 || ny < 0 || nx >= size_.width || ny >= size_.height || is_bad(ny * size_.width + nx, view)) continue;
            near.push_back(static_cast<float>(view.values[static_cast<std::size_t>(ny * size_.width + nx)]) / 100);
          }
        }
        if (!near.empty()) to = static_cast<float>(median_of(near));
      }
    }
    return picture;
  }

  void note_noise(const cv::Mat& picture) {
    if (!previous_.empty()) {
      const cv::Mat change = cv::abs(picture - previous_);
      const double now = 1.4826 * median_of({change.begin<float>(), change.end<float>()}) / std::sqrt(2.0);
      noise_ += 0.05 * (now - noise_);
    }
    previous_ = picture;
  }

  // What is in the first picture: warmer than the room by more than furniture is, it may be people; the background there is made up
  // from the rest.
  void begin_background(const cv::Mat& picture, double now) {
    const double level = median_of({picture.begin<float>(), picture.end<float>()});
    cv::Mat warm = picture > level + 2.5;
    cv::dilate(warm, warm, cv::Mat());
    base_ = picture.clone();
    base_.setTo(level, warm);
    noise_ = 0.2;
    born_at_start_until_ = now + 1;
  }

  void take_out_drift(cv::Mat& warmth) {
    std::vector<float> rest;
    rest.reserve(static_cast<std::size_t>(size_.area()));
    for (int y = 0; y < size_.height; ++y) {
      for (int x = 0; x < size_.width; ++x) {
        if (last_mask_.empty() || last_mask_.at<std::uint8_t>(y, x) == 0) rest.push_back(warmth.at<float>(y, x));
      }
    }
    if (rest.size() < static_cast<std::size_t>(size_.area()) / 4) return;
    const auto drift = static_cast<float>(median_of(std::move(rest)));
    base_ += drift;
    warmth -= drift;
  }

  std::vector<Blob> blobs_of(const cv::Mat& mask, const cv::Mat& warmth, cv::Mat& labels) const {
    cv::Mat stats, centres;
    const int count = cv::connectedComponentsWithStats(mask, labels, stats, centres, 8, CV_32S);
    std::vector<Blob> blobs(static_cast<std::size_t>(std::max(0, count - 1)));
    const double area = options_.pixel_pitch_m * options_.pixel_pitch_m;
    for (int y = 0; y < size_.height; ++y) {
      for (int x = 0; x < size_.width; ++x) {
        const int label = labels.at<int>(y, x);
        if (label == 0) continue;
        Blob& blob = blobs[static_cast<std::size_t>(label - 1)];
        const auto k = static_cast<double>(warmth.at<float>(y, x));
        blob.x += k * x;
        blob.y += k * y;
        blob.heat += k * area;
        blob.peak_k = std::max(blob.peak_k, k);
        blob.peak_c = std::max(blob.peak_c, static_cast<double>(smooth_.at<float>(y, x)));
      }
    }
    for (int i = 1; i < count; ++i) {
      Blob& blob = blobs[static_cast<std::size_t>(i - 1)];
      blob.label = i;
      blob.x /= std::max(1e-9, blob.heat / area);
      blob.y /= std::max(1e-9, blob.heat / area);
      blob.box = {stats.at<int>(i, cv::CC_STAT_LEFT), stats.at<int>(i, cv::CC_STAT_TOP), stats.at<int>(i, cv::CC_STAT_WIDTH),
                  stats.at<int>(i, cv::CC_STAT_HEIGHT)};
      blob.on_border = blob.box.x == 0 || blob.box.y == 0 || blob.box.br().x == size_.width || blob.box.br().y == size_.height;
    }
    // A person is as much warmer as skin, at 33 degrees, is than the room.
    const double least = options_.least_heat_k_m2 * std::clamp((kSkin_c - level_) / (kSkin_c - kUsualRoom_c), 0.3, 1.3);
    std::erase_if(blobs, [&](const Blob& blob) { return blob.heat < least; });
    return blobs;
  }

  // Where one can leave the view.
  bool at_border(const Track& track) const {
    const int margin = std::max(1, static_cast<int>(kDoor_m / options_.pixel_pitch_m));
    return track.box.x < margin || track.box.y < margin || track.box.br().x > size_.width - margin ||
           track.box.br().y > size_.height - margin;
  }

  // Nobody vanishes in the middle of a room: whoever did so is there until seen again, or until a while has passed in which he would have
  // been seen.
  void look_for_missing(double passed) {
    for (auto& one : missing_) {
      if (!too_warm_) one.looked += passed;
      for (const Track& track : tracks_) {
        if (track.born > one.since && track.nature != Nature::kThing && metres(track.x - one.place.x, track.y - one.place.y) < kReach_m)
          one.looked = kGone_s;
      }
    }
    std::erase_if(missing_, [](const auto& one) { return one.looked >= kGone_s; });
    if (missing_.size() > 16) missing_.erase(missing_.begin());
  }

  double metres(double x, double y) const { return options_.pixel_pitch_m * std::hypot(x, y); }

  // Nearest pairs first; who walks through another shares his blob until they part.
  void follow(const std::vector<Blob>& blobs, double now) {
    struct Pair {
      double away;
      std::size_t track, blob;
    };
    std::vector<Pair> pairs;
    for (std::size_t t = 0; t < tracks_.size(); ++t) {
      for (std::size_t b = 0; b < blobs.size(); ++b) {
        const double away = metres(blobs[b].x - tracks_[t].x, blobs[b].y - tracks_[t].y);
        if (away < kReach_m || blobs[b].box.contains({static_cast<int>(tracks_[t].x), static_cast<int>(tracks_[t].y)}))
          pairs.push_back({away, t, b});
      }
    }
    std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.away < b.away; });
    std::vector<int> owner(blobs.size(), -1);
    std::vector<bool> placed(tracks_.size(), false);
    for (const Pair& pair : pairs) {
      if (placed[pair.track] || owner[pair.blob] >= 0) continue;
      owner[pair.blob] = static_cast<int>(pair.track);
      placed[pair.track] = true;
      take(tracks_[pair.track], blobs[pair.blob], now, true);
    }
    for (const Pair& pair : pairs) {
      Track& track = tracks_[pair.track];
      if (placed[pair.track]) continue;
      const Track& other = tracks_[static_cast<std::size_t>(owner[pair.blob])];
      if (blobs[pair.blob].heat < 0.6 * (track.usual_heat + other.usual_heat)) continue;
      placed[pair.track] = true;
      take(track, blobs[pair.blob], now, false);
    }
    std::erase_if(tracks_, [&](const Track& track) {
      const bool over = now - track.seen > kLost_s;
      if (over && track.nature == Nature::kPerson && !at_border(track)) missing_.push_back({{track.x, track.y}, now, 0});
      return over;
    });
    for (std::size_t b = 0; b < blobs.size(); ++b) {
      if (owner[b] < 0) begin_track(blobs[b], now);
    }
  }

  void take(Track& track, const Blob& blob, double now, bool alone) {
    track.seen = now;
    track.label = blob.label;
    track.box = blob.box;
    track.peak_k = blob.peak_k;
    track.peak_c = blob.peak_c;
    if (!alone) return;
    track.x = blob.x;
    track.y = blob.y;
    track.heat = blob.heat;
    track.usual_heat += 0.02 * (blob.heat - track.usual_heat);
    if (blob.peak_c > options_.hottest_person_c) track.nature = Nature::kThing;
    if (metres(blob.x - track.born_x, blob.y - track.born_y) > kMoved_m) track.moved = true;
    const long second = static_cast<long>(std::floor(now));
    if (track.past.empty() || second != track.second) {
      track.past.push_back({});
      track.second = second;
      if (track.past.size() > 240) track.past.pop_front();
    }
    Second& mean = track.past.back();
    ++mean.pictures;
    mean.x += (blob.x - mean.x) / mean.pictures;
    mean.y += (blob.y - mean.y) / mean.pictures;
    // In a room that becomes warmer everybody seems to cool.
    mean.heat += (blob.heat / std::max(0.5, kSkin_c - level_) - mean.heat) / mean.pictures;
  }

  void begin_track(const Blob& blob, double now) {
    Track track;
    track.id = ++ids_;
    track.born = track.alive = now;
    track.born_x = blob.x;
    track.born_y = blob.y;
    track.usual_heat = blob.heat;
    track.from_start = now < born_at_start_until_;
    // Warmth that was nearly there already came by itself.
    double before = 0;
    const cv::Mat& then = a_second_ago();
    for (int y = blob.box.y; !then.empty() && y < blob.box.br().y; ++y)
      for (int x = blob.box.x; x < blob.box.br().x; ++x) before = std::max(before, static_cast<double>(then.at<float>(y, x)));
    const bool slowly = !then.empty() && blob.peak_k - before < kSlowRise_k_s;
    for (const Track& other : tracks_) {
      const bool near = metres(other.x - blob.x, other.y - blob.y) < 2 * kReach_m;
      if (other.nature == Nature::kPerson && near) track.at_print = true, track.origin = other.id;
    }
    for (const auto& [place, when] : left_from_) {
      if (now - when < 30 && metres(place.x - blob.x, place.y - blob.y) < kReach_m) track.at_print = true;
    }
    // Whoever vanished here is seen again.
    for (auto& one : missing_) {
      if (metres(one.place.x - blob.x, one.place.y - blob.y) >= kReach_m) continue;
      one.looked = kGone_s;
      track.nature = Nature::kPerson;
      track.moved = true;
      track.at_print = false;
    }
    if (slowly && track.nature == Nature::kOpen && !track.from_start && !track.at_print) track.nature = Nature::kThing;
    take(track, blob, now, true);
    tracks_.push_back(std::move(track));
  }

  const cv::Mat& a_second_ago() const {
    static const cv::Mat none;
    return recent_.size() < 5 ? none : recent_.front().second;
  }

  // How far the centre is from the straight line through its neighbours four seconds before and after, in px: a person shifts weight, a
  // thing does not, and the sun goes straight on.
  double unrest(const Track& track) const {
    constexpr std::size_t kApart = 4;
    if (track.past.size() < 2 * kApart + 2) return 0;
    double most = 0;
    const std::size_t last = track.past.size() - 2;  // the newest second is not over
    const std::size_t begin = last > 3 * kApart ? last - kApart : 2 * kApart;
    for (std::size_t i = begin; i <= last; ++i) {
      const Second &a = track.past[i - 2 * kApart], &b = track.past[i - kApart], &c = track.past[i];
      most = std::max(most, std::hypot(b.x - (a.x + c.x) / 2, b.y - (a.y + c.y) / 2));
    }
    return most;
  }

  // What noise alone does to the centre of a blob's warmth in a second.
  double unrest_of_noise(const Track& track) const {
    const double area = std::max(1.0, static_cast<double>(track.box.area()));
    const double heat_px = std::max(1e-6, track.heat / (options_.pixel_pitch_m * options_.pixel_pitch_m));
    const double radius = 0.5 * std::sqrt(area);
    return 1.5 * noise_ * std::sqrt(area) * radius / heat_px / std::sqrt(4.0);
  }

  bool only_cools(const Track& track) const {
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
    const double first = track.past[track.past.size() - wanted].heat;
    return before < 0.9 * first;
  }

  void judge(Track& track, double now) {
    if (track.nature == Nature::kThing) return;
    const bool lively = unrest(track) > 4 * unrest_of_noise(track);
    if (lively) track.alive = now;
    if (track.moved && track.nature == Nature::kOpen) {
      track.nature = Nature::kPerson;
      for (Track& other : tracks_) {
        if (other.id == track.origin) other.left = now, other.heat_then = other.heat, other.past.clear(), other.second = -1;
      }
    }
    if (track.left && lively) track.left.reset();
    if (track.left && now - *track.left > kLeft_s) {
      if (track.nature == Nature::kPerson && track.heat < 0.98 * track.heat_then) track.nature = Nature::kPrint;
      track.left.reset();
    }
    if (lively && now - track.born > 10 && track.nature == Nature::kOpen) track.nature = Nature::kPerson;
    const double still = now - std::max(track.alive, track.born);
    if (track.nature == Nature::kOpen) {
      if (track.at_print && still > kPrint_s) track.nature = Nature::kPrint;
      if (still > kNotAlive_s) track.nature = Nature::kThing;
    }
    if (track.nature == Nature::kPerson && still > 0.5 * kCooling_s && only_cools(track)) track.nature = Nature::kPrint;
  }

  bool is_near_missing(int x, int y) const {
    return std::any_of(missing_.begin(), missing_.end(), [&](const auto& one) { return metres(x - one.place.x, y - one.place.y) < 0.6; });
  }

  void learn(const cv::Mat& mask, const cv::Mat& labels, const cv::Mat& warmth, double passed) {
    std::vector<std::uint8_t> absorbed(static_cast<std::size_t>(size_.area()) + 1, 0);
    for (const Track& track : tracks_) {
      if (track.nature == Nature::kThing || track.nature == Nature::kPrint) absorbed[static_cast<std::size_t>(track.label)] = 1;
    }
    // What somebody shares with a thing is not learned.
    for (const Track& track : tracks_) {
      if (track.nature == Nature::kPerson || track.nature == Nature::kOpen) absorbed[static_cast<std::size_t>(track.label)] = 0;
    }
    cv::Mat near;
    cv::dilate(mask, near, cv::Mat());
    const auto slow = static_cast<float>(1 - std::exp(-passed / kLearning_s)),
               fast = static_cast<float>(1 - std::exp(-passed / kAbsorbing_s));
    for (int y = 0; y < size_.height; ++y) {
      for (int x = 0; x < size_.width; ++x) {
        const float above = warmth.at<float>(y, x);
        if (is_near_missing(x, y)) continue;
        const int label = labels.at<int>(y, x);
        auto& base = base_.at<float>(y, x);
        if (label > 0 && absorbed[static_cast<std::size_t>(label)] != 0) {
          base += fast * above;
        } else if (near.at<std::uint8_t>(y, x) == 0) {
          base += (above < -kLeastWarmth_k ? fast : slow) * above;
        } else if (above < -kLeastWarmth_k) {
          base += fast * above;
        }
      }
    }
  }

  ThermalResult conclusion(double now) {
    ThermalResult result;
    bool unclear = false;
    for (const Track& track : tracks_) {
      const Box box{static_cast<double>(track.box.x) / size_.width, static_cast<double>(track.box.y) / size_.height,
                    static_cast<double>(track.box.width) / size_.width, static_cast<double>(track.box.height) / size_.height};
      if (track.nature == Nature::kThing) {
        if (track.peak_k > 5) result.hot_spots.push_back({box, track.peak_c});
        continue;
      }
      if (track.nature == Nature::kPrint) continue;
      if (now - track.born < kConfirm_s) continue;
      if (track.nature == Nature::kOpen && (track.from_start || track.at_print)) {
        unclear = unclear || track.from_start;
        continue;
      }
      result.people.push_back({track.id, box, track.peak_k, now - std::max(track.alive, track.born)});
      if (track.nature == Nature::kPerson) note_place(track, now);
    }
    too_warm_ = level_ > options_.too_warm_room_c - (too_warm_ ? 0.5 : 0);
    if (!result.people.empty()) {
      result.state = Presence::kPresent;
    } else if (too_warm_) {
      result.reason = "no_contrast";
    } else if (!missing_.empty()) {
      result.reason = "lost_sight";
    } else if (unclear) {
      result.reason = "not_yet_clear";
    } else if (now - *first_ < 1) {
      result.reason = "starting";
    } else {
      result.state = Presence::kAbsent;
    }
    return result;
  }

  // Where people were for a while: what stays there when they go is their warmth.
  void note_place(const Track& track, double now) {
    std::erase_if(left_from_, [&](const auto& one) { return now - one.second > 30; });
    for (auto& [place, when] : left_from_) {
      if (metres(place.x - track.x, place.y - track.y) < 0.3) {
        when = now;
        return;
      }
    }
    if (left_from_.size() < 256) left_from_.push_back({{track.x, track.y}, now});
  }

  ThermalPresenceOptions options_;
  cv::Size size_;
  std::optional<double> first_, last_, repeats_since_;
  double held_until_ = -1, born_at_start_until_ = -1, noise_ = 0.2, share_ = 1, level_ = 22;
  bool too_warm_ = false;
  cv::Mat smooth_, previous_, base_, last_mask_;
  std::deque<std::pair<double, cv::Mat>> recent_;  // warmth, four a second
  std::vector<std::int16_t> last_raw_;
  std::vector<int> same_for_;
  std::vector<Track> tracks_;
  std::vector<std::pair<cv::Point2d, double>> left_from_;
  struct Missing {
    cv::Point2d place;
    double since = 0, looked = 0;  // s
  };
  std::vector<Missing> missing_;
  std::uint64_t ids_ = 0;
  ThermalResult result_;
};

ThermalPresence::ThermalPresence(const ThermalPresenceOptions& options) : room_(std::make_unique<Room>(options)) {}
ThermalPresence::~ThermalPresence() = default;
ThermalPresence::ThermalPresence(ThermalPresence&&) noexcept = default;
ThermalPresence& ThermalPresence::operator=(ThermalPresence&&) noexcept = default;

ThermalResult ThermalPresence::look(const ThermalFrame& view, MediaTime time) { return room_->look(view, time); }

}  // namespace kanhu::models
