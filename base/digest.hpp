// SPDX-License-Identifier: MIT
// Digests and names made from content.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kanhu {

using Sha256 = std::array<std::byte, 32>;

// SHA-256 (FIPS 180-4).
Sha256 sha256(std::span<const std::byte> bytes);
Sha256 sha256(std::string_view text);
Sha256 sha256(std::initializer_list<std::span<const std::byte>> parts);  // of the parts one behind the other

// Incremental SHA-256. Thread: confined to its owner.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void update(std::span<const std::byte> bytes);
  Sha256 finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string to_hex(std::span<const std::byte> bytes);  // lower case

// Base64 with padding (RFC 4648, section 4), and back: nothing when the text is not exactly that.
std::string to_base64(std::span<const std::uint8_t> bytes);
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

// CRC-32C (Castagnoli, RFC 3720 appendix B.4), for torn-write detection; not a defence against people.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);
// The same without the processor's instruction for it: what a machine that has none runs.
std::uint32_t crc32c_by_tables(std::span<const std::byte> bytes, std::uint32_t seed = 0);

// The first 26 lower-case base32 digits (RFC 4648 alphabet, no padding) of the SHA-256 over the parts, each part
// preceded by its length as 8 bytes little-endian so that ("ab","c") and ("a","bc") differ. Subjects of incidents
// and clip ids are made by it.
std::string content_id(std::initializer_list<std::string_view> parts);

// 128 random bits as 32 lower-case hex digits, from the operating system: runs and epochs.
std::string random_id();
std::uint64_t random_u64();

}  // namespace kanhu
