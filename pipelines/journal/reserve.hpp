// SPDX-License-Identifier: MIT
// Space for alarms on a full disk. Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/file_io.hpp"

namespace kanhu::journal {

// An empty file in the journal's folder (`reserve`) whose space is allocated. When the disk is full it is renamed and becomes a segment:
// its space changes hands without ever being free, so that nobody else can take it.
// Thread: confined.
class Reserve {
 public:
  // `bytes`: 0 for none.
  Reserve(FileIo& io, std::string directory, std::uint64_t bytes) : io_(io), directory_(std::move(directory)), bytes_(bytes) {}

  // Allocates it, unless it is there: as much as there is room for, down to a sixteenth. Without room: nothing, and a later call tries
  // again.
  void provide();
  bool ready() const { return file_ != nullptr; }
  // The file under its new name; then there is no reserve until `provide`.
  Result<std::unique_ptr<File>> become(const std::string& path);

 private:
  Result<void> allocate();

  FileIo& io_;
  const std::string directory_;
  const std::uint64_t bytes_;
  std::unique_ptr<File> file_;
};

}  // namespace kanhu::journal
