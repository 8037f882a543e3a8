// SPDX-License-Identifier: MIT
// Unix sockets that libzmq listens on, bound by us: libzmq would remove whatever stands at the path, a file of somebody else as well.
#pragma once

#include <string>

#include "base/descriptor.hpp"
#include "base/result.hpp"

namespace kanhu::publish {

// Whether `path` can be listened on: its folder is there and may be written, and at the path stands nothing, or a socket of this user at
// which nobody listens. The error says what stands there and what to do. Changes nothing.
Result<void> check_ipc_path(const std::string& path);

// A listening socket at a path. Made in one step beside it and moved there, so that it is never seen before it listens; takes the place of
// a dead socket of this user and of nothing else. The file goes with this object, if it is still the one that was made.
// Thread: confined.
class IpcSocket {
 public:
  static Result<IpcSocket> listen(const std::string& path);
  IpcSocket() = default;
  IpcSocket(IpcSocket&& other) noexcept;
  IpcSocket& operator=(IpcSocket&& other) noexcept;
  ~IpcSocket();

  // For ZMQ_USE_FD. Once libzmq has it, it closes it, and it is to be released here.
  int descriptor() const { return descriptor_; }
  int release();

 private:
  void remove();

  std::string path_;
  int descriptor_ = -1;
  unsigned long long device_ = 0, inode_ = 0;
};

}  // namespace kanhu::publish
