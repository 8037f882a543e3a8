// SPDX-License-Identifier: MIT
#include "bench/faces/faces.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bench/effort.hpp"
#include "bench/faces/set.hpp"
#include "models/registry.hpp"

namespace kanhu::bench {
namespace {

SetSummary summary_of(const FaceSet& set) {
  SetSummary summary;
  summary.name = set.name;
  summary.labelled = set.labelled.size();
  for (const auto& picture : set.labelled) summary.faces += picture.faces.size();
  summary.people = set.people.size();
  for (const auto& person : set.people) summary.people_pictures += person.pictures.size();
  summary.pairs = set.pairs.size();
  return summary;
}

void measure_identification(const ShotReport& shots, const std::vector<Degradation>& degradations, const models::EmbedderInfo& embedder,
                            FacesReport& report) {
  std::map<Degradation, std::map<std::string, const ShotSet*>> by_condition;
  for (const ShotSet& set : shots.sets) by_condition[set.degradation][set.set] = &set;
  for (const Degradation degradation : degradations) {
    std::vector<const ShotSet*> plain, probes;
    for (const auto& [name, probe] : by_condition[degradation]) {
      plain.push_back(by_condition[Degradation::kNone][name]);
      probes.push_back(probe);
    }
    const auto subjects = subjects_of(plain, probes);
    if (degradation == Degradation::kNone) report.subjects = subjects.size();
    const auto found = identify(subjects, embedder, degradation);
    report.identification.insert(report.identification.end(), found.begin(), found.end());
  }
}

Result<void> measure_people(const std::vector<FaceSet>& sets, const FacesOptions& options, const std::vector<Degradation>& degradations,
                            const Progress& progress, FacesReport& report) {
  const auto named = [](const FaceSet& set) { return !set.people.empty() || !set.pairs.empty(); };
  if (std::none_of(sets.begin(), sets.end(), named)) return {};
  const std::string embedder = options.embedder.empty() ? std::string(models::default_face_embedder()) : options.embedder;
  auto reader = make_face_reader(report.detection.default_detector, embedder, options.models_dir, options.smallest_px);
  if (!reader && (!options.embedder.empty() || reader.error().kind != ErrorKind::kNotFound)) return tl::unexpected(reader.error());
  if (!reader) {
    report.left_out.push_back(fmt::format("verification and recognition: {}", reader.error().message));
    return {};
  }
  const ShotReport shots = take_shots(sets, *reader, degradations, options.pictures, progress);
  report.left_out.insert(report.left_out.end(), shots.left_out.begin(), shots.left_out.end());
  if (shots.embed_milliseconds.empty()) {
    report.left_out.push_back(
        fmt::format("verification and recognition: {} found no face with landmarks", report.detection.default_detector));
    return {};
  }
  report.embedder = embedder;
  report.embed_milliseconds = shots.embed_milliseconds;
  report.embed_instructions = shots.embed_instructions;
  progress("comparing");
  const double drawn_from = models::drawing_threshold(reader->embedder().name);
  const auto drawings = reader->drawings();
  if (!drawings) return tl::unexpected(drawings.error());
  report.drawing_threshold = drawn_from;
  report.between_manners = drawings->least_between_manners();
  for (const ShotSet& set : shots.sets) {
    if (auto counted = count_drawings(set, *drawings, drawn_from); counted && drawn_from <= 1) report.drawings.push_back(*counted);
    report.verification.push_back(verify(set));
    if (set.degradation != Degradation::kNone) continue;
    for (ScoringResult& one : compare_scoring(set, reader->embedder().name)) report.scoring.push_back(std::move(one));
  }
  measure_identification(shots, degradations, reader->embedder(), report);
  return {};
}

}  // namespace

Result<FacesReport> bench_faces(const FacesOptions& options, const Progress& progress) {
  auto found = find_sets(options.folder);
  if (!found) return tl::unexpected(found.error());
  FacesReport report;
  report.folder = options.folder;
  report.cpu_level = models::cpu_feature_level();
  report.left_out = std::move(found->left_out);
  for (const FaceSet& set : found->sets) {
    report.sets.push_back(summary_of(set));
    const auto& last = report.sets.back();
    if (options.pictures > 0 && (last.labelled > options.pictures || last.people_pictures > options.pictures))
      report.left_out.push_back(
          fmt::format("{}: beyond {} pictures of a kind, evenly spread (--pictures 0 takes all)", set.name, options.pictures));
  }
  auto field = make_field({options.detectors, options.models_dir, options.smallest_px, options.peers});
  if (!field) return tl::unexpected(field.error());
  std::vector<Degradation> degradations{Degradation::kNone};
  degradations.insert(degradations.end(), options.degradations.begin(), options.degradations.end());
  report.detection = measure_detection(found->sets, std::move(*field), degradations, options.pictures, progress);
  report.left_out.insert(report.left_out.end(), report.detection.left_out.begin(), report.detection.left_out.end());
  report.no_instructions = InstructionCounter().why_not();
  if (auto measured = measure_people(found->sets, options, degradations, progress, report); !measured)
    return tl::unexpected(measured.error());
  report.peak_memory_mib = peak_memory_mib();
  return report;
}

double worst_equal_error_rate(const FacesReport& report, bool degraded) {
  double worst = 0;
  for (const auto& one : report.verification) {
    if ((one.degradation != Degradation::kNone) == degraded) worst = std::max(worst, one.equal_error_rate);
  }
  return worst;
}

}  // namespace kanhu::bench
