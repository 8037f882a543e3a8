// SPDX-License-Identifier: MIT
// A small file beside the journal's folder that says how far the journal had come, so that a folder put back from a backup is
// recognised. Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/file_io.hpp"
#include "base/result.hpp"

namespace kanhu::journal {

struct Witness {
  std::string epoch;
  std::uint32_t ordinal = 0;      // of the epoch
  std::uint64_t seq = 0;          // durable in that epoch, at least
  bool closed = false;            // exactly: the epoch is over, and no number was given behind it
  std::uint64_t segment = 0;      // number of the newest
  std::int64_t age_clock_us = 0;  // what retention by age counts from; 0: not known
};

// "<data_dir>/journal" -> "<data_dir>/journal.witness"
std::string witness_path(const std::string& directory);

// Nothing when there is none; kCorrupt when it contradicts its own checksum.
Result<std::optional<Witness>> read_witness(FileIo& io, const std::string& directory);

// Durable when it returns success; after a failure the older one still stands.
Result<void> write_witness(FileIo& io, const std::string& directory, const Witness& witness);

}  // namespace kanhu::journal
