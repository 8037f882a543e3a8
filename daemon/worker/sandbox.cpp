// SPDX-License-Identifier: MIT
#include "daemon/worker/sandbox.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptor.hpp"

namespace kanhu {
namespace {

// Newer than the headers that Kanhu is built with may be: the numbers are the kernel's (include/uapi/linux/landlock.h).
constexpr std::uint64_t kTruncate = 1ULL << 14;                              // version 3
constexpr std::uint64_t kIoctl = 1ULL << 15;                                 // version 5
constexpr std::uint64_t kBindTcp = 1ULL << 0;                                // version 4
constexpr std::uint64_t kAbstractSockets = 1ULL << 0, kSignals = 1ULL << 1;  // version 6
struct Ruleset {
  std::uint64_t files, network, scope;
};

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE, kReadFolder = LANDLOCK_ACCESS_FS_READ_DIR,
                        kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kVersion1 = (1ULL << 13) - 1;  // execute to make_sym
constexpr std::uint64_t kClipRights = kReadFile | kReadFolder | kWriteFile | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | kTruncate;

std::uint64_t handled(int version) {
  std::uint64_t rights = kVersion1;
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctl;
  return rights;
}

std::uint64_t rights_of(Reach reach) {
  switch (reach) {
    case Reach::kRead:
      return kReadFile | kReadFolder;
    case Reach::kClips:
      return kClipRights;
    case Reach::kDevice:
      return kReadFile | kWriteFile | kIoctl;
  }
  return 0;
}

// Libraries that are loaded late (name services, TLS), their data, and what tells them of this machine. /etc only by name.
constexpr const char* kSystem[] = {"/usr/lib",
                                   "/usr/lib32",
                                   "/usr/lib64",
                                   "/usr/libx32",
                                   "/usr/local/lib",
                                   "/usr/share",
                                   "/lib",
                                   "/lib64",
                                   "/etc/ld.so.cache",
                                   "/etc/ld.so.conf",
                                   "/etc/ld.so.conf.d",
                                   "/etc/resolv.conf",
                                   "/etc/hosts",
                                   "/etc/host.conf",
                                   "/etc/nsswitch.conf",
                                   "/etc/gai.conf",
                                   "/etc/services",
                                   "/etc/protocols",
                                   "/etc/localtime",
                                   "/etc/timezone",
                                   "/etc/ssl/certs",
                                   "/etc/ca-certificates",
                                   "/run/systemd/resolve",
                                   "/run/resolvconf",
                                   "/run/NetworkManager/resolv.conf",
                                   "/sys/devices/system",
                                   "/proc/self",
                                   "/proc/cpuinfo",
                                   "/proc/meminfo",
                                   "/proc/stat",
                                   "/proc/sys/kernel",
                                   "/proc/sys/vm",
                                   "/proc/sys/net/core/somaxconn"};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};
// Of USB cameras, when one is given.
constexpr const char* kDeviceFacts[] = {"/sys/class/video4linux", "/sys/dev/char", "/sys/devices"};

// Where an operator keeps libraries and plugins of his own.
constexpr const char* kLibraryFolders[] = {"LD_LIBRARY_PATH", "GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH",
                                           "GST_PLUGIN_SYSTEM_PATH_1_0"};

void add_library_folders(std::vector<Allowed>& allowed) {
  for (const char* name : kLibraryFolders) {
    const char* value = std::getenv(name);
    for (std::string_view rest = value == nullptr ? "" : value; !rest.empty();) {
      const std::string_view folder = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
      if (folder.starts_with('/')) allowed.push_back({std::string(folder), Reach::kRead});
    }
  }
  // GStreamer may have been built into a folder of its own; plugins and what they need are beside it.
  dl_iterate_phdr(
      [](dl_phdr_info* library, std::size_t, void* to) {
        const std::filesystem::path path(library->dlpi_name == nullptr ? "" : library->dlpi_name);
        if (path.is_absolute() && path.filename().string().starts_with("libgstreamer-1.0."))
          static_cast<std::vector<Allowed>*>(to)->push_back({path.parent_path().string(), Reach::kRead});
        return 0;
      },
      &allowed);
}

int create_ruleset(const Ruleset* ruleset, std::size_t size, std::uint32_t flags) {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, ruleset, size, flags));
}

Result<void> add_path(int ruleset, const Allowed& allowed, std::uint64_t known) {
  const Descriptor path(::open(allowed.path.c_str(), O_PATH | O_CLOEXEC));
  struct stat facts {};
  if (!path.is_open() || ::fstat(path.get(), &facts) != 0) return {};  // not here
  std::uint64_t rights = rights_of(allowed.reach) & known;
  if (!S_ISDIR(facts.st_mode)) rights &= kReadFile | kWriteFile | kTruncate | kIoctl;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = path.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return fail(ErrorKind::kInternal, fmt::format("landlock: {}: {}", allowed.path, std::strerror(errno)));
  return {};
}

}  // namespace

std::vector<Allowed> allowed_to_worker(const relay::Setup& setup) {
  std::vector<Allowed> allowed;
  for (const char* path : kSystem) allowed.push_back({path, Reach::kRead});
  for (const char* path : kDevices) allowed.push_back({path, Reach::kDevice});
  add_library_folders(allowed);
  // This program itself, for who reads a report about it.
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!self.empty()) allowed.push_back({self.string(), Reach::kRead});
  for (const std::string& path : setup.models_path) allowed.push_back({path, Reach::kRead});
  if (!setup.clips_dir.empty()) allowed.push_back({setup.clips_dir, Reach::kClips});
  bool devices = false;
  for (const std::string& path : setup.files) {
    if (path.rfind("/dev/", 0) == 0) {
      devices = true;
    } else {
      // A file that is still to come is a new one in its folder.
      const bool there = std::filesystem::exists(path, ignored);
      allowed.push_back({there ? path : std::filesystem::path(path).parent_path().string(), Reach::kRead});
    }
  }
  // A camera that is plugged in again is another file: the folder, within what the unit and the user's groups let through.
  if (devices) allowed.push_back({"/dev", Reach::kDevice});
  if (devices)
    for (const char* path : kDeviceFacts) allowed.push_back({path, Reach::kRead});
  return allowed;
}

int landlock_version() {
  const int version = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? version : 0;
}

Result<void> enter_sandbox(const std::vector<Allowed>& allowed) {
  // Also where there is no Landlock: nothing that this process starts gains rights.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(ErrorKind::kInternal, fmt::format("no_new_privs: {}", std::strerror(errno)));
  const int version = landlock_version();
  if (version == 0) return fail(ErrorKind::kUnsupported, "this kernel has no Landlock, or it is not switched on (lsm=)");
  const std::uint64_t files = handled(version);
  const Ruleset wanted{files, version >= 4 ? kBindTcp : 0, version >= 6 ? kAbstractSockets | kSignals : 0};
  const std::size_t size = version >= 6 ? sizeof(Ruleset) : version >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
  const Descriptor ruleset(create_ruleset(&wanted, size, 0));
  if (!ruleset.is_open()) return fail(ErrorKind::kInternal, fmt::format("landlock: {}", std::strerror(errno)));
  for (const Allowed& each : allowed)
    if (auto added = add_path(ruleset.get(), each, files); !added) return added;
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return fail(ErrorKind::kInternal, fmt::format("landlock: {}", std::strerror(errno)));
  return {};
}

int threads_of_this_process() {
  std::error_code problem;
  const std::filesystem::directory_iterator threads("/proc/self/task", problem);
  return problem ? 1 : static_cast<int>(std::distance(begin(threads), end(threads)));
}

}  // namespace kanhu
