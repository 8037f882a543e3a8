// SPDX-License-Identifier: MIT
// Files around the index: what a segment looked like when it was read, and the sum that says the index is whole. Private to
// pipelines/publish.
#pragma once

#include <cstdint>
#include <string>

#include "base/file_io.hpp"
#include "base/file_stamp.hpp"
#include "base/result.hpp"

namespace kanhu::journal {

// All zero when the file is not there. `changed_ns` is zero, which no other stamp equals, while the file is so young that a change could
// fall into the same tick of the file system's clock.
FileStamp stamp_of(const std::string& path);

// 64 bits over the whole file; any single changed word changes it. Against accidents, not against people.
Result<std::uint64_t> sum_of_file(FileIo& io, const std::string& path);

// Makes an empty file of mode 0640 where none is; made by root it belongs to whom its folder belongs, so that a search by the
// administrator does not lock the gateway's own user out. kPermission.
Result<void> make_private_file(const std::string& path);

// `path` with the folder's links followed; ":memory:" and what is not there as it is.
std::string index_path(const std::string& path);

// kInvalidArgument: at `path` stands what is no index of Kanhu.
Result<void> check_is_index(const std::string& path);

}  // namespace kanhu::journal
