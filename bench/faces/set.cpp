// SPDX-License-Identifier: MIT
#include "bench/faces/set.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

namespace kanhu::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFewestPictures = 2;  // of one person that make a folder of folders an identity set

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_picture(const fs::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".pgm";
}

struct Folder {
  fs::path path;
  std::vector<fs::path> pictures, lists, folders;  // sorted; hidden ones are not seen
};

Folder look_into(const fs::path& path) {
  Folder folder{path, {}, {}, {}};
  std::error_code problem;
  for (auto entry = fs::directory_iterator(path, fs::directory_options::skip_permission_denied, problem);
       !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
    const fs::path& one = entry->path();
    if (one.filename().string().starts_with('.')) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      folder.folders.push_back(one);
    } else if (!entry->is_regular_file(ignored)) {
      continue;  // a pipe or device may have no end
    } else if (is_picture(one)) {
      folder.pictures.push_back(one);
    } else if (const auto kind = lower_extension(one); kind == ".xml" || kind == ".csv") {
      folder.lists.push_back(one);
    }
  }
  for (auto* each : {&folder.pictures, &folder.lists, &folder.folders}) std::sort(each->begin(), each->end());
  return folder;
}

class SetSearch {
 public:
  explicit SetSearch(FoundSets& found) : found_(found) {}

  Result<void> examine(const fs::path& path, bool deeper) {
    const Folder folder = look_into(path);
    FaceSet set;
    set.name = path.filename().string();
    std::map<std::string, std::vector<Label>> by_path;
    for (const fs::path& list : folder.lists) {
      if (auto taken = take_list(list, set, by_path); !taken) return taken;
    }
    std::set<fs::path> used;  // folders that labels or people account for
    for (auto& [file, faces] : by_path) {
      const auto inside = fs::path(file).lexically_relative(path);
      used.insert(path / *inside.begin());
      set.labelled.push_back({file, std::move(faces)});
    }
    take_people(folder, set, used);
    std::size_t loose = 0;
    std::set<std::string> paired;
    for (const Pair& pair : set.pairs) paired.insert({pair.first, pair.second});
    for (const fs::path& picture : folder.pictures)
      loose += by_path.contains(picture.string()) || paired.contains(picture.string()) ? 0 : 1;
    const bool anything = !set.labelled.empty() || !set.people.empty() || !set.pairs.empty();
    if (anything) found_.sets.push_back(std::move(set));
    if (loose > 0)
      found_.left_out.push_back(fmt::format("{}: {} {} in no list of boxes and in no person's folder", path.string(), loose,
                                            loose == 1 ? "picture" : "pictures"));
    if (!deeper) return {};
    for (const fs::path& inner : folder.folders) {
      if (used.contains(inner)) continue;
      if (auto examined = examine(inner, false); !examined) return examined;
    }
    return {};
  }

 private:
  Result<std::string> picture_of(const fs::path& list, const std::string& file, int line) {
    std::string name = file;
    std::replace(name.begin(), name.end(), '\\', '/');
    const fs::path path = (list.parent_path() / name).lexically_normal();
    std::error_code problem;
    if (!fs::is_regular_file(path, problem)) {
      const std::string place = line > 0 ? fmt::format("{}:{}", list.string(), line) : list.string();
      return fail(ErrorKind::kNotFound, fmt::format("{}: the picture {} is not there", place, path.string()));
    }
    return path.string();
  }

  Result<void> take_list(const fs::path& list, FaceSet& set, std::map<std::string, std::vector<Label>>& by_path) {
    if (list.filename() == "pairs.csv") return take_pairs(list, set);
    const bool boxes = list.filename() == "boxes.csv";
    if (!boxes && lower_extension(list) == ".csv") {
      found_.left_out.push_back(fmt::format("{}: neither boxes.csv nor pairs.csv", list.string()));
      return {};
    }
    auto pictures = boxes ? read_boxes_csv(list.string()) : read_imglab(list.string());
    if (!pictures && pictures.error().kind == ErrorKind::kUnsupported) {
      found_.left_out.push_back(pictures.error().message);
      return {};
    }
    if (!pictures) return tl::unexpected(pictures.error());
    for (const auto& picture : *pictures) {
      const auto path = picture_of(list, picture.file, picture.line);
      if (!path) return tl::unexpected(path.error());
      merge_labels(by_path[*path], picture.faces);
    }
    return {};
  }

  Result<void> take_pairs(const fs::path& list, FaceSet& set) {
    auto pairs = read_pairs_csv(list.string());
    if (!pairs) return tl::unexpected(pairs.error());
    for (Pair& pair : *pairs) {
      for (std::string* file : {&pair.first, &pair.second}) {
        auto path = picture_of(list, *file, pair.line);
        if (!path) return tl::unexpected(path.error());
        *file = *path;
      }
      set.pairs.push_back(std::move(pair));
    }
    return {};
  }

  static void take_people(const Folder& folder, FaceSet& set, std::set<fs::path>& used) {
    const fs::path named = folder.path / "people";
    const bool declared = std::find(folder.folders.begin(), folder.folders.end(), named) != folder.folders.end();
    const Folder home = declared ? look_into(named) : folder;
    std::vector<KnownPerson> people;
    std::size_t with_several = 0;
    for (const fs::path& path : home.folders) {
      if (used.contains(path)) continue;  // its pictures are labelled: a folder of pictures, not a person
      const Folder person = look_into(path);
      // A folder with lists or folders of its own is a set, so its neighbours are sets too.
      if (!declared && (!person.folders.empty() || !person.lists.empty())) return;
      if (person.pictures.empty()) continue;
      KnownPerson one;
      for (const fs::path& picture : person.pictures) one.pictures.push_back(picture.string());
      with_several += one.pictures.size() >= kFewestPictures ? 1 : 0;
      people.push_back(std::move(one));
    }
    if (people.size() < 2 || with_several == 0 || (!declared && with_several < 2)) return;
    set.people = std::move(people);
    if (declared) {
      used.insert(named);
    } else {
      used.insert(home.folders.begin(), home.folders.end());
    }
  }

  FoundSets& found_;
};

}  // namespace

Result<FoundSets> find_sets(const std::string& folder) {
  std::error_code problem;
  if (!fs::is_directory(folder, problem)) return fail(ErrorKind::kNotFound, fmt::format("{}: no such folder", folder));
  FoundSets found;
  fs::path path = fs::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (auto examined = SetSearch(found).examine(path, true); !examined) return tl::unexpected(examined.error());
  if (found.sets.empty()) {
    return fail(ErrorKind::kNotFound,
                fmt::format("{}: nothing to measure on: no imglab XML, no boxes.csv, no pairs.csv, no folders of people's pictures; "
                            "docs/bench-faces.md has the layout",
                            folder));
  }
  std::sort(found.sets.begin(), found.sets.end(), [](const FaceSet& a, const FaceSet& b) { return a.name < b.name; });
  return found;
}

}  // namespace kanhu::bench
