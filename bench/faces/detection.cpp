// SPDX-License-Identifier: MIT
#include "bench/faces/detection.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "bench/effort.hpp"

namespace kanhu::bench {
namespace {

constexpr const char* kReference = "dlib HOG x2";

class Measurement {
 public:
  Measurement(DetectionReport& report, const Progress& progress)
      : report_(report), progress_(progress), failed_(report.contestants.size(), false), reference_(report.place_of(kReference)) {
    const auto processes =
        std::any_of(report.contestants.begin(), report.contestants.end(), [](const Contestant& one) { return one.is_process; });
    if (!processes) return;
    auto folder = PictureFolder::make();
    if (folder) {
      folder_ = std::move(*folder);
      return;
    }
    for (std::size_t i = 0; i < failed_.size(); ++i) failed_[i] = report.contestants[i].is_process;
    report.left_out.push_back(folder.error().message);
  }

  void measure(const FaceSet& set, const std::vector<Degradation>& degradations, std::size_t most) {
    const auto pictures = spread(set.labelled, most);
    std::vector<Condition> conditions;
    for (const Degradation degradation : degradations)
      conditions.push_back({set.name, degradation, 0, 0, std::vector<Performance>(report_.contestants.size())});
    std::size_t number = 0;
    for (const LabelledPicture& labelled : pictures) {
      progress_(fmt::format("{}: picture {} of {}", set.name, ++number, pictures.size()));
      auto picture = load_picture(labelled.path);
      if (!picture) {
        report_.left_out.push_back(picture.error().message);
        continue;
      }
      const Scene scene{std::move(*picture), labelled.faces};
      const std::uint64_t seed = seed_of(labelled.path.substr(labelled.path.rfind('/') + 1));
      for (Condition& condition : conditions) {
        const auto degraded = degrade(scene, condition.degradation, seed);
        if (degraded) {
          compare(*degraded, condition);
        } else if (missing_.empty()) {
          missing_ = fmt::format("{}: {}", to_string(condition.degradation), degraded.error().message);
          report_.left_out.push_back(missing_);
        }
      }
    }
    for (Condition& condition : conditions) {
      if (condition.pictures > 0) report_.conditions.push_back(std::move(condition));
    }
  }

  const std::vector<bool>& failed() const { return failed_; }

 private:
  std::optional<Look> ask(std::size_t which, const Picture& picture, const std::string& path) {
    if (failed_[which]) return {};
    auto look = report_.contestants[which].look(picture, path);
    if (look) return std::move(*look);
    failed_[which] = true;
    report_.left_out.push_back(fmt::format("{}: {}", report_.contestants[which].name, look.error().message));
    return {};
  }

  void compare(const Scene& scene, Condition& condition) {
    std::string path;
    if (folder_) {
      path = fmt::format("{}/{}.{}", folder_->path(), number_, scene.picture.channels() == 3 ? "ppm" : "pgm");
      if (auto written = write_netpbm(path, scene.picture); !written) {
        for (std::size_t i = 0; i < failed_.size(); ++i) failed_[i] = failed_[i] || report_.contestants[i].is_process;
        report_.left_out.push_back(written.error().message);
      }
    }
    const std::size_t count = report_.contestants.size();
    if (number_ == 0) {  // the first picture pays for what is loaded late
      for (std::size_t i = 0; i < count; ++i) ask(i, scene.picture, path);
    }
    std::vector<std::optional<Look>> looks(count);
    for (std::size_t turn = 0; turn < count; ++turn) {
      const std::size_t which = (turn + number_) % count;
      looks[which] = ask(which, scene.picture, path);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!looks[i]) continue;
      Performance& performance = condition.performances[i];
      performance.tally.add(scene.faces, std::move(looks[i]->found));
      performance.milliseconds.push_back(looks[i]->milliseconds);
      if (looks[i]->instructions) performance.instructions.push_back(*looks[i]->instructions);
      if (reference_ < count && looks[reference_])
        performance.share_of_dlib_x2.push_back(looks[i]->milliseconds / std::max(looks[reference_]->milliseconds, 1e-6));
    }
    ++condition.pictures;
    condition.labels +=
        static_cast<std::size_t>(std::count_if(scene.faces.begin(), scene.faces.end(), [](const Label& one) { return !one.ignore; }));
    ++number_;
    std::remove(path.c_str());
  }

  DetectionReport& report_;
  const Progress& progress_;
  std::vector<bool> failed_;
  std::size_t reference_;
  std::unique_ptr<PictureFolder> folder_;
  std::string missing_;
  std::size_t number_ = 0;
};

// What failed on one picture is compared on none.
void take_out(DetectionReport& report, const std::vector<bool>& failed) {
  for (std::size_t i = failed.size(); i-- > 0;) {
    if (!failed[i]) continue;
    const auto place = static_cast<std::ptrdiff_t>(i);
    report.contestants.erase(report.contestants.begin() + place);
    for (Condition& condition : report.conditions) condition.performances.erase(condition.performances.begin() + place);
  }
}

DetectionReport::AgainstBest worst_of(const DetectionReport& report, const std::function<Tally(std::size_t)>& tally_of) {
  DetectionReport::AgainstBest worst;
  const std::size_t own = report.place_of(report.default_detector);
  if (own >= report.contestants.size()) return worst;
  const Tally ours = tally_of(own);
  for (std::size_t i = 0; i < report.contestants.size(); ++i) {
    if (!report.contestants[i].is_peer) continue;
    const Tally theirs = tally_of(i);
    const double ratio = miss_ratio(ours, theirs);
    if (!worst.peer.empty() && ratio <= worst.miss_ratio) continue;
    const Operation operation = theirs.within_allowance();
    const Operation own_operation = operation.within ? ours.within_allowance() : ours.within(operation.false_positives);
    worst = {report.contestants[i].name, ratio, own_operation.misses(), operation.misses(), ours.labels()};
  }
  return worst;
}

}  // namespace

std::size_t DetectionReport::place_of(const std::string& contestant) const {
  const auto place = std::find_if(contestants.begin(), contestants.end(), [&](const Contestant& one) { return one.name == contestant; });
  return static_cast<std::size_t>(place - contestants.begin());
}

Tally DetectionReport::together(std::size_t contestant, bool degraded) const {
  Tally all;
  for (const Condition& condition : conditions) {
    if ((condition.degradation != Degradation::kNone) == degraded) all.add(condition.performances[contestant].tally);
  }
  return all;
}

Performance DetectionReport::effort(std::size_t contestant) const {
  Performance all;
  for (const Condition& condition : conditions) {
    const Performance& one = condition.performances[contestant];
    all.milliseconds.insert(all.milliseconds.end(), one.milliseconds.begin(), one.milliseconds.end());
    all.instructions.insert(all.instructions.end(), one.instructions.begin(), one.instructions.end());
    all.share_of_dlib_x2.insert(all.share_of_dlib_x2.end(), one.share_of_dlib_x2.begin(), one.share_of_dlib_x2.end());
  }
  return all;
}

DetectionReport::AgainstBest DetectionReport::against_best() const {
  const bool harder =
      std::any_of(conditions.begin(), conditions.end(), [](const Condition& one) { return one.degradation != Degradation::kNone; });
  return worst_of(*this, [&](std::size_t contestant) { return together(contestant, harder); });
}

DetectionReport::AgainstBest DetectionReport::against_best(const Condition& condition) const {
  return worst_of(*this, [&](std::size_t contestant) { return condition.performances[contestant].tally; });
}

DetectionReport measure_detection(const std::vector<FaceSet>& sets, Field field, const std::vector<Degradation>& degradations,
                                  std::size_t most, const Progress& progress) {
  DetectionReport report;
  report.contestants = std::move(field.contestants);
  report.default_detector = std::move(field.default_detector);
  report.left_out = std::move(field.left_out);
  Measurement measurement(report, progress);
  for (const FaceSet& set : sets) {
    if (!set.labelled.empty()) measurement.measure(set, degradations, most);
  }
  take_out(report, measurement.failed());
  return report;
}

}  // namespace kanhu::bench
