// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/file_stamp.hpp"
#include "base/result.hpp"
#include "pipelines/publish/access/admission.hpp"

namespace kanhu {

// Picks up every change of the allow-list while the gateway runs: what stands in the file is in force within a second. A file that
// cannot be used, or is gone, is refused whole; the list in force stays.
// Thread: confined to `control`.
class AccessWatch {
 public:
  // Reads the list and opens the gate with the secret `publish-key`; errors name file and fix.
  static Result<std::unique_ptr<publish::Admission>> open_gate(const std::string& path, const std::string& secrets_dir, const Clock& clock);

  AccessWatch(std::string path, publish::Admission& gate, std::function<void(const Error&)> rejected);
  void look();

 private:
  const std::string path_;
  publish::Admission& gate_;
  const std::function<void(const Error&)> rejected_;
  AllowList running_;
  std::optional<FileStamp> stamp_;  // as last read
  bool looked_ = false;
};

}  // namespace kanhu
