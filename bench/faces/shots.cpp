// SPDX-License-Identifier: MIT
#include "bench/faces/shots.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "bench/effort.hpp"
#include "models/faces/quality.hpp"
#include "models/images/picture_file.hpp"
#include "models/registry.hpp"

namespace kanhu::bench {
namespace {

constexpr std::size_t kLandmarksNeeded = 4;

const Detection* chosen(const std::vector<Detection>& faces) {
  double widest = 0;
  for (const Detection& face : faces) widest = std::max(widest, face.landmarks.size() >= kLandmarksNeeded ? face.box.width : 0);
  const Detection* best = nullptr;
  double nearest = 2;
  for (const Detection& face : faces) {
    if (face.landmarks.size() < kLandmarksNeeded || face.box.width < widest / 2) continue;
    const double away = std::hypot(face.box.x + face.box.width / 2 - 0.5, face.box.y + face.box.height / 2 - 0.5);
    if (away >= nearest) continue;
    nearest = away;
    best = &face;
  }
  return best;
}

// Folders of people are named after them; what is printed is not.
std::string without_name(std::string message, const std::string& path, const std::string& instead) {
  if (const auto at = message.find(path); at != std::string::npos) message.replace(at, path.size(), instead);
  return message;
}

// Whole people, so that those who stay have all their pictures.
std::vector<Shot> shots_wanted(const FaceSet& set, std::size_t most) {
  std::vector<Shot> shots;
  if (!set.pairs.empty()) {
    std::set<std::string> paths;
    for (const Pair& pair : set.pairs) {
      paths.insert(pair.first);
      paths.insert(pair.second);
    }
    for (const std::string& path : paths) shots.push_back({path, 0, false, {}, 0});
    return shots;
  }
  std::size_t pictures = 0;
  for (const KnownPerson& person : set.people) pictures += person.pictures.size();
  const std::size_t people =
      most == 0 || pictures <= most ? set.people.size() : std::max<std::size_t>(2, set.people.size() * most / pictures);
  std::size_t number = 0;
  for (const KnownPerson& person : spread(set.people, people)) {
    for (const std::string& path : person.pictures) shots.push_back({path, number, false, {}, 0});
    ++number;
  }
  return shots;
}

}  // namespace

void FaceReader::read(const Picture& picture, Shot& shot, std::size_t& framed, ShotReport& report, const InstructionCounter& counter) {
  const auto look_at = [&](const ImageView& seen) {
    const auto state = detector_->make_state();
    return detector_->detect(seen, MediaTime{}, *state).detections;
  };
  ImageView seen = picture.view();
  auto faces = look_at(seen);
  const Detection* face = chosen(faces);
  models::PictureFile framed_picture;
  if (face == nullptr || face->box.width > models::kCutOutFace) {
    framed_picture = models::with_room(picture.view());
    auto framed_faces = look_at(framed_picture.view);
    if (const Detection* other = chosen(framed_faces); other != nullptr) {
      faces = std::move(framed_faces);
      face = chosen(faces);
      seen = framed_picture.view;
      ++framed;
    }
  }
  if (face == nullptr) return;
  shot.quality = models::face_quality(seen, face->box, face->landmarks).total;
  const auto before = counter.now();
  const Stopwatch watch;
  auto embedding = embedder_->embed(seen, face->landmarks);
  const double took = watch.milliseconds();
  const auto after = counter.now();
  if (!embedding) return;
  report.embed_milliseconds.push_back(took);
  if (before && after) report.embed_instructions.push_back(static_cast<double>(*after - *before));
  shot.embedding = std::move(*embedding);
  shot.found = true;
}

Result<FaceReader> make_face_reader(const std::string& detector, const std::string& embedder, const std::string& models_dir,
                                    double smallest_px) {
  const auto path = models::model_search_path(models_dir);
  DetectorConfig config;
  config.name = detector;
  config.smallest_px = smallest_px;
  const auto choice = models::choose_detector(config, path);
  if (!choice) return tl::unexpected(choice.error());
  auto finder = models::make_detector(*choice, config);
  if (!finder) return tl::unexpected(finder.error());
  auto network = models::make_face_embedder(embedder, path);
  if (!network) return tl::unexpected(network.error());
  return FaceReader(std::move(*finder), std::move(*network));
}

ShotReport take_shots(const std::vector<FaceSet>& sets, FaceReader& reader, const std::vector<Degradation>& degradations, std::size_t most,
                      const Progress& progress) {
  ShotReport report;
  const InstructionCounter counter;
  report.no_instructions = counter.why_not();
  for (const FaceSet& set : sets) {
    const auto wanted = shots_wanted(set, most);
    if (wanted.empty()) continue;
    std::vector<ShotSet> conditions;
    for (const Degradation degradation : degradations)
      conditions.push_back({set.name, degradation, wanted, set.pairs.empty(), set.pairs, 0});
    std::vector<bool> missing(conditions.size(), false);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      progress(fmt::format("{}: face {} of {}", set.name, i + 1, wanted.size()));
      auto picture = load_picture(wanted[i].path);
      if (!picture) {
        report.left_out.push_back(without_name(picture.error().message, wanted[i].path, fmt::format("{}: face {}", set.name, i + 1)));
        continue;
      }
      const Scene scene{std::move(*picture), {}};
      const std::uint64_t seed = seed_of(wanted[i].path.substr(wanted[i].path.rfind('/') + 1) + std::to_string(i));
      for (std::size_t c = 0; c < conditions.size(); ++c) {
        const auto degraded = degrade(scene, conditions[c].degradation, seed);
        missing[c] = missing[c] || !degraded;
        if (degraded) reader.read(degraded->picture, conditions[c].shots[i], conditions[c].framed, report, counter);
      }
    }
    for (std::size_t c = 0; c < conditions.size(); ++c) {
      if (!missing[c]) report.sets.push_back(std::move(conditions[c]));
    }
  }
  return report;
}

}  // namespace kanhu::bench
