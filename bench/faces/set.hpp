// SPDX-License-Identifier: MIT
// What a folder offers to measure on (docs/bench-faces.md describes the layout).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/faces/labels.hpp"

namespace kanhu::bench {

struct LabelledPicture {
  std::string path;
  std::vector<Label> faces;
};

// By number: what they are called does not matter and is printed nowhere.
struct KnownPerson {
  std::vector<std::string> pictures;  // sorted paths
};

struct FaceSet {
  std::string name;                       // the folder's
  std::vector<LabelledPicture> labelled;  // in order of path
  std::vector<KnownPerson> people;        // in order of folder
  std::vector<Pair> pairs;                // paths; when there are any, they are what is verified
};

struct FoundSets {
  std::vector<FaceSet> sets;          // by name
  std::vector<std::string> left_out;  // what was seen and not used, and why: one sentence each
};

// `folder` itself and the folders in it. kNotFound when nothing there can be measured on; the errors of labels.hpp, and of
// a list that names a picture which is not there.
Result<FoundSets> find_sets(const std::string& folder);

// At most `most` of them, evenly spread, in order; all when `most` is 0.
template <typename T>
std::vector<T> spread(const std::vector<T>& all, std::size_t most) {
  if (most == 0 || all.size() <= most) return all;
  std::vector<T> kept;
  for (std::size_t i = 0; i < most; ++i) kept.push_back(all[i * all.size() / most]);
  return kept;
}

}  // namespace kanhu::bench
