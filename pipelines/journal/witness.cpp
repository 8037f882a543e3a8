// SPDX-License-Identifier: MIT
#include "pipelines/journal/witness.hpp"

#include <span>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {
namespace {

constexpr std::size_t kWitnessMostBytes = 4096;

std::string checksum_of(const Json& content) {
  const std::string text = canonical_json(content);
  return fmt::format("{:08x}", crc32c(std::as_bytes(std::span<const char>(text))));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string witness_path(const std::string& directory) { return directory + ".witness"; }

Result<std::optional<Witness>> read_witness(FileIo& io, const std::string& directory) {
  const std::string path = witness_path(directory);
  auto bytes = read_whole(io, path, kWitnessMostBytes);
  if (!bytes && bytes.error().kind == ErrorKind::kNotFound) return std::optional<Witness>();
  if (!bytes) return tl::unexpected(bytes.error());
  const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  auto content = parse_json(text, kWitnessMostBytes);
  if (content && content->is_object()) {
    const std::string said = content->value("crc32c", std::string());
    content->erase("crc32c");
    if (said == checksum_of(*content)) {
      return Witness{content->value("epoch", std::string()),      content->value("ordinal", std::uint32_t{0}),
                     content->value("seq", std::uint64_t{0}),     content->value("closed", false),
                     content->value("segment", std::uint64_t{0}), content->value("age_clock_us", std::int64_t{0})};
    }
  }
  return fail(ErrorKind::kCorrupt, fmt::format("{}: fails its checksum; whether the journal was set back cannot be told this time", path));
}

Result<void> write_witness(FileIo& io, const std::string& directory, const Witness& witness) {
  const std::string path = witness_path(directory);
  const std::string fresh = path + ".new";
  Json content = {{"v", 1},
                  {"epoch", witness.epoch},
                  {"ordinal", witness.ordinal},
                  {"seq", witness.seq},
                  {"closed", witness.closed},
                  {"segment", witness.segment},
                  {"age_clock_us", witness.age_clock_us}};
  content["crc32c"] = checksum_of(content);
  const std::string text = canonical_json(content) + "\n";
  if (io.exists(fresh)) (void)io.remove(fresh);  // of a start that was interrupted
  auto file = io.open(fresh, OpenMode::kCreateNew);
  if (!file) return tl::unexpected(file.error());
  auto done = (*file)->append(std::as_bytes(std::span<const char>(text)));
  if (done) done = (*file)->sync();
  file->reset();
  if (done) done = io.rename(fresh, path);
  if (!done) {
    (void)io.remove(fresh);
    return done;
  }
  return io.sync_directory(folder_of(path));
}

}  // namespace kanhu::journal
