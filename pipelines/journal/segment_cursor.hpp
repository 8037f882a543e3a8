// SPDX-License-Identifier: MIT
// Private to pipelines/publish.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "pipelines/journal/record_format.hpp"

namespace kanhu::journal {

// Records of one segment from an offset on, through a window; what cannot be read between them is passed over.
class SegmentCursor {
 public:
  // `offset`: of a record.
  SegmentCursor(File& file, std::uint64_t offset) : file_(file), base_(offset) {}

  // Nothing at the end, or where only a torn record is left. What it points to holds until the next call.
  Result<std::optional<Decoded>> next();
  std::uint64_t offset() const { return base_ + position_; }  // behind the last record

 private:
  Result<void> fill();

  File& file_;
  Bytes window_;
  std::uint64_t base_;        // offset of the window in the file
  std::size_t position_ = 0;  // in the window
  bool at_end_ = false;
};

}  // namespace kanhu::journal
