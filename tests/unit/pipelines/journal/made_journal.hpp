// SPDX-License-Identifier: MIT
// Journals on a real disk, made record by record, and what may happen to one.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "pipelines/journal/record_format.hpp"

namespace kanhu::test {

// A folder of its own, removed with everything in it.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class MadeJournal {
 public:
  MadeJournal(std::string folder, std::mt19937& random);

  void append(int events);
  void rotate();                    // a new segment of the same epoch
  void begin_epoch();               // a new segment of another one
  void repeat_a_batch();            // what a failed sync leaves: events behind the end of a segment, and again in the next
  std::string something_happens();  // one of these, or an accident; what it was

  std::vector<std::string> paths() const;  // of segments, by number
  std::string subject(unsigned number) const;
  std::int64_t random_time(std::mt19937& random) const;

  std::vector<std::string> facilities{"f1", "f2", "f10", "-"};
  std::vector<std::string> epochs;

 private:
  journal::Record next_event();
  void write(journal::Record record);
  void begin_segment(bool of_new_epoch);

  std::string folder_;
  std::mt19937& random_;
  std::uint64_t segment_ = 0, seq_ = 0;
  std::uint32_t ordinal_ = 0;
  Sha256 last_{};
};

void flip_byte(const std::string& path, std::uint64_t at);  // at most the last one
std::uint64_t inode_of(const std::string& path);
// One of: deleted, cut, a byte flipped, emptied, its sum gone.
void spoil_index(const std::string& index, std::mt19937& random);

}  // namespace kanhu::test
