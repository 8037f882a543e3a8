#pragma once

#include <string>

#include "base/file_io.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu {

// The gateway's folder: journal/, clips/, endpoints.json, and a lock that says it is in use. The lock is shared with
// the workers, so a gateway that starts right after a kill -9 waits until the old workers have let go of files and cameras.
// Thread: confined.
class DataFolder {
 public:
  // Makes the folders, waits up to 12 s for the lock. kClosed names the folder when somebody else has it.
  static Result<DataFolder> open(FileIo& files, const std::string& path);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  std::string journal() const { return path_ + "/journal"; }
  std::string clips() const { return path_ + "/clips"; }
  std::string faces() const { return path_ + "/faces"; }    // the ledger of decisions about faces
  std::string series() const { return path_ + "/series"; }  // of warmth
  int lock_descriptor() const { return lock_; }
  // Where the sockets really are, for the sub-commands.
  Result<void> write_endpoints(FileIo& files, const Json& endpoints) const;

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

// {"live","query","metrics","pid"} of the gateway that uses `data_dir`; kNotFound when none has ever run there.
Result<Json> read_endpoints(FileIo& files, const std::string& data_dir);

}  // namespace kanhu
