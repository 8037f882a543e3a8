// The name of a replayed run.
#pragma once

#include <string>

#include "base/result.hpp"

namespace kanhu::ingest {

// The SHA-256 of a file's content in lower-case hex; reads it all.
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace kanhu::ingest
