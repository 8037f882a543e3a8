// SPDX-License-Identifier: MIT
#include "bench/thermal/thermal.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "bench/effort.hpp"
#include "bench/thermal/set.hpp"
#include "models/thermal/presence.hpp"
#include "models/thermal/still.hpp"

namespace kanhu::bench {
namespace {

// A pixel where no file says it: 60 degrees from a ceiling over 8 pixels, the width of a room over more (0.2 m at 32x24).
double usual_pitch_m(int width) { return width <= 8 ? 0.35 : 6.4 / width; }

struct Kept {
  std::vector<ThermalTruth> truths;
  std::vector<FrameScores> scores;
  double rate = 0;
};

// One way to set a peer up, over all recordings so far.
struct Setting {
  std::string name;
  std::vector<ThermalTally> tallies;
};

std::vector<ThermalAnswer> answers_of_kanhu(const ThermalRecording& recording, double pitch_m, double& cpu_seconds) {
  models::ThermalPresenceOptions options;
  options.pixel_pitch_m = pitch_m;
  models::ThermalPresence presence(options);
  std::vector<ThermalAnswer> answers;
  answers.reserve(recording.frames.size());
  const double before = thread_cpu_seconds();
  for (std::size_t i = 0; i < recording.frames.size(); ++i) {
    const auto time =
        MediaTime(std::chrono::duration_cast<MediaTime::duration>(std::chrono::duration<double>(recording.truths[i].seconds)));
    const auto result = presence.look(recording.frames[i], time);
    answers.push_back({result.state, static_cast<int>(result.people.size())});
  }
  cpu_seconds = thread_cpu_seconds() - before;
  return answers;
}

// The more likely of the two, of every frame by itself.
std::vector<ThermalAnswer> first_looks(const ThermalRecording& recording, double pitch_m, double& cpu_seconds) {
  std::vector<ThermalAnswer> answers;
  answers.reserve(recording.frames.size());
  const double before = thread_cpu_seconds();
  for (const auto& frame : recording.frames) {
    const bool somebody = models::look_once(frame, pitch_m).somebody > 0.5;
    answers.push_back({somebody ? Presence::kPresent : Presence::kAbsent, somebody ? 1 : 0});
  }
  cpu_seconds = thread_cpu_seconds() - before;
  return answers;
}

// A peer is not asked where Kanhu may say that it cannot tell, and does: all are compared on the same frames.
std::vector<ThermalTruth> shared_truths(const std::vector<ThermalTruth>& truths, const std::vector<ThermalAnswer>& answers) {
  auto shared = truths;
  for (std::size_t i = 0; i < shared.size(); ++i) {
    if (shared[i].unknown_allowed && answers[i].state == Presence::kUnknown) shared[i].people = ThermalTruth::kNotLabelled;
  }
  return shared;
}

class ThermalRun {
 public:
  ThermalRun() {
    ours_.name = "kanhu";
    first_look_.name = "kanhu, first look";
    first_look_.setting = "every frame by itself";
    names_ = {"opencv mog2", "opencv knn"};
    settings_.resize(names_.size());
    effort_.resize(names_.size());
  }

  void measure(const ThermalRecording& recording, double pitch_m) {
    const std::string size = fmt::format("{}x{}", recording.width, recording.height);
    const std::size_t frames = recording.frames.size();
    double cpu_seconds = 0;
    const auto spent = [&](std::map<std::string, ThermalEffort>& effort) {
      effort[size].frames += frames;
      effort[size].cpu_seconds += cpu_seconds;
    };
    first_look_.tallies.push_back(tally_of(recording.truths, first_looks(recording, pitch_m, cpu_seconds), recording.rate));
    spent(first_look_.effort);
    // Single pictures have nothing before them: the first look is all there is.
    const auto answers =
        recording.stills ? first_looks(recording, pitch_m, cpu_seconds) : answers_of_kanhu(recording, pitch_m, cpu_seconds);
    ours_.tallies.push_back(tally_of(recording.truths, answers, recording.rate));
    spent(ours_.effort);
    const auto truths = shared_truths(recording.truths, answers);
    for (std::size_t peer = 0; peer < names_.size(); ++peer) {
      const auto all = subtract_background(peer == 0 ? Subtractor::kMog2 : Subtractor::kKnn, recording, pitch_m, cpu_seconds);
      spent(effort_[peer]);
      settings_[peer].resize(all.size());
      for (std::size_t i = 0; i < all.size(); ++i) {
        settings_[peer][i].name = all[i].setting;
        settings_[peer][i].tallies.push_back(tally_of(truths, all[i].answers, recording.rate));
      }
    }
    kept_.push_back({truths, threshold_scores(recording, cpu_seconds), recording.rate});
    spent(threshold_effort_);
  }

  ThermalContestant first_look() { return std::move(first_look_); }

  std::vector<ThermalContestant> contestants() {
    std::vector<ThermalContestant> all{std::move(ours_)};
    for (std::size_t peer = 0; peer < names_.size(); ++peer) {
      // In the peer's favour: the setting that is wrong least often on the very frames that count.
      ThermalContestant best;
      for (auto& setting : settings_[peer]) {
        ThermalContestant one{names_[peer], setting.name, std::move(setting.tallies), effort_[peer]};
        if (best.name.empty() || one.together().wrong() < best.together().wrong()) best = std::move(one);
      }
      all.push_back(std::move(best));
    }
    all.push_back(threshold());
    return all;
  }

 private:
  // Every other recording is one half; a single one is cut in the middle. The pictures of a folder are one recording, and cut as well:
  // pictures that follow each other were taken of the same thing.
  bool in_second_half(std::size_t recording, std::size_t frame) const {
    if (kept_.size() < 4) return frame >= kept_[recording].truths.size() / 2;
    return recording % 2 == 1;
  }

  // Chosen on one half, judged on the other, both ways round.
  ThermalContestant threshold() {
    ThermalContestant contestant{"fixed threshold", "", {}, threshold_effort_};
    std::array<ThresholdChoice, 2> for_half{};
    for (const bool second : {false, true}) {
      std::vector<ScoredFrame> other;
      for (std::size_t r = 0; r < kept_.size(); ++r) {
        for (std::size_t i = 0; i < kept_[r].truths.size(); ++i) {
          const ThermalTruth& truth = kept_[r].truths[i];
          if (in_second_half(r, i) != second && truth.people != ThermalTruth::kNotLabelled)
            other.push_back({&kept_[r].scores[i], truth.people > 0});
        }
      }
      for_half[second ? 1 : 0] = best_threshold(other);
      contestant.setting += (second ? "; " : "") + for_half[second ? 1 : 0].setting();
    }
    for (std::size_t r = 0; r < kept_.size(); ++r) {
      std::vector<ThermalAnswer> answers;
      for (std::size_t i = 0; i < kept_[r].truths.size(); ++i) {
        const ThresholdChoice& choice = for_half[in_second_half(r, i) ? 1 : 0];
        const bool present = kept_[r].scores[i][choice.score] >= choice.at_least;
        answers.push_back({present ? Presence::kPresent : Presence::kAbsent, present ? 1 : 0});
      }
      contestant.tallies.push_back(tally_of(kept_[r].truths, answers, kept_[r].rate));
    }
    return contestant;
  }

  ThermalContestant ours_, first_look_;
  std::vector<std::string> names_;
  std::vector<std::vector<Setting>> settings_;
  std::vector<std::map<std::string, ThermalEffort>> effort_;
  std::map<std::string, ThermalEffort> threshold_effort_;
  std::vector<Kept> kept_;
};

// The same for recordings with the same frames: a second copy says nothing new.
std::string print_of(const ThermalRecording& recording) {
  std::string bytes;
  for (const auto& frame : recording.frames)
    bytes.append(reinterpret_cast<const char*>(frame.values.data()), frame.values.size() * sizeof(frame.values[0]));
  return to_hex(sha256(bytes));
}

ThermalMeasured measured_of(const ThermalRecording& recording, double pitch_m) {
  ThermalMeasured one{
      recording.name, recording.width, recording.height, recording.rate, pitch_m, 0, recording.stills, recording.frames.size(), 0};
  if (!recording.truths.empty()) one.seconds = recording.truths.back().seconds - recording.truths.front().seconds;
  one.labelled = static_cast<std::size_t>(std::count_if(recording.truths.begin(), recording.truths.end(),
                                                        [](const auto& truth) { return truth.people != ThermalTruth::kNotLabelled; }));
  return one;
}

}  // namespace

ThermalTally ThermalContestant::together() const {
  ThermalTally all;
  for (const auto& tally : tallies) all.add(tally);
  return all;
}

std::size_t ThermalReport::best_peer() const {
  std::size_t best = 1;
  for (std::size_t i = 2; i < contestants.size(); ++i) {
    if (contestants[i].together().wrong() < contestants[best].together().wrong()) best = i;
  }
  return best;
}

double error_ratio(std::size_t ours, std::size_t theirs) {
  if (theirs > 0) return static_cast<double>(ours) / static_cast<double>(theirs);
  return ours == 0 ? 1 : static_cast<double>(ours) + 1;
}

Result<ThermalReport> bench_thermal(const ThermalBenchOptions& options, const ThermalProgress& progress) {
  auto set = find_thermal_set(options.folder, options.labels, options.defaults);
  if (!set) return tl::unexpected(set.error());
  ThermalReport report;
  report.folder = options.folder;
  report.left_out = std::move(set->left_out);
  ThermalRun run;
  std::map<std::string, std::string> seen;
  for (const auto& item : set->items) {
    progress(item.name);
    const auto recording = read_thermal_item(item);
    if (!recording) {
      report.left_out.push_back(recording.error().message);
      continue;
    }
    report.left_out.insert(report.left_out.end(), recording->left_out.begin(), recording->left_out.end());
    if (const auto [first, is_new] = seen.emplace(print_of(*recording), item.name); !is_new) {
      report.left_out.push_back(fmt::format("{}: the same frames as {}", item.name, first->second));
      continue;
    }
    report.assumed.insert(report.assumed.end(), recording->assumed.begin(), recording->assumed.end());
    double pitch_m = recording->pitch_m;
    if (pitch_m <= 0) {
      pitch_m = usual_pitch_m(recording->width);
      report.assumed.push_back(fmt::format("{}: {:.3f} m a pixel", item.name, pitch_m));
    }
    report.recordings.push_back(measured_of(*recording, pitch_m));
    run.measure(*recording, pitch_m);
  }
  if (!report.recordings.empty()) {
    report.contestants = run.contestants();
    report.first_look = run.first_look();
  }
  report.peak_memory_mib = peak_memory_mib();
  return report;
}

}  // namespace kanhu::bench
