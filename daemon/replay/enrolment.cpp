// SPDX-License-Identifier: MIT
#include "daemon/replay/enrolment.hpp"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "config/detectors.hpp"
#include "gallery/matcher.hpp"
#include "models/faces/drawn.hpp"
#include "models/faces/quality.hpp"
#include "models/images/picture_file.hpp"
#include "models/registry.hpp"
#include "pipelines/ingest/frame_source.hpp"

namespace kanhu {
namespace {

constexpr double kPicturesPerSecond = 4;
constexpr std::size_t kFewestLandmarks = 4;  // eyes, nose, mouth
// In a recording somebody may pass behind: a second face less than this wide beside the largest does not count.
constexpr double kSmaller = 0.6;

// Runs a recording to its end and hands each picture on. Thread: the source's, one call at a time.
class ClipReader final : public ingest::SourceSink {
 public:
  explicit ClipReader(std::function<void(const Frame&)> each) : each_(std::move(each)) {}
  void on_packet(PacketPtr) override {}
  void on_tick(Tick) override {}
  void on_frame(Frame frame) override {
    ++frames_;
    each_(frame);
  }
  void on_end(Error why) override {
    const std::scoped_lock lock(mutex_);
    ended_ = std::move(why);
    changed_.notify_all();
  }
  // Pictures seen; an error when the recording did not come to its end.
  Result<std::size_t> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_.has_value(); });
    if (ended_->kind != ErrorKind::kEndOfStream) return tl::make_unexpected(*ended_);
    return frames_;
  }

 private:
  const std::function<void(const Frame&)> each_;
  std::size_t frames_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Error> ended_;
};

// Of each of `most` equal stretches of time the best, so that they differ: a person who stood still gives one shot many times.
std::vector<EnrolmentShot> spread(std::vector<std::pair<MediaTime, EnrolmentShot>> shots, std::size_t most) {
  std::vector<EnrolmentShot> chosen;
  if (shots.empty()) return chosen;
  const auto first = shots.front().first;
  const auto stretch = (shots.back().first - first) / static_cast<std::int64_t>(most) + std::chrono::nanoseconds(1);
  std::map<std::int64_t, EnrolmentShot*> best;
  for (auto& [time, shot] : shots) {
    EnrolmentShot*& held = best[(time - first) / stretch];
    if (held == nullptr || shot.made.quality.total > held->made.quality.total) held = &shot;
  }
  for (auto& [index, shot] : best) chosen.push_back(std::move(*shot));
  return chosen;
}

WallTime modified(const std::string& path) {
  std::error_code problem;
  const auto time = std::filesystem::last_write_time(path, problem);
  if (problem) return WallTime{};
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::file_clock::to_sys(time));
}

}  // namespace

std::string refusal_of(const FaceQuality& quality, double score, const EnrolmentBounds& bounds) {
  const double turned = std::abs(quality.yaw_degrees), nodded = std::abs(quality.pitch_degrees);
  if (quality.total <= 0) return "what was found is no face";
  if (score < bounds.score) return fmt::format("hardly a face: score {:.2f}, {:.2f} needed", score, bounds.score);
  if (quality.inter_pupil_px < bounds.inter_pupil_px)
    return fmt::format("face {:.0f} px between the eyes, {:.0f} needed (--eyes-apart)", std::floor(quality.inter_pupil_px),
                       bounds.inter_pupil_px);
  if (turned > bounds.turn_degrees) return fmt::format("turned by {:.0f} degrees, {:.0f} at most", std::ceil(turned), bounds.turn_degrees);
  if (nodded > bounds.turn_degrees) {
    return fmt::format("looking {} by {:.0f} degrees, {:.0f} at most", quality.pitch_degrees > 0 ? "up" : "down", std::ceil(nodded),
                       bounds.turn_degrees);
  }
  if (quality.brightness < bounds.darkest)
    return fmt::format("too dark: the face has a mean of {:.0f} of 255, {:.0f} needed", quality.brightness, bounds.darkest);
  if (quality.brightness > bounds.brightest)
    return fmt::format("overexposed: the face has a mean of {:.0f} of 255, {:.0f} at most", quality.brightness, bounds.brightest);
  if (quality.contrast < bounds.contrast)
    return fmt::format("flat: the face's brightness deviates by {:.0f}, {:.0f} needed", quality.contrast, bounds.contrast);
  if (quality.sharpness < bounds.sharpness)
    return fmt::format("too blurred: sharpness {:.2f}, {:.2f} needed", quality.sharpness, bounds.sharpness);
  if (quality.occlusion > bounds.occlusion)
    return fmt::format("covered: occlusion {:.2f}, {:.2f} at most", quality.occlusion, bounds.occlusion);
  return {};
}

Result<Enrolment> Enrolment::make(const DetectorConfig& detector, const std::vector<std::string>& search_path, EnrolmentBounds bounds) {
  const auto choice = models::choose_detector(detector, search_path);
  if (!choice) return tl::make_unexpected(choice.error());
  auto made = models::make_detector(*choice, detector);
  if (!made) return tl::make_unexpected(made.error());
  auto embedder = models::make_face_embedder(models::default_face_embedder(), search_path);
  if (!embedder) return tl::make_unexpected(embedder.error());
  Enrolment enrolment;
  enrolment.detector_ = std::move(*made);
  enrolment.state_ = enrolment.detector_->make_state();
  enrolment.embedder_ = std::move(*embedder);
  enrolment.bounds_ = bounds;
  return enrolment;
}

std::vector<Detection> Enrolment::faces_in(const ImageView& image, MediaTime time) {
  auto faces = detector_->detect(image, time, *state_).detections;
  std::sort(faces.begin(), faces.end(), [](const Detection& a, const Detection& b) { return a.box.area() > b.box.area(); });
  return faces;
}

Result<gallery::Template> Enrolment::judge(const ImageView& image, const std::vector<Detection>& faces, Others others) {
  if (faces.empty()) return fail(ErrorKind::kInvalidArgument, "no face in it");
  const double smaller = others == Others::kIgnoreSmaller ? kSmaller : 0;
  if (faces.size() > 1 && faces[1].box.width > smaller * faces[0].box.width)
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} faces in it; one is needed, so that nobody else is enrolled", faces.size()));
  const Detection& face = faces.front();
  if (face.landmarks.size() < kFewestLandmarks) {
    return fail(ErrorKind::kUnsupported, fmt::format("the detector {} gives no eyes to align a face by; its weights are missing "
                                                     "(docs/operations.md), or the configuration names another than {}",
                                                     detector_->info().name, kUsualFaceDetector));
  }
  gallery::Template shot;
  shot.quality = models::face_quality(image, face.box, face.landmarks);
  if (const std::string why = refusal_of(shot.quality, face.score, bounds_); !why.empty()) return fail(ErrorKind::kInvalidArgument, why);
  auto embedding = embedder_->embed(image, face.landmarks);
  if (!embedding) return tl::make_unexpected(embedding.error());
  shot.embedding = std::move(*embedding);
  return shot;
}

EnrolmentShots Enrolment::from_picture(const std::string& path, const std::string& name) {
  EnrolmentShots shots;
  const auto picture = models::read_picture(path);
  if (!picture) {
    shots.refused.push_back(picture.error().message);
    return shots;
  }
  state_ = detector_->make_state();  // pictures do not follow each other
  ImageView seen = picture->view;
  auto faces = faces_in(seen, MediaTime{});
  models::PictureFile framed;
  if (faces.empty() || (faces.size() == 1 && faces.front().box.width > models::kCutOutFace)) {
    framed = models::with_room(seen);
    state_ = detector_->make_state();
    if (auto again = faces_in(framed.view, MediaTime{}); !again.empty()) {
      faces = std::move(again);
      seen = framed.view;
    }
  }
  auto shot = judge(seen, faces, Others::kRefuse);
  if (!shot) {
    shots.refused.push_back(fmt::format("{}: {}", name, shot.error().message));
    return shots;
  }
  shot->taken = modified(path);
  shots.good.push_back({name, std::move(*shot)});
  return shots;
}

Result<std::string> Enrolment::why_drawn(const std::vector<EnrolmentShot>& shots) {
  const double threshold = models::drawing_threshold(embedder().name);
  if (threshold > 1 || shots.empty()) return std::string();
  const auto check = models::DrawingCheck::make(*embedder_);
  if (!check) return tl::make_unexpected(check.error());
  std::vector<std::vector<float>> embeddings;
  for (const EnrolmentShot& shot : shots) embeddings.push_back(shot.made.embedding);
  const double likeness = check->likeness(embeddings);
  if (likeness < threshold) return std::string();
  return fmt::format("a drawn or painted face, not a photograph: likeness to drawings {:.3f}, below {:.3f} needed", likeness, threshold);
}

Result<EnrolmentShots> Enrolment::from_clip(const std::string& path, const std::function<void()>& moved) {
  std::error_code problem;
  const auto absolute = std::filesystem::canonical(path, problem);
  if (problem) return fail(ErrorKind::kNotFound, fmt::format("{}: {}", path, problem.message()));
  if (auto ready = ingest::init_gstreamer(); !ready) return tl::make_unexpected(ready.error());
  ingest::SourceSpec spec;
  spec.source = "enrolment";
  spec.stream.url = "file://" + absolute.string();
  spec.decode = true;
  spec.frames_per_second = kPicturesPerSecond;
  spec.replay = true;
  const SystemClock clock;
  auto source = ingest::make_source(spec, clock);
  if (!source) return tl::make_unexpected(source.error());

  const WallTime taken = modified(path);
  std::vector<std::pair<MediaTime, EnrolmentShot>> good;
  std::map<std::string, int> refused;  // why -> pictures; the numbers differ from picture to picture, so by the words before them
  std::map<std::string, std::string> example;
  state_ = detector_->make_state();
  ClipReader reader([&](const Frame& frame) {
    moved();
    auto shot = judge(frame.image(), faces_in(frame.image(), frame.pts), Others::kIgnoreSmaller);
    const std::string place = fmt::format("{:.1f} s", to_seconds(frame.pts.time_since_epoch()));
    if (shot) {
      shot->taken = taken;
      good.push_back({frame.pts, {place, std::move(*shot)}});
      return;
    }
    const std::string& why = shot.error().message;
    const std::string kind = why.substr(0, why.find_first_of("0123456789"));
    if (refused[kind]++ == 0) example[kind] = fmt::format("at {}: {}", place, why);
  });
  (*source)->start(reader);
  const auto seen = reader.wait();
  if (!seen) return fail(seen.error().kind, fmt::format("{}: {}", path, seen.error().message));
  EnrolmentShots shots;
  for (const auto& [kind, count] : refused) {
    shots.refused.push_back(
        fmt::format("{} of {} pictures of the recording, {}{}", count, *seen, count > 1 ? "the first " : "", example[kind]));
  }
  shots.good = spread(std::move(good), kMostShots);
  return shots;
}

std::vector<std::string> names_of_pictures(const std::vector<std::string>& paths) {
  std::map<std::string, std::set<std::string>> called;
  for (const std::string& path : paths) called[std::filesystem::path(path).filename().string()].insert(path);
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    const std::string name = std::filesystem::path(path).filename().string();
    names.push_back(called[name].size() > 1 ? path : name);
  }
  return names;
}

void keep_best(std::vector<EnrolmentShot>& shots) {
  if (shots.size() <= Enrolment::kMostShots) return;
  std::vector<double> totals;
  for (const EnrolmentShot& shot : shots) totals.push_back(shot.made.quality.total);
  std::nth_element(totals.begin(), totals.begin() + Enrolment::kMostShots - 1, totals.end(), std::greater<>());
  const double bound = totals[Enrolment::kMostShots - 1];
  std::erase_if(shots, [&](const EnrolmentShot& shot) { return shot.made.quality.total < bound; });
  shots.resize(std::min(shots.size(), Enrolment::kMostShots));
}

double same_person_score(std::string_view embedder) {
  // Chains of 0.78 join 98 % of ORL's sets of five of one person and 7 of 8 of television stills with all kinds of faces made; of
  // sets with one or two pictures of somebody else, 86 to 88 % fall apart.
  return embedder == "dlib-resnet-29" ? 0.78 : 0;
}

double best_score(const gallery::Template& shot, std::span<const gallery::Template> templates) {
  double best = 0;
  for (const gallery::Template& other : templates)
    best = std::max(best, gallery::score_of(gallery::scalar_product(shot.embedding, other.embedding)));
  return best;
}

std::vector<std::string> take_out_copies(std::vector<EnrolmentShot>& shots) {
  std::vector<std::string> lines;
  std::vector<EnrolmentShot> kept;
  for (EnrolmentShot& shot : shots) {
    const auto same = std::find_if(kept.begin(), kept.end(), [&](const EnrolmentShot& other) {
      return best_score(shot.made, std::span(&other.made, 1)) >= kSameShot;
    });
    if (same == kept.end()) {
      kept.push_back(std::move(shot));
    } else {
      lines.push_back(fmt::format("{}: the same shot as {}, or a picture of a picture; different ones are needed", shot.from, same->from));
    }
  }
  shots = std::move(kept);
  return lines;
}

std::vector<std::string> take_out_others(std::vector<EnrolmentShot>& shots, double threshold) {
  std::vector<std::size_t> group(shots.size());  // the lowest index of the chain a shot belongs to
  for (std::size_t i = 0; i < shots.size(); ++i) {
    group[i] = i;
    for (std::size_t k = 0; k < i; ++k) {
      if (best_score(shots[i].made, std::span(&shots[k].made, 1)) < threshold || group[k] == group[i]) continue;
      const auto [low, high] = std::minmax(group[i], group[k]);
      std::replace(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::size_t{high}, std::size_t{low});
    }
  }
  std::size_t most = 0, largest = 0;
  for (std::size_t i = 0; i < shots.size(); ++i) {
    const auto size = static_cast<std::size_t>(std::count(group.begin(), group.end(), i));
    if (size > most) {
      most = size;
      largest = i;
    }
  }
  std::vector<gallery::Template> kept;
  for (std::size_t i = 0; i < shots.size(); ++i) {
    if (group[i] == largest) kept.push_back(shots[i].made);
  }
  std::vector<std::string> lines;
  std::vector<EnrolmentShot> left;
  for (std::size_t i = 0; i < shots.size(); ++i) {
    if (group[i] == largest) {
      left.push_back(std::move(shots[i]));
    } else {
      lines.push_back(
          fmt::format("{}: not like the others (score {:.4f}, {:.4f} needed)", shots[i].from, best_score(shots[i].made, kept), threshold));
    }
  }
  shots = std::move(left);
  return lines;
}

}  // namespace kanhu
