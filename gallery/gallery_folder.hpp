// SPDX-License-Identifier: MIT
// The folder of a gateway's galleries: who may write in it, and what is left of somebody in it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "gallery/gallery.hpp"

namespace kanhu::gallery {

// Held while galleries are read in order to be written: two `kanhu gallery` at once change them one after the other. A gateway,
// which only reads, takes no lock: files are replaced whole. Thread: confined.
class FolderLock {
 public:
  // Makes the folder when it is not there; waits up to `patience`. kTimeout: somebody else is still at it.
  static Result<FolderLock> take(FileIo& io, const std::string& folder, std::chrono::milliseconds patience = std::chrono::seconds(30));
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

// The facilities that have a gallery, sorted. A folder that is not there has none.
Result<std::vector<std::string>> facilities_in(FileIo& io, const std::string& folder);

// What a look at every file of the folder found of somebody who was erased.
struct Remains {
  std::size_t files_read = 0;
  std::vector<std::string> holding;     // files that still hold the person, a template or the name, with what it is
  std::vector<std::string> unreadable;  // files that could not be looked into, with the reason
  std::vector<std::string> same_name;   // refs of other people who have the same name
  std::size_t as_operator = 0;          // times the name stands as who recorded a consent or made a change
  bool nothing_left() const { return holding.empty() && unreadable.empty(); }
};
// Reads all of them back from the disk: galleries are opened, anything else is searched for the name and the templates.
Result<Remains> remains_of(FileIo& io, const std::string& folder, const Secret& key, const Person& erased);

}  // namespace kanhu::gallery
