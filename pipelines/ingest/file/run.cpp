// SPDX-License-Identifier: MIT
#include "pipelines/ingest/file/run.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::uintmax_t kLargestFile = std::uintmax_t{1} << 56;
constexpr std::uint64_t kLeastInIndex = 16;  // bytes an empty packet takes in any
constexpr std::chrono::nanoseconds kNoGap = std::chrono::minutes(1);
constexpr std::chrono::nanoseconds kMostGaps = std::chrono::hours(48);

}  // namespace

Result<std::string> sha256_of_file(const std::string& path) {
  std::error_code problem;
  std::uintmax_t left = std::filesystem::file_size(path, problem);
  std::ifstream file(path, std::ios::binary);
  Sha256Stream digest;
  std::vector<char> chunk(std::size_t{1} << 20);
  while (file && !problem && left > 0) {
    file.read(chunk.data(), static_cast<std::streamsize>(std::min<std::uintmax_t>(left, chunk.size())));
    left -= static_cast<std::uintmax_t>(file.gcount());
    digest.update(std::as_bytes(std::span(chunk.data(), static_cast<std::size_t>(file.gcount()))));
  }
  if (problem || (!file && !file.eof())) return fail(ErrorKind::kIo, fmt::format("{} cannot be read", quoted(path, 300)));
  const Sha256 sum = digest.finish();
  return to_hex(sum);
}

RecordingBounds::RecordingBounds(std::string path, bool packed) : path_(std::move(path)), packed_(packed), gaps_left_(kMostGaps) {
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path_, problem);
  // Parsers put parameter sets before key frames; so much they never add.
  left_ = 4 * std::min(problem ? 0 : size, kLargestFile) + (std::uint64_t{4} << 20);
}

std::optional<Error> RecordingBounds::fault(const Packet& packet) {
  const std::uint64_t bytes = packed_ ? std::max<std::uint64_t>(packet.bytes.size(), kLeastInIndex) : kLeastInIndex;
  const auto told = [this](const char* what) {
    return Error{ErrorKind::kCorrupt, fmt::format("{} is damaged: {}; it was read up to there", quoted(path_, 300), what)};
  };
  if (bytes > left_) return told("more came out of it than is in it, so its index leads in circles");
  left_ -= bytes;
  if (const auto gap = packet.pts - latest_; gap > kNoGap) {
    gaps_left_ -= std::min(gap, kMostGaps + kNoGap);
    if (gaps_left_.count() < 0) return told("its times leap over days without a picture");
  }
  latest_ = std::max(latest_, packet.pts);
  return std::nullopt;
}

}  // namespace kanhu::ingest
