// The weights manifest (models/manifest.json, compiled in) and the files it allows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace kanhu::models {

struct WeightsEntry {
  std::string name;    // what RegistryRow::weights says
  std::string file;    // file name in a models folder
  std::string sha256;  // lower-case hex; the only thing a file is accepted by
  std::uint64_t bytes = 0;
  std::string licence;
  std::string training;  // what it was trained on, as far as known: an operator decides
  std::string official;  // project or repository it comes from
};

// Every entry, in the manifest's order.
const std::vector<WeightsEntry>& weights_manifest();
const WeightsEntry* find_weights(std::string_view name);  // nullptr when there is no such entry

// The file's bytes. kNotFound: no such file; kCorrupt: another size or digest (both digests are named); kIo.
Result<std::vector<unsigned char>> read_weights(const std::string& path, const WeightsEntry& entry);

// Path of the first file that is accepted. The error says what was looked for, where, and what was wrong with it.
Result<std::string> locate_weights(const WeightsEntry& entry, const std::vector<std::string>& search_path);

}  // namespace kanhu::models
