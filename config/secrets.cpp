// SPDX-License-Identifier: MIT
#include "config/secrets.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <string.h>

#include "base/text.hpp"
#include "config/private_file.hpp"

namespace kanhu {

namespace {

constexpr std::size_t kMostBytes = 4096;
constexpr PrivateKind kSecretFile{"secret", kMostBytes};

bool is_plain(std::string_view text) {
  return find_invalid_utf8(text) == std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<void> check_secret_name(std::string_view name) {
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

Result<Credential> credential_of(const std::string& path, std::string_view text) {
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

}  // namespace

Result<Credential> load_secret(std::string_view name, const std::string& secrets_dir) {
  if (auto named = check_secret_name(name); !named) return tl::unexpected(named.error());
  auto found = read_private(kSecretFile, name, secrets_dir);
  if (!found) {
    if (found.error().kind == ErrorKind::kNotFound)
      found.error().message += fmt::format("; make it with: kanhu secret set {} --user USER", name);
    return tl::unexpected(found.error());
  }
  return credential_of(found->path, found->text.reveal());
}

Result<void> store_secret(std::string_view name, const std::string& dir, const Credential& credential) {
  if (auto named = check_secret_name(name); !named) return named;
  const std::string& password = credential.password.reveal();
  if (!is_plain(credential.user) || !is_plain(password) || credential.user.size() + password.size() + 2 > kMostBytes) {
    return fail(ErrorKind::kInvalidArgument, "user and password are UTF-8 without control characters, together at most 4 KiB");
  }
  std::string lines = fmt::format("{}\n{}\n", credential.user, password);
  const Secret text(lines);
  ::explicit_bzero(lines.data(), lines.size());
  return write_private(dir, name, text, Existing::kReplace);
}

}  // namespace kanhu
