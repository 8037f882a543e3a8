#include "pipelines/ingest/file_run.hpp"

#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace kanhu::ingest {

Result<std::string> sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Sha256Stream digest;
  std::vector<char> chunk(std::size_t{1} << 20);
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    digest.update(std::as_bytes(std::span(chunk.data(), static_cast<std::size_t>(file.gcount()))));
  }
  if (!file.eof()) return fail(ErrorKind::kIo, fmt::format("{} cannot be read", quoted(path, 300)));
  const Sha256 sum = digest.finish();
  return to_hex(sum);
}

}  // namespace kanhu::ingest
