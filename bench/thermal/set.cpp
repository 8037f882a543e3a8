// SPDX-License-Identifier: MIT
#include "bench/thermal/set.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "bench/faces/picture.hpp"
#include "models/images/picture_file.hpp"

namespace kanhu::bench {
namespace {

namespace fs = std::filesystem;

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

bool is_picture(const std::string& ending) { return ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".pgm"; }
bool is_text(const std::string& ending) { return ending == ".csv" || ending == ".txt" || ending == ".tsv" || ending.empty(); }
bool is_interval_list(const fs::path& path) { return path.filename().string().find(".labels.") != std::string::npos; }

// img-9 before img-10: numbers by their value.
bool in_natural_order(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    const auto until = [&](const std::string& text, std::size_t from) {
      while (from < text.size() && digit(text[from])) ++from;
      return from;
    };
    const std::size_t end_a = until(a, i), end_b = until(b, j);
    if (end_a - i != end_b - j) return end_a - i < end_b - j;
    if (const int order = a.compare(i, end_a - i, b, j, end_b - j); order != 0) return order < 0;
    i = end_a;
    j = end_b;
  }
  return a.size() - i < b.size() - j;
}

void fill(ThermalDefaults& defaults, const ThermalDefaults& from) {
  if (defaults.width == 0) {
    defaults.width = from.width;
    defaults.height = from.height;
  }
  if (defaults.rate <= 0) defaults.rate = from.rate;
  if (defaults.pitch_m <= 0) defaults.pitch_m = from.pitch_m;
  if (defaults.unit == ThermalUnit::kGuess) defaults.unit = from.unit;
}

class ThermalFinder {
 public:
  ThermalFinder(fs::path root, const ThermalDefaults& defaults) : root_(std::move(root)), defaults_(defaults) {}

  Result<void> search(const fs::path& folder, ThermalRules rules, bool fixed) {
    if (const fs::path own = folder / "labels.json"; !fixed && fs::exists(own)) {
      auto read = read_thermal_rules(own.string());
      if (!read) return tl::unexpected(read.error());
      fill(read->defaults, rules.defaults);
      rules = std::move(*read);
    }
    std::vector<std::string> pictures;
    std::vector<fs::path> folders, files;
    std::error_code problem;
    if (!seen_.insert(fs::canonical(folder, problem).string()).second) return {};  // links may lead back
    for (fs::directory_iterator entry(folder, problem), end; entry != end; entry.increment(problem)) {
      if (problem || entry->path().filename().string().front() == '.') continue;
      if (entry->is_directory(problem)) {
        folders.push_back(entry->path());
      } else if (entry->is_regular_file(problem)) {  // a pipe or device may have no end
        files.push_back(entry->path());
      }
    }
    if (problem) set.left_out.push_back(fmt::format("{}: {}", folder.string(), problem.message()));
    const auto by_name = [](const fs::path& a, const fs::path& b) { return in_natural_order(a.string(), b.string()); };
    std::sort(folders.begin(), folders.end(), by_name);
    std::sort(files.begin(), files.end(), by_name);
    for (const auto& file : files) {
      if (const std::string ending = ending_of(file); is_picture(ending)) {
        pictures.push_back(file.string());
      } else if (is_text(ending) && !is_interval_list(file)) {
        recording(file, rules);
      }
    }
    if (!pictures.empty()) stills(folder, std::move(pictures), rules);
    for (const auto& below : folders) {
      if (auto searched = search(below, rules, fixed); !searched) return searched;
    }
    return {};
  }

  ThermalSet set;

 private:
  std::string below_root(const fs::path& path) const { return path.lexically_relative(root_).string(); }

  ThermalItem item_of(const fs::path& path, const ThermalRules& rules) const {
    ThermalItem item;
    item.name = below_root(path);
    item.defaults = defaults_;
    fill(item.defaults, rules.defaults);
    return item;
  }

  void recording(const fs::path& file, const ThermalRules& rules) {
    const std::string stem = file.stem().string();
    if (const std::string name = file.filename().string(); name == "README" || name == "LICENSE" || name == "LICENCE") return;
    ThermalItem item = item_of(file, rules);
    item.paths.push_back(file.string());
    item.label = rules.label_of(file.parent_path().filename().string(), stem);
    if (item.label && item.label->skip) {
      set.left_out.push_back(fmt::format("{}: labels.json says skip", item.name));
      return;
    }
    for (const std::string& list : {file.string() + ".labels.csv", (file.parent_path() / (stem + ".labels.csv")).string()}) {
      if (fs::exists(list)) item.intervals = list;
    }
    set.items.push_back(std::move(item));
  }

  void stills(const fs::path& folder, std::vector<std::string> pictures, const ThermalRules& rules) {
    ThermalItem item = item_of(folder, rules);
    item.stills = true;
    item.label = rules.label_of(folder.filename().string(), "");
    if (item.label && item.label->skip) return;
    if (!item.label || item.label->people == ThermalTruth::kNotLabelled) {
      set.left_out.push_back(fmt::format("{}: {} pictures; its name says nothing, a labels.json can", item.name, pictures.size()));
      return;
    }
    item.paths = std::move(pictures);
    set.items.push_back(std::move(item));
  }

  fs::path root_;
  ThermalDefaults defaults_;
  std::set<std::string> seen_;
};

// A picture of grey levels, warm is bright: 10 levels are a nominal degree.
Result<ThermalFrame> frame_of_picture(const std::string& path) {
  const auto loaded = load_picture(path);
  if (!loaded) return tl::unexpected(loaded.error());
  const Picture luma = luma_of(*loaded);
  if (luma.width() > 1024 || luma.height() > 1024)
    return fail(ErrorKind::kUnsupported, fmt::format("{}: {}x{} is no infrared picture", path, luma.width(), luma.height()));
  ThermalFrame frame;
  frame.kind = ThermalKind::kRelative;
  frame.width = luma.width();
  frame.height = luma.height();
  for (int y = 0; y < luma.height(); ++y) {
    for (int x = 0; x < luma.width(); ++x) frame.values.push_back(static_cast<std::int16_t>(10 * luma.row(y)[x]));
  }
  return frame;
}

Result<ThermalRecording> read_stills(const ThermalItem& item) {
  ThermalRecording recording;
  recording.name = item.name;
  recording.stills = true;
  recording.pitch_m = item.defaults.pitch_m;
  for (const auto& path : item.paths) {
    auto frame = frame_of_picture(path);
    if (!frame) {
      recording.left_out.push_back(frame.error().message);
      continue;
    }
    recording.width = frame->width;
    recording.height = frame->height;
    recording.frames.push_back(std::move(*frame));
    recording.truths.push_back({static_cast<double>(recording.truths.size()), item.label->people, item.label->counted, false});
  }
  if (recording.frames.empty())
    return fail(ErrorKind::kCorrupt, fmt::format("{}: no picture of it can be read ({})", item.name,
                                                 recording.left_out.empty() ? "none" : recording.left_out[0]));
  return recording;
}

}  // namespace

Result<ThermalSet> find_thermal_set(const std::string& folder, const std::string& labels, const ThermalDefaults& defaults) {
  std::error_code problem;
  if (!fs::is_directory(folder, problem)) return fail(ErrorKind::kNotFound, fmt::format("{}: no such folder", folder));
  ThermalRules rules = common_thermal_rules();
  if (!labels.empty()) {
    auto read = read_thermal_rules(labels);
    if (!read) return tl::unexpected(read.error());
    rules = std::move(*read);
  }
  ThermalFinder finder(folder, defaults);
  if (auto searched = finder.search(folder, std::move(rules), !labels.empty()); !searched) return tl::unexpected(searched.error());
  return std::move(finder.set);
}

Result<ThermalRecording> read_thermal_item(const ThermalItem& item) {
  if (item.stills) return read_stills(item);
  auto recording = read_thermal_csv(item.paths.front(), item.name, item.defaults);
  if (!recording) return recording;
  if (!item.intervals.empty()) {
    const auto intervals = read_thermal_intervals(item.intervals);
    if (!intervals) return tl::unexpected(intervals.error());
    apply_intervals(*intervals, *recording);
  }
  const auto labelled = [](const ThermalTruth& truth) { return truth.people != ThermalTruth::kNotLabelled; };
  if (std::none_of(recording->truths.begin(), recording->truths.end(), labelled) && item.label) {
    for (auto& truth : recording->truths) {
      truth.people = item.label->people;
      truth.counted = item.label->counted;
    }
  }
  if (std::none_of(recording->truths.begin(), recording->truths.end(), labelled))
    return fail(ErrorKind::kCorrupt, fmt::format("{}: nothing says who is there (a column people or present, NAME.labels.csv, labels.json)",
                                                 item.paths.front()));
  return recording;
}

}  // namespace kanhu::bench
