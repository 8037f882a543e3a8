// SPDX-License-Identifier: MIT
#include "bench/faces/labels.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace kanhu::bench {
namespace {

constexpr double kSameLabel = 0.5;  // of two lists: the boxes around one face differ by up to 0.7 in dlib's example set

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(',', at), line.size());
    fields.emplace_back(trimmed(line.substr(at, end - at)));
    at = end + 1;
  }
  return fields;
}

struct Row {
  int line = 0;
  std::vector<std::string> fields;
};

// Without empty lines, comments (#) and a header whose second field is `second`.
Result<std::vector<Row>> rows_of(const std::string& path, std::string_view second) {
  auto text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  if (text->starts_with("\xef\xbb\xbf")) text->erase(0, 3);
  std::vector<Row> rows;
  std::istringstream lines(*text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto kept = trimmed(line);
    if (kept.empty() || kept.front() == '#') continue;
    Row row{number, fields_of(kept)};
    if (rows.empty() && row.fields.size() > 1 && row.fields[1] == second) continue;
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::optional<Label>> face_in(const Row& row, const std::string& path) {
  const auto wrong = [&](const std::string& what) { return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: {}", path, row.line, what)); };
  std::vector<std::string> fields = row.fields;
  while (fields.size() > 1 && fields.back().empty()) fields.pop_back();
  if (fields.front().empty()) return wrong("the first field is empty, a file is needed");
  if (fields.size() == 1) return std::optional<Label>();
  if (fields.size() != 5 && fields.size() != 9)
    return wrong(fmt::format("{} fields; file,left,top,width,height are needed, then perhaps four numbers for the eyes", fields.size()));
  std::vector<double> numbers;
  for (std::size_t i = 1; i < fields.size(); ++i) {
    const auto number = number_in(fields[i]);
    if (!number) return wrong(fmt::format("field {} is {}, a number in pixels is needed", i + 1, quoted(fields[i], 20)));
    numbers.push_back(*number);
  }
  Label label{numbers[0], numbers[1], numbers[2], numbers[3], {}, false};
  if (!(label.width > 0) || !(label.height > 0)) return wrong("width and height must be above 0");
  if (numbers.size() == 8) label.eyes = Eyes{{numbers[4], numbers[5]}, {numbers[6], numbers[7]}};
  return std::optional(label);
}

}  // namespace

double Label::inter_pupil_px() const {
  return eyes ? std::hypot(eyes->right.x - eyes->left.x, eyes->right.y - eyes->left.y) : kEyesPerWidth * width;
}

double overlap(const Label& a, const Label& b) {
  return intersection_over_union({a.left, a.top, a.width, a.height}, {b.left, b.top, b.width, b.height});
}

Result<std::string> read_text(const std::string& path) {
  std::error_code problem;
  if (std::filesystem::exists(path, problem) && !std::filesystem::is_regular_file(path, problem))
    return fail(ErrorKind::kUnsupported, fmt::format("{}: a plain file expected", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::kNotFound, fmt::format("{}: cannot be opened", path));
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return fail(ErrorKind::kIo, fmt::format("{}: cannot be read", path));
  return std::move(text).str();
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return {};
  return number;
}

Result<std::vector<PictureLabels>> read_boxes_csv(const std::string& path) {
  const auto rows = rows_of(path, "left");
  if (!rows) return tl::unexpected(rows.error());
  std::vector<PictureLabels> pictures;
  std::map<std::string, std::size_t> place;
  for (const Row& row : *rows) {
    const auto face = face_in(row, path);
    if (!face) return tl::unexpected(face.error());
    const auto [at, first] = place.try_emplace(row.fields.front(), pictures.size());
    if (first) pictures.push_back({row.fields.front(), row.line, {}});
    if (*face) pictures[at->second].faces.push_back(**face);
  }
  return pictures;
}

Result<std::vector<Pair>> read_pairs_csv(const std::string& path) {
  const auto rows = rows_of(path, "file");
  if (!rows) return tl::unexpected(rows.error());
  std::vector<Pair> pairs;
  std::map<std::pair<std::string, std::string>, std::pair<bool, int>> known;
  for (const Row& row : *rows) {
    if (row.fields.size() != 3 || row.fields[0].empty() || row.fields[1].empty())
      return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: {} fields; file,file,same are needed", path, row.line, row.fields.size()));
    const std::string& word = row.fields[2];
    const bool same = word == "1" || word == "true" || word == "same";
    if (!same && word != "0" && word != "false" && word != "different")
      return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: {} says neither 1 (same) nor 0 (different)", path, row.line, quoted(word, 20)));
    if (row.fields[0] == row.fields[1])
      return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: a picture with itself is no pair", path, row.line));
    const auto before = known.emplace(std::minmax(row.fields[0], row.fields[1]), std::pair(same, row.line));
    if (!before.second && before.first->second.first != same) {
      return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: says the opposite of line {}", path, row.line, before.first->second.second));
    }
    pairs.push_back({row.fields[0], row.fields[1], same, row.line});
  }
  return pairs;
}

void merge_labels(std::vector<Label>& into, const std::vector<Label>& more) {
  const std::size_t before = into.size();  // one list's boxes are not merged with each other
  for (const Label& label : more) {
    const auto end = into.begin() + static_cast<std::ptrdiff_t>(before);
    const auto known = std::find_if(into.begin(), end, [&](const Label& one) { return overlap(one, label) >= kSameLabel; });
    if (known == end)
      into.push_back(label);
    else if (!known->eyes)
      known->eyes = label.eyes;
  }
}

}  // namespace kanhu::bench
