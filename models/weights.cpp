// SPDX-License-Identifier: MIT
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

constexpr std::uintmax_t kMostListBytes = 1 << 20;

// Throws nlohmann's exceptions for a member of another type.
WeightsEntry entry_of(const Json& one) {
  WeightsEntry entry;
  entry.name = one.value("name", "");
  entry.file = one.value("file", "");
  entry.sha256 = one.value("sha256", "");
  entry.bytes = one.value("bytes", std::uint64_t{0});
  entry.licence = one.value("licence", "");
  entry.training = one.value("training", "");
  entry.official = one.value("official", "");
  entry.kind = one.value("kind", "");
  entry.architecture = one.value("architecture", "");
  entry.companion = one.value("companion", "");
  entry.dimension = one.value("dimension", 0);
  if (const auto input = one.find("input"); input != one.end()) {
    entry.input.size_px = input->value("size_px", entry.input.size_px);
    entry.input.alignment = input->value("alignment", entry.input.alignment);
    entry.input.channels = input->value("channels", entry.input.channels);
    entry.input.mean = input->value("mean", entry.input.mean);
    entry.input.scale = input->value("scale", entry.input.scale);
  }
  return entry;
}

Result<std::vector<WeightsEntry>> parse_entries(std::string_view text) {
  const auto manifest = parse_json(text);
  if (!manifest) return tl::unexpected(manifest.error());
  try {
    std::vector<WeightsEntry> entries;
    for (const auto& one : manifest->at("weights")) entries.push_back(entry_of(one));
    return entries;
  } catch (const Json::exception& error) {
    return fail(ErrorKind::kCorrupt, error.what());
  }
}

// What a folder may hold under these names is decided by its SHA-256, so the name must stay inside the folder.
std::string wrong_in(const WeightsEntry& entry) {
  const auto& input = entry.input;
  if (entry.name.empty()) return "an entry has no name";
  if (find_weights(entry.name) != nullptr) return fmt::format("{} is the name of a network that comes with Kanhu", entry.name);
  if (entry.file.empty() || entry.file.find('/') != std::string::npos)
    return fmt::format("{}: file must be a name in this folder", entry.name);
  if (entry.sha256.size() != 64) return fmt::format("{}: sha256 must be 64 hex digits (sha256sum {})", entry.name, entry.file);
  if (entry.bytes == 0 || entry.bytes > (1U << 30)) return fmt::format("{}: bytes must be the size of {}", entry.name, entry.file);
  if (entry.kind == "face-embedder") {
    if (entry.architecture != "onnx" && entry.architecture != "dlib-resnet-29") {
      return fmt::format("{}: architecture must be onnx or dlib-resnet-29", entry.name);
    }
    if (entry.dimension < 1 || entry.dimension > 4096) return fmt::format("{}: dimension must be 1 to 4096", entry.name);
    if (input.size_px < 16 || input.size_px > 512) return fmt::format("{}: input.size_px must be 16 to 512", entry.name);
    if (input.alignment != "mean-face" && input.alignment != "arcface") {
      return fmt::format("{}: input.alignment must be mean-face or arcface", entry.name);
    }
    if (input.channels != "rgb" && input.channels != "bgr") return fmt::format("{}: input.channels must be rgb or bgr", entry.name);
  }
  return "";
}

}  // namespace

const std::vector<WeightsEntry>& weights_manifest() {
  static const auto entries = [] {
    auto parsed = parse_entries(kManifestText);
    if (!parsed) log::error("models", "the weights manifest cannot be read: {}", parsed.error().message);
    return parsed.value_or(std::vector<WeightsEntry>{});
  }();
  return entries;
}

Result<std::vector<WeightsEntry>> operator_weights(const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "embedders.json").string();
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) return std::vector<WeightsEntry>{};
  // A pipe would hold whoever reads it, a device has no end.
  if (!std::filesystem::is_regular_file(path, problem) || std::filesystem::file_size(path, problem) > kMostListBytes)
    return fail(ErrorKind::kCorrupt, fmt::format("{}: a plain file of at most {} KiB expected", path, kMostListBytes >> 10));
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::kIo, fmt::format("{}: cannot be opened", path));
  auto entries = parse_entries(std::string(std::istreambuf_iterator<char>(file), {}));
  if (!entries) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", path, entries.error().message));
  for (const auto& entry : *entries) {
    if (const auto wrong = wrong_in(entry); !wrong.empty()) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", path, wrong));
  }
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
