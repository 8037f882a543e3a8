// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/descriptor.hpp"
#include "base/file_io.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu {

// The gateway's folder: journal/, clips/, endpoints.json, and two locks that say it is in use: the gateway's and its workers', so that a
// gateway that starts right after a kill -9 waits until the old workers have let go of files and cameras.
// Thread: confined.
class DataFolder {
 public:
  // Makes the folders, waits up to 12 s for the lock. kClosed names the folder when somebody else has it.
  static Result<DataFolder> open(FileIo& files, const std::string& path);

  const std::string& path() const { return path_; }
  std::string journal() const { return path_ + "/journal"; }
  std::string clips() const { return path_ + "/clips"; }
  std::string faces() const { return path_ + "/faces"; }    // the ledger of decisions about faces
  std::string series() const { return path_ + "/series"; }  // of warmth
  // Where the sockets really are, for the sub-commands.
  Result<void> write_endpoints(FileIo& files, const Json& endpoints) const;

 private:
  DataFolder(std::string path, Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Descriptor lock_;  // the gateway's alone; it goes with it
};

// Whether a gateway, or a worker that outlived one, uses the folder.
bool is_in_use(const std::string& data_dir);
// What a worker holds as long as it lives: an open file of its own, so that a worker that was taken over lets go of nobody else's. Not
// open: the lock cannot be made.
Descriptor hold_for_worker(const std::string& data_dir);

// {"live","query","metrics","pid"} of the gateway that uses `data_dir`; kNotFound when none has ever run there.
Result<Json> read_endpoints(FileIo& files, const std::string& data_dir);

}  // namespace kanhu
