// SPDX-License-Identifier: MIT
#include "models/thermal/relative.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "models/images/picture.hpp"
#include "models/thermal/cleaner.hpp"
#include "models/thermal/gain.hpp"
#include "models/thermal/overlay.hpp"
#include "models/thermal/palette.hpp"
#include "models/thermal/polarity.hpp"

namespace kanhu::models {
namespace {

constexpr int kWorkingColumns = 80;
constexpr double kCentiPerLevel = 10;  // ten grey levels are a nominal degree
constexpr double kRoom_centi = 2200;   // of the middle of the reference; any number would do
constexpr double kLeastRange = 3;      // levels of a picture that shows anything
constexpr double kLeastGain = 0.06;    // somebody of 120 levels would be of 7
constexpr double kLeastExplained = 0.5;
constexpr double kSceneChanged_s = 0.5;
constexpr double kOutlier = 4.5, kLeastOutlier = 6;              // standard deviations; levels
constexpr double kReference_s = 30, kReferenceOutliers_s = 300;  // of the reference
constexpr double kQuiet_s = 60;                                  // nobody is stiller for longer
constexpr double kShutter_s = 0.2, kMostShutter_s = 3;
constexpr double kRepeating = 0.05;  // share of pictures that repeat the one before, of a camera that codes still pictures so
constexpr std::size_t kPlacesFitted = 1200;
constexpr float kDarkest = 1.5F, kBrightest = 253.5F;  // beyond these a level says no more than that

cv::Size working_size(int width, int height) {
  const int factor = std::max(1, (width + kWorkingColumns - 1) / kWorkingColumns);
  return {std::max(1, width / factor), std::max(1, height / factor)};
}

bool saturated(float level) { return level < kDarkest || level > kBrightest; }

}  // namespace

class RelativeThermal::Source {
 public:
  explicit Source(const RelativeThermalOptions& options) : options_(options), palettes_(options.palette) {
    if (options.palette == ThermalPalette::kWhiteHot) polarity_.set(1);
    if (options.palette == ThermalPalette::kBlackHot) polarity_.set(-1);
  }

  ThermalFrame convert(const ImageView& image, double now) {
    if (!is_readable(image)) return blind("unreadable");
    if (image.width != width_ || image.height != height_) begin_anew(image);
    const double passed = last_ ? std::clamp(now - *last_, 0.0, 1.0) : 0;
    last_ = now;
    if (!read(image, now)) return palettes_.palette() ? held() : blind("palette_unknown");
    double least = 0, most = 0;
    cv::minMaxLoc(picture_, &least, &most);
    if (most - least < kLeastRange) return blind("no_contrast");
    if (shutter_is_closed(now, passed)) return held();
    if (reference_.empty()) begin_reference(now);
    const ThermalGain fit = fit_gain_of_picture();
    if (fit.explained < kLeastExplained) {
      if (!unexplained_since_) unexplained_since_ = now;
      if (now - *unexplained_since_ < kSceneChanged_s) return held();
      if (fit_.gain < 0) polarity_.turn();
      begin_reference(now);
      return blind("scene_changed");
    }
    unexplained_since_.reset();
    fit_ = fit;
    if (std::abs(fit_.gain) < kLeastGain) return blind("low_contrast");
    level_out();
    find_polarity(now, passed);
    learn(passed);
    if (polarity_.sign() == 0 && now - stirred_ < kQuiet_s) return blind("polarity_unknown");
    return shown();
  }

 private:
  void begin_anew(const ImageView& image) {
    const auto options = options_;
    *this = Source(options);
    width_ = image.width;
    height_ = image.height;
    size_ = working_size(width_, height_);
  }

  ThermalFrame empty() const {
    ThermalFrame frame;
    frame.kind = ThermalKind::kRelative;
    frame.width = size_.width;
    frame.height = size_.height;
    return frame;
  }

  // With the last values, so that there is something to look at.
  ThermalFrame blind(const char* reason) const {
    ThermalFrame frame = empty();
    frame.values = values_.empty() ? std::vector<std::int16_t>(static_cast<std::size_t>(size_.area()), 0) : values_;
    frame.blind = reason;
    return frame;
  }

  // What was known holds.
  ThermalFrame held() const {
    ThermalFrame frame = blind("");
    frame.calibrating = true;
    return frame;
  }

  // -> picture_: warmth in levels, without what the camera wrote into it.
  bool read(const ImageView& image, double now) {
    cv::Mat foreign;
    const bool coloured = image.format != PixelFormat::kGray8;
    if (coloured && !palettes_.read(to_rgb(image, {0, 0, image.width, image.height}, size_), now, picture_, foreign)) return false;
    if (!coloured || palettes_.is_grey()) to_gray(image, size_).convertTo(picture_, CV_32F);
    if (coloured && palettes_.is_grey()) cv::dilate(foreign, foreign, cv::Mat());  // the rim of coloured text is half grey
    if (overlay_.is_due(now, size_)) overlay_.look(to_gray(image, {image.width, image.height}), now, size_);
    overlay_.fill(picture_, foreign);
    return true;
  }

  // A camera whose pictures always have noise, and stand still all at once.
  bool shutter_is_closed(double now, double passed) {
    const bool repeats = previous_.size() == picture_.size() && cv::norm(previous_, picture_, cv::NORM_INF) < 0.5;
    picture_.copyTo(previous_);
    if (!repeats) {
      repeats_since_.reset();
      repeating_ *= std::exp(-passed / 60);
      ++pictures_;
      return false;
    }
    if (!repeats_since_) repeats_since_ = now - passed, usually_repeats_ = repeating_ > kRepeating || pictures_ < 20;
    const double closed = now - *repeats_since_;
    if (usually_repeats_ || closed > kMostShutter_s) repeating_ += (1 - std::exp(-passed / 60)) * (1 - repeating_);
    return !usually_repeats_ && closed >= kShutter_s && closed <= kMostShutter_s;
  }

  void begin_reference(double now) {
    picture_.copyTo(reference_);
    std::vector<float> values(picture_.begin<float>(), picture_.end<float>());
    zero_ = median_of_floats(values);
    fit_ = {};
    learned_s_ = 0;
    unexplained_since_.reset();
    outliers_ = cv::Mat();
    anew_ = true;
    stirred_ = has_compact_places(reference_) ? now : now - 2 * kQuiet_s;
  }

  // Places of the room that are neither covered nor saturated; of what stood out in the picture before only when that was most of it.
  ThermalGain fit_gain_of_picture() {
    const bool skip = !outliers_.empty() && cv::countNonZero(outliers_) < 0.4 * size_.area();
    const std::size_t step = std::max<std::size_t>(1, picture_.total() / kPlacesFitted);
    x_.clear();
    y_.clear();
    for (int row = 0; row < size_.height; ++row) {
      const auto *here = picture_.ptr<float>(row), *room = reference_.ptr<float>(row);
      const auto* covered = overlay_.mask().ptr<std::uint8_t>(row);
      const auto* odd = skip ? outliers_.ptr<std::uint8_t>(row) : nullptr;
      for (int column = row % static_cast<int>(step); column < size_.width; column += static_cast<int>(step)) {
        if (covered[column] != 0 || (odd != nullptr && odd[column] != 0) || saturated(here[column]) || saturated(room[column])) continue;
        x_.push_back(room[column]);
        y_.push_back(here[column]);
      }
    }
    if (x_.size() < 100) {  // nearly all of it black or white: the room's middle is still a level
      ThermalGain kept = fit_;
      kept.explained = 1;
      return kept;
    }
    ThermalGain fit = fit_gain(x_, y_, fit_, !palettes_.is_grey_or_unknown());
    if (fit.explained < kLeastExplained) return fit;
    // The noise left in the reference makes slopes too flat (Fuller, "Measurement error models", 1987).
    const double pictures = std::max(1.0, std::min(learned_s_, kReference_s) * 8);
    const double left = fit.noise * fit.noise / std::max(1e-3, fit.gain * fit.gain) / pictures;
    if (fit.gain != fit_.gain && fit.spread > 1) fit.gain *= 1 + std::min(0.1, left / (fit.spread * fit.spread));
    return fit;
  }

  // -> leveled_: the picture at the gain of the reference; outliers_.
  void level_out() {
    picture_.convertTo(leveled_, CV_32F, 1 / fit_.gain, -fit_.offset / fit_.gain);
    const double margin = std::max(kLeastOutlier, kOutlier * fit_.noise) / std::abs(fit_.gain);
    cv::absdiff(leveled_, reference_, difference_);
    outliers_ = difference_ > margin;
  }

  void find_polarity(double now, double passed) {
    if (!palettes_.is_grey_or_unknown()) {  // colours say which end is warm; the reference may be older than they are
      const int sign = fit_.gain < 0 ? -1 : 1;
      if (polarity_.sign() != sign) polarity_.set(sign);
      return;
    }
    if (options_.palette != ThermalPalette::kAuto) return;
    if (polarity_.look(leveled_, reference_, outliers_, passed) && polarity_.sign() == 0) stirred_ = now;
  }

  void learn(double passed) {
    learned_s_ += passed;
    const double time = std::min(kReference_s, std::max(learned_s_, passed));
    const auto usual = static_cast<float>(1 - std::exp(-passed / std::max(time, 1e-3))),
               slow = static_cast<float>(1 - std::exp(-passed / kReferenceOutliers_s));
    for (int row = 0; row < size_.height; ++row) {
      const auto* now = leveled_.ptr<float>(row);
      const auto* raw = picture_.ptr<float>(row);
      const auto* odd = outliers_.ptr<std::uint8_t>(row);
      auto* room = reference_.ptr<float>(row);
      for (int column = 0; column < size_.width; ++column)
        if (!saturated(raw[column])) room[column] += (odd[column] != 0 ? slow : usual) * (now[column] - room[column]);
    }
  }

  ThermalFrame shown() {
    const int sign = polarity_.sign() < 0 ? -1 : 1;
    ThermalFrame frame = empty();
    frame.values.reserve(leveled_.total());
    for (auto at = leveled_.begin<float>(); at != leveled_.end<float>(); ++at)
      frame.values.push_back(static_cast<std::int16_t>(
          std::clamp(kRoom_centi + kCentiPerLevel * sign * (static_cast<double>(*at) - zero_), -32000.0, 32000.0)));
    frame.polarity_known = polarity_.sign() != 0;
    frame.anew = anew_ || (shown_sign_ != 0 && shown_sign_ != sign);
    anew_ = false;
    shown_sign_ = sign;
    values_ = frame.values;
    return frame;
  }

  RelativeThermalOptions options_;
  ThermalPaletteReader palettes_;
  ThermalOverlay overlay_;
  ThermalPolarity polarity_;
  ThermalGain fit_;
  int width_ = 0, height_ = 0, shown_sign_ = 0;
  cv::Size size_;
  cv::Mat picture_, previous_, reference_, leveled_, difference_, outliers_;
  double zero_ = 0, learned_s_ = 0, stirred_ = 0, repeating_ = 0;
  long pictures_ = 0;
  bool anew_ = false, usually_repeats_ = false;
  std::optional<double> last_, unexplained_since_, repeats_since_;
  std::vector<float> x_, y_;
  std::vector<std::int16_t> values_;
};

RelativeThermal::RelativeThermal(const RelativeThermalOptions& options) : source_(std::make_unique<Source>(options)) {}
RelativeThermal::~RelativeThermal() = default;
RelativeThermal::RelativeThermal(RelativeThermal&&) noexcept = default;
RelativeThermal& RelativeThermal::operator=(RelativeThermal&&) noexcept = default;

ThermalFrame RelativeThermal::convert(const ImageView& image, MediaTime time) {
  return source_->convert(image, to_seconds(time.time_since_epoch()));
}

}  // namespace kanhu::models
