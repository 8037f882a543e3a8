// SPDX-License-Identifier: MIT
// From pictures or a recording of somebody to templates: what is good enough, and why the rest is not.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "gallery/gallery.hpp"
#include "models/detector.hpp"
#include "models/faces/embedder.hpp"

namespace kanhu {

// What an enrolled shot must reach. Stricter than what a camera's shot must reach: a weak template is wrong for years.
struct EnrolmentBounds {
  double inter_pupil_px = 60;  // ISO/IEC 19794-5 asks for 60 at least
  double score = 0.6;          // the detector's
  double sharpness = 0.2;
  double turn_degrees = 30;              // yaw or pitch
  double darkest = 40, brightest = 225;  // mean luma of the face
  double contrast = 12;                  // its deviation
  double occlusion = 0.9;
};

// Why this shot is not taken, with the number and the bound; empty when it is.
std::string refusal_of(const FaceQuality& quality, double score, const EnrolmentBounds& bounds);

struct EnrolmentShot {
  std::string from;  // the picture's file, or the place in the recording
  gallery::Template made;
};

struct EnrolmentShots {
  std::vector<EnrolmentShot> good;
  std::vector<std::string> refused;  // one line each, naming where it is from
};

// Detector and embedder of this gateway, looking at what is handed in: pictures and recordings in a worker
// (daemon/replay/media_worker.hpp), the rest anywhere. Thread: confined.
class Enrolment {
 public:
  static constexpr std::size_t kFewestShots = 3, kMostShots = 5;

  // kUnsupported: the detector gives no eyes to align by; otherwise as make_detector and make_face_embedder.
  static Result<Enrolment> make(const DetectorConfig& detector, const std::vector<std::string>& search_path, EnrolmentBounds bounds);

  const models::EmbedderInfo& embedder() const { return embedder_->info(); }

  // One picture, which messages call `name`: one good shot or one refusal. One face a picture: none, or two, is a refusal. A face that
  // fills its picture (an identity photograph) is looked at with room around it (models/images/picture_file.hpp).
  EnrolmentShots from_picture(const std::string& path, const std::string& name);
  // Why these shots, of one face, are no photographs of it but drawings; empty when they are not, or when it cannot be told
  // (models/faces/drawn.hpp).
  Result<std::string> why_drawn(const std::vector<EnrolmentShot>& shots);
  // A video file: the largest face of each picture, four pictures a second. `good` are at most kMostShots, the best of as many
  // stretches of the time in which the face is good. kNotFound, kUnsupported, kCorrupt: the file cannot be read as video. `moved` is called
  // for each picture, on a thread of the source.
  Result<EnrolmentShots> from_clip(const std::string& path, const std::function<void()>& moved);

 private:
  Enrolment() = default;
  enum class Others { kRefuse, kIgnoreSmaller };
  std::vector<Detection> faces_in(const ImageView& image, MediaTime time);  // the largest first
  // kInvalidArgument: why not.
  Result<gallery::Template> judge(const ImageView& image, const std::vector<Detection>& faces, Others others);

  std::unique_ptr<models::Detector> detector_;
  std::unique_ptr<models::DetectorState> state_;
  std::unique_ptr<models::FaceEmbedder> embedder_;
  EnrolmentBounds bounds_;
};

// What pictures are called in messages: by their file names, and those that share one by their paths.
std::vector<std::string> names_of_pictures(const std::vector<std::string>& paths);

// Of more than kMostShots the best by quality, in the order they came.
void keep_best(std::vector<EnrolmentShot>& shots);

// The score from which two pictures count as one person's when that is what they are said to be. Lower than any threshold in use:
// it finds a wrong picture, it does not identify. 0, asking nothing, of a network nobody measured.
double same_person_score(std::string_view embedder);
// The best score between a shot and these templates.
double best_score(const gallery::Template& shot, std::span<const gallery::Template> templates);

// Takes out shots that are another one over again: one picture handed in twice, a still picture held before the camera.
// Different pictures of one person score up to 0.96 with each other (ORL, 1,699 pairs). A line for each.
inline constexpr double kSameShot = 0.985;
std::vector<std::string> take_out_copies(std::vector<EnrolmentShot>& shots);

// Takes out the shots that no chain of alike ones joins to most of the others: somebody else's, or no face at all. A line for each.
std::vector<std::string> take_out_others(std::vector<EnrolmentShot>& shots, double threshold);

}  // namespace kanhu
