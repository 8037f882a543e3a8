// SPDX-License-Identifier: MIT
#include "pipelines/analyze/presence.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kanhu::analyze {
namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kSample = std::chrono::seconds(1);

}  // namespace

ZonePresence::ZonePresence(std::string zone, const PresenceConfig& config, double frames_per_second, SourceSilence silence)
    : zone_(std::move(zone)), config_(config), silence_(silence), gap_(kSample) {
  // Below 2 frames a second the gap between two sightings of one person exceeds a second.
  if (frames_per_second > 0)
    gap_ = std::max(gap_, std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(2 / frames_per_second)));
}

void ZonePresence::begin_run() {
  settled_ = Presence::kUnknown;
  seen_since_.reset();
  seen_last_.reset();
  unseen_since_.reset();
  evidence_ = {};
  said_at_.reset();
}

void ZonePresence::see(MediaTime pts, const ZoneEvidence& evidence) {
  evidence_ = evidence;
  if (evidence.seen) {
    unseen_since_.reset();
    if (!seen_since_ || pts - *seen_last_ > gap_) seen_since_ = pts;
    seen_last_ = pts;
    if (evidence.count > 0 && pts - *seen_since_ >= config_.enter_after) settled_ = Presence::kPresent;
    return;
  }
  if (seen_last_ && pts - *seen_last_ > gap_) seen_since_.reset();
  if (!unseen_since_) unseen_since_ = pts;
  if (pts - *unseen_since_ >= config_.leave_after) settled_ = Presence::kAbsent;
}

void ZonePresence::hold() {
  unseen_since_.reset();
  seen_since_.reset();
}

std::optional<PresenceObservation> ZonePresence::report(MediaTime now, const Sight& sight) {
  PresenceObservation next;
  next.zone = zone_;
  if (!sight.unknown.empty()) {
    const auto said_at = said_at_;
    begin_run();
    said_at_ = said_at;
    next.reason = sight.unknown;
  } else if (sight.warm_up || settled_ == Presence::kUnknown || (settled_ == Presence::kPresent && !present() && !evidence_.seen)) {
    // The last case: seen during warm-up only, and gone before it was over.
    next.reason = said_ ? said_->reason : "starting";
  } else if (settled_ == Presence::kAbsent && silence_.means == Silence::kNothing) {
    next.reason = silence_.reason;
  } else {
    next.state = settled_;
  }
  if (next.state == Presence::kPresent) {
    next.count = std::max(1, evidence_.count);
    next.score = evidence_.score;
    next.track_label = evidence_.label.empty() && said_ ? said_->track_label : evidence_.label;
  }
  const bool turned = !said_ || next.state != said_->state || next.reason != said_->reason;
  const bool counted = said_ && next.count != said_->count && (!said_at_ || now - *said_at_ >= kSample);
  if (!turned && !counted) return std::nullopt;
  said_ = next;
  said_at_ = now;
  return next;
}

void Coverage::add(nanoseconds span, bool seeing) {
  if (span <= nanoseconds::zero()) return;
  if (span > kSeconds * kSample) span = kSeconds * kSample;
  while (span > nanoseconds::zero()) {
    const nanoseconds part = std::min(span, kSample - position_);
    if (seeing) seen_[current_] += part;
    position_ += part;
    span -= part;
    if (position_ < kSample) continue;
    position_ = nanoseconds::zero();
    current_ = (current_ + 1) % seen_.size();
    seen_[current_] = nanoseconds::zero();
  }
}

double Coverage::share() const {
  const nanoseconds sum = std::accumulate(seen_.begin(), seen_.end(), nanoseconds::zero());
  return std::min(1.0, to_seconds(sum) / kSeconds);
}

}  // namespace kanhu::analyze
