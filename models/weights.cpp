#include "models/weights.hpp"

#include <filesystem>
#include <fstream>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "models/manifest_text.hpp"

namespace kanhu::models {
namespace {

std::vector<WeightsEntry> parse_manifest() {
  std::vector<WeightsEntry> entries;
  const auto manifest = parse_json(kManifestText);
  if (!manifest || !manifest->contains("weights")) {
    log::error("models", "the weights manifest cannot be read: {}", manifest ? "no weights" : manifest.error().message);
    return entries;
  }
  for (const auto& one : (*manifest)["weights"]) {
    entries.push_back({one.value("name", ""), one.value("file", ""), one.value("sha256", ""), one.value("bytes", std::uint64_t{0}),
                       one.value("licence", ""), one.value("training", ""), one.value("official", "")});
  }
  return entries;
}

}  // namespace

const std::vector<WeightsEntry>& weights_manifest() {
  static const auto entries = parse_manifest();
  return entries;
}

const WeightsEntry* find_weights(std::string_view name) {
  for (const auto& entry : weights_manifest()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

Result<std::vector<unsigned char>> read_weights(const std::string& path, const WeightsEntry& entry) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) return fail(ErrorKind::kNotFound, fmt::format("{}: no such file", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::kIo, fmt::format("{}: cannot be opened", path));
  // One byte more than expected is enough to know that a longer file is not the one.
  std::vector<unsigned char> bytes(entry.bytes + 1);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (file.bad()) return fail(ErrorKind::kIo, fmt::format("{}: cannot be read", path));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (bytes.size() > entry.bytes) return fail(ErrorKind::kCorrupt, fmt::format("{}: longer than the {} bytes expected", path, entry.bytes));
  const std::string digest = to_hex(sha256(std::as_bytes(std::span(bytes))));
  if (digest != entry.sha256) {
    return fail(ErrorKind::kCorrupt, fmt::format("{}: sha256 is {}, expected {}", path, digest, entry.sha256));
  }
  return bytes;
}

Result<std::string> locate_weights(const WeightsEntry& entry, const std::vector<std::string>& search_path) {
  std::string refused;
  for (const auto& folder : search_path) {
    const std::string path = (std::filesystem::path(folder) / entry.file).string();
    auto bytes = read_weights(path, entry);
    if (bytes) {
      if (!refused.empty()) log::warning("models", "{}; using {}", refused, path);
      return path;
    }
    if (bytes.error().kind != ErrorKind::kNotFound) refused += (refused.empty() ? "" : "; ") + bytes.error().message;
  }
  if (!refused.empty()) return fail(ErrorKind::kNotFound, refused);
  return fail(ErrorKind::kNotFound, fmt::format("{} not found in {}", entry.file, fmt::join(search_path, ", ")));
}

}  // namespace kanhu::models
