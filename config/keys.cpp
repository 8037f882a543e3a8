#include "config/keys.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kDigits = 2 * kKeyBytes;

std::string cause(int code) { return std::generic_category().message(code); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// Wiped when it is done with. One byte more than fits says that a file is too long.
template <std::size_t kSize>
struct Wiped {
  std::array<char, kSize> bytes{};
  Wiped() = default;
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { ::explicit_bzero(bytes.data(), bytes.size()); }
};

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Secret> parse(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() != kDigits) return std::nullopt;
  Wiped<kKeyBytes> key;
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    const int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key.bytes[i] = static_cast<char>(high * 16 + low);
  }
  return Secret(std::string_view(key.bytes.data(), key.bytes.size()));
}

Result<Secret> read(const std::string& path, bool check_mode) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    const int code = errno;
    if (code == ENOENT || code == ENOTDIR) return fail(ErrorKind::kNotFound, fmt::format("there is no key {}", path));
    if (code == ELOOP) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a symbolic link; a key is a plain file", path));
    return fail(code == EACCES || code == EPERM ? ErrorKind::kPermission : ErrorKind::kIo,
                fmt::format("cannot open {}: {}", path, cause(code)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail(ErrorKind::kIo, fmt::format("cannot look at {}: {}", path, cause(errno)));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is not a plain file", path));
  if (check_mode && (status.st_mode & 077) != 0) {
    return fail(ErrorKind::kPermission,
                fmt::format("{} may be read by others (mode {:04o}); run: chmod 600 {}", path, status.st_mode & 07777, path));
  }
  Wiped<kDigits + 3> content;  // two for a line end, one to see that it is too long
  std::size_t size = 0;
  while (size < content.bytes.size()) {
    const ssize_t got = ::read(file.get(), content.bytes.data() + size, content.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorKind::kIo, fmt::format("cannot read {}: {}", path, cause(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  auto key = size < content.bytes.size() ? parse({content.bytes.data(), size}) : std::nullopt;
  if (!key) return fail(ErrorKind::kInvalidArgument, fmt::format("{}: a key is {} hex digits on one line", path, kDigits));
  return std::move(*key);
}

Result<void> write_new(const std::string& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return fail(ErrorKind::kIo, fmt::format("cannot create {}: {}", path, cause(errno)));
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      return fail(errno == ENOSPC ? ErrorKind::kNoSpace : ErrorKind::kIo, fmt::format("cannot write {}: {}", path, cause(errno)));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return fail(ErrorKind::kIo, fmt::format("cannot make {} durable: {}", path, cause(errno)));
  return {};
}

}  // namespace

Result<Secret> load_key(std::string_view name, const std::string& secrets_dir) {
  if (!is_identifier(name)) return fail(ErrorKind::kInvalidArgument, "a key's name is 1 to 32 of a-z, 0-9, '-' and '_'");
  if (const char* systemd = std::getenv("CREDENTIALS_DIRECTORY"); systemd != nullptr && *systemd != '\0') {
    // systemd made that folder readable for this service alone; its files are 0400 of root or of us.
    auto found = read(fmt::format("{}/{}", systemd, name), false);
    if (found || found.error().kind != ErrorKind::kNotFound) return found;
  }
  auto found = read(fmt::format("{}/{}", secrets_dir, name), true);
  if (!found && found.error().kind == ErrorKind::kNotFound && name == kGalleryKey)
    found.error().message += "; make it with: kanhu gallery key";
  return found;
}

Result<void> make_key(std::string_view name, const std::string& dir) {
  if (!is_identifier(name)) return fail(ErrorKind::kInvalidArgument, "a key's name is 1 to 32 of a-z, 0-9, '-' and '_'");
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorKind::kIo, fmt::format("cannot create folder {}: {}", dir, cause(errno)));

  Wiped<kDigits + 1> content;
  for (std::size_t at = 0; at < kDigits; at += 32) {
    std::string half = random_id();
    std::copy(half.begin(), half.end(), content.bytes.begin() + static_cast<std::ptrdiff_t>(at));
    ::explicit_bzero(half.data(), half.size());
  }
  content.bytes.back() = '\n';
  const std::string path = fmt::format("{}/{}", dir, name);
  const std::string fresh = fmt::format("{}/.{}.{}", dir, name, random_id());
  if (auto written = write_new(fresh, {content.bytes.data(), content.bytes.size()}); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  // A link, not a rename: it fails where something stands.
  const bool linked = ::link(fresh.c_str(), path.c_str()) == 0;
  const int code = errno;
  ::unlink(fresh.c_str());
  if (!linked && code == EEXIST) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is there already and stays; what was sealed with it would be lost", path));
  }
  if (!linked) return fail(ErrorKind::kIo, fmt::format("cannot put {} in its place: {}", path, cause(code)));
  const Descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0)
    return fail(ErrorKind::kIo, fmt::format("cannot make {} durable: {}", dir, cause(errno)));
  return {};
}

}  // namespace kanhu
