#include "daemon/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file_io.hpp"
#include "config/load.hpp"
#include "daemon/data_folder.hpp"

namespace kanhu {

std::string default_config_path() {
  const char* path = std::getenv("KANHU_CONFIG");
  return path && *path ? path : "/etc/kanhu/kanhu.yaml";
}

int report(const Error& error) {
  fmt::print(stderr, "kanhu: {}\n", error.message);
  switch (error.kind) {
    case ErrorKind::kInvalidConfig:
      return EX_CONFIG;
    case ErrorKind::kInvalidArgument:
      return 2;
    case ErrorKind::kNotFound:
    case ErrorKind::kCorrupt:
    case ErrorKind::kNewerFormat:
    case ErrorKind::kUnsupported:
      return 1;
    case ErrorKind::kNoSpace:
    case ErrorKind::kClosed:
    case ErrorKind::kTimeout:
      return EX_TEMPFAIL;
    default:
      return EX_UNAVAILABLE;
  }
}

Result<void> hand_to_owner(const std::string& path) {
  if (::geteuid() != 0) return {};
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  struct stat owner {};
  if (::stat(folder.c_str(), &owner) != 0 || ::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0)
    return fail(ErrorKind::kPermission, fmt::format("{} was written, but cannot be given to the owner of {}", path, folder));
  return {};
}

Result<Json> endpoints_of(const std::string& config_path) {
  auto config = load_config(config_path);
  if (!config) return tl::make_unexpected(config.error());
  auto files = make_posix_file_io();
  auto endpoints = read_endpoints(*files, config->gateway.data_dir);
  if (!endpoints) {
    return fail(ErrorKind::kClosed, fmt::format("no gateway has run with {} yet ({}); start one with: kanhu run --config {}", config_path,
                                                endpoints.error().message, config_path));
  }
  return endpoints;
}

}  // namespace kanhu
