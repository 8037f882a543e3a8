// SPDX-License-Identifier: MIT
#include "daemon/admin/here_paths.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file_io.hpp"
#include "base/text.hpp"
#include "config/place_checks.hpp"
#include "config/text_file.hpp"
#include "pipelines/journal/journal_check.hpp"

namespace kanhu {
namespace {

constexpr unsigned kVideoMajor = 81;  // Documentation/admin-guide/devices.txt

std::string cause_text(int code) { return std::generic_category().message(code); }
std::string shown(const std::string& path) { return kanhu::quoted(path, 200); }
bool may(const std::string& path, int mode) { return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0; }

// What a name that is there really is: links may lead where no path may.
std::string behind_links_fault(const std::string& path) {
  const std::string real = real_path(path);
  return real == path ? "" : path_fault(real);
}

std::string nearest_above(const std::string& path) {
  std::filesystem::path at = path;
  struct stat status {};
  while (at.has_relative_path() && ::lstat(at.c_str(), &status) != 0) at = at.parent_path();
  return at.string();
}

std::string writable_folder_fault(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return errno == ENOENT ? fmt::format("{} is a symbolic link to nothing; remove it, or make what it points to", shown(path))
                           : fmt::format("{}: {}", shown(path), cause_text(errno));
  if (!S_ISDIR(status.st_mode)) return fmt::format("{} is no folder; move it away, or choose another path", shown(path));
  if (!may(path, R_OK | W_OK | X_OK))
    return fmt::format("this user may not write in {} ({}); give it to the gateway's user, or run this as that user", shown(path),
                       cause_text(errno));
  return "";
}

std::string inner_folder_fault(const std::string& folder, const char* name) {
  const std::string inner = fmt::format("{}/{}", folder, name);
  struct stat status {};
  if (::lstat(inner.c_str(), &status) != 0) return "";
  std::string fault = behind_links_fault(inner);
  return fault.empty() ? writable_folder_fault(inner) : fault;
}

}  // namespace

std::string real_path(const std::string& path) {
  std::error_code failed;
  auto real = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : real.string();
}

std::string real_socket_path(const std::string& path) {
  const std::filesystem::path socket(path);
  return (std::filesystem::path(real_path(socket.parent_path().string())) / socket.filename()).string();
}

std::string data_dir_fault(const std::string& path) {
  if (std::string fault = behind_links_fault(path); !fault.empty()) return fault;
  const std::string above = nearest_above(path);
  if (above != path) {
    struct stat status {};
    if (::stat(above.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
      return fmt::format("{} is no folder, so {} cannot be made", shown(above), shown(path));
    return may(above, W_OK | X_OK)
               ? ""
               : fmt::format("{} is not there, and this user may not make it in {} ({}); make it and give it to the gateway's user",
                             shown(path), shown(above), cause_text(errno));
  }
  if (std::string fault = writable_folder_fault(path); !fault.empty()) return fault;
  for (const char* name : {"journal", "clips"})
    if (std::string fault = inner_folder_fault(path, name); !fault.empty()) return fault;
  struct stat status {};
  for (const char* name : {"/lock", "/lock.workers"}) {
    const std::string lock = path + name;
    if (::lstat(lock.c_str(), &status) != 0) continue;
    if (!S_ISREG(status.st_mode)) return fmt::format("{} is no plain file; move it away", shown(lock));
    if (!may(lock, R_OK | W_OK)) return fmt::format("this user may not write {} ({})", shown(lock), cause_text(errno));
  }
  for (const char* name : {"/endpoints.json", "/endpoints.json.new"}) {
    const std::string endpoints = path + name;
    if (::lstat(endpoints.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return shown(endpoints) + " is a folder; move it away";
  }
  const auto files = make_posix_file_io();
  const auto segments = journal::check_segments_open(*files, path + "/journal");
  if (segments) return "";
  // That of a newer format says itself what to do.
  return segments.error().message +
         (segments.error().kind == ErrorKind::kNewerFormat ? "" : "; the journal cannot be opened: mend that file, or move it away");
}

std::string evidence_fault(const std::string& path) {
  for (const char* name : {"faces", "series"})
    if (std::string fault = inner_folder_fault(path, name); !fault.empty()) return fault;
  struct stat status {};
  const std::string galleries = path + "/galleries";
  return ::lstat(galleries.c_str(), &status) == 0 ? folder_fault(galleries) : "";
}

std::string folder_fault(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fmt::format("{}: {}", shown(path), cause_text(errno));
  if (!S_ISDIR(status.st_mode)) return fmt::format("{} is no folder", shown(path));
  return may(path, R_OK | X_OK) ? "" : fmt::format("this user may not read {} ({})", shown(path), cause_text(errno));
}

std::string file_fault(const std::string& path) {
  if (std::string fault = behind_links_fault(path); !fault.empty()) return fault;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fmt::format("{}: {}", shown(path), cause_text(errno));
  if (!S_ISREG(status.st_mode)) return fmt::format("{} is no plain file", shown(path));
  return may(path, R_OK) ? "" : fmt::format("this user may not read {} ({})", shown(path), cause_text(errno));
}

std::string authority_fault(const std::string& path) {
  if (std::string fault = file_fault(path); !fault.empty()) return fault;
  const auto text = read_text_file(path, "authority's file");
  if (!text) return text.error().message;
  return text->find("-----BEGIN CERTIFICATE-----") != std::string::npos ||
                 text->find("-----BEGIN TRUSTED CERTIFICATE-----") != std::string::npos
             ? ""
             : fmt::format("{} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", shown(path));
}

std::string device_fault(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fmt::format("{}: {}", shown(path), cause_text(errno));
  if (!S_ISCHR(status.st_mode) || major(status.st_rdev) != kVideoMajor) return fmt::format("{} is no video device", shown(path));
  return may(path, R_OK | W_OK)
             ? ""
             : fmt::format("this user may not open {} ({}); it must be in the group video", shown(path), cause_text(errno));
}

std::uint64_t disk_bytes(const std::string& path) {
  struct statvfs status {};
  return ::statvfs(nearest_above(path).c_str(), &status) == 0 ? std::uint64_t{status.f_blocks} * status.f_frsize : 0;
}

}  // namespace kanhu
