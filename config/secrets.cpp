#include "config/secrets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
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

constexpr std::size_t kMostBytes = 4096;

std::string cause(int code) { return std::generic_category().message(code); }

// A descriptor that closes itself.
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

// Bytes that are wiped when they are done with.
struct Scratch {
  std::array<char, kMostBytes + 2> bytes{};
  std::size_t size = 0;
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::explicit_bzero(bytes.data(), bytes.size()); }
  std::string_view view() const { return {bytes.data(), size}; }
  void add(std::string_view text) {
    std::copy(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += text.size();
  }
};

bool is_plain(std::string_view text) {
  return find_invalid_utf8(text) == std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<void> check_name(std::string_view name) {
  if (is_identifier(name)) return {};
  return fail(ErrorKind::kInvalidArgument, "a secret's name is 1 to 32 of a-z, 0-9, '-' and '_'");
}

// The next line without its end; nothing when the text is over.
std::optional<std::string_view> take_line(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Result<Credential> parse(const std::string& path, std::string_view text) {
  const auto user = take_line(text);
  const auto password = take_line(text);
  if (!user || !password || !text.empty()) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("{}: a secret has exactly two lines, the user and the password", path));
  }
  if (!is_plain(*user) || !is_plain(*password)) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("{}: user and password are UTF-8 without control characters", path));
  }
  return Credential{std::string(*user), Secret(*password)};
}

Result<Credential> read(const std::string& path, bool check_mode) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    const int code = errno;
    if (code == ENOENT || code == ENOTDIR) return fail(ErrorKind::kNotFound, fmt::format("there is no secret {}", path));
    if (code == ELOOP) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a symbolic link; a secret is a plain file", path));
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
  Scratch content;
  while (content.size <= kMostBytes) {
    const ssize_t got = ::read(file.get(), content.bytes.data() + content.size, kMostBytes + 1 - content.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorKind::kIo, fmt::format("cannot read {}: {}", path, cause(errno)));
    if (got == 0) return parse(path, content.view());
    content.size += static_cast<std::size_t>(got);
  }
  return fail(ErrorKind::kInvalidArgument, fmt::format("{} is longer than {} bytes; a secret is two short lines", path, kMostBytes));
}

Result<void> write_file(const std::string& path, std::string_view content) {
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

Result<Credential> load_secret(std::string_view name, const std::string& secrets_dir) {
  if (auto named = check_name(name); !named) return tl::unexpected(named.error());
  if (const char* systemd = std::getenv("CREDENTIALS_DIRECTORY"); systemd != nullptr && *systemd != '\0') {
    // systemd made that folder readable for this service alone; its files are 0400 of root or of us.
    auto found = read(fmt::format("{}/{}", systemd, name), false);
    if (found || found.error().kind != ErrorKind::kNotFound) return found;
  }
  auto found = read(fmt::format("{}/{}", secrets_dir, name), true);
  if (!found && found.error().kind == ErrorKind::kNotFound)
    found.error().message += fmt::format("; make it with: kanhu secret set {} --user USER", name);
  return found;
}

Result<void> store_secret(std::string_view name, const std::string& dir, const Credential& credential) {
  if (auto named = check_name(name); !named) return named;
  const std::string& password = credential.password.reveal();
  if (!is_plain(credential.user) || !is_plain(password) || credential.user.size() + password.size() + 2 > kMostBytes) {
    return fail(ErrorKind::kInvalidArgument, "user and password are UTF-8 without control characters, together at most 4 KiB");
  }
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorKind::kIo, fmt::format("cannot create folder {}: {}", dir, cause(errno)));

  Scratch content;
  content.add(credential.user);
  content.add("\n");
  content.add(password);
  content.add("\n");
  const std::string path = fmt::format("{}/{}", dir, name);
  const std::string fresh = fmt::format("{}/.{}.{}", dir, name, random_id());
  if (auto written = write_file(fresh, content.view()); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(fresh.c_str());
    return fail(ErrorKind::kIo, fmt::format("cannot put {} in its place: {}", path, cause(code)));
  }
  const Descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0)
    return fail(ErrorKind::kIo, fmt::format("cannot make {} durable: {}", dir, cause(errno)));
  return {};
}

}  // namespace kanhu
