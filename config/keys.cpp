// SPDX-License-Identifier: MIT
#include "config/keys.hpp"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <string.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "config/private_file.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kDigits = 2 * kKeyBytes;
constexpr PrivateKind kKeyFile{"key", kDigits + 2};  // two for a line end

Result<void> check_key_name(std::string_view name) {
  if (is_identifier(name)) return {};
  return fail(ErrorKind::kInvalidArgument, "a key's name is 1 to 32 of a-z, 0-9, '-' and '_'");
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Secret> key_of(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() != kDigits) return std::nullopt;
  std::string bytes(kKeyBytes, '\0');
  std::optional<Secret> key;
  std::size_t read = 0;
  for (; read < kKeyBytes; ++read) {
    const int high = digit_of(text[2 * read]), low = digit_of(text[2 * read + 1]);
    if (high < 0 || low < 0) break;
    bytes[read] = static_cast<char>(high * 16 + low);
  }
  if (read == kKeyBytes) key.emplace(bytes);
  ::explicit_bzero(bytes.data(), bytes.size());
  return key;
}

}  // namespace

Result<Secret> load_key(std::string_view name, const std::string& secrets_dir) {
  if (auto named = check_key_name(name); !named) return tl::unexpected(named.error());
  auto found = read_private(kKeyFile, name, secrets_dir);
  if (!found) {
    if (found.error().kind == ErrorKind::kNotFound && name == kGalleryKey) found.error().message += "; make it with: kanhu gallery key";
    return tl::unexpected(found.error());
  }
  auto key = key_of(found->text.reveal());
  if (!key) return fail(ErrorKind::kInvalidArgument, fmt::format("{}: a key is {} hex digits on one line", found->path, kDigits));
  return std::move(*key);
}

Result<void> make_key(std::string_view name, const std::string& dir) {
  if (auto named = check_key_name(name); !named) return named;
  std::string digits;
  digits.reserve(kDigits + 1);
  while (digits.size() < kDigits) {
    std::string half = random_id();
    digits += half;
    ::explicit_bzero(half.data(), half.size());
  }
  digits += '\n';
  const Secret text(digits);
  ::explicit_bzero(digits.data(), digits.size());
  auto written = write_private(dir, name, text, Existing::kKeep);
  if (!written && written.error().kind == ErrorKind::kInvalidArgument) written.error().message += "; what was sealed with it would be lost";
  return written;
}

}  // namespace kanhu
