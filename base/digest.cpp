// SPDX-License-Identifier: MIT
#include "base/digest.hpp"

#include <bit>
#include <cstdlib>
#include <cstring>

#include <openssl/evp.h>
#include <sodium.h>
#include <unistd.h>

namespace kanhu {

namespace {

// Castagnoli's polynomial, reflected: the bit-by-bit remainder of each byte (row 0), and of each byte followed by 1 to 7 zeros, so that
// eight bytes take eight look-ups at once.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t index = 0; index < 256; ++index) {
    std::uint32_t value = index;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82f63b78u : 0u);  // 0x1edc6f41 reflected
    tables[0][index] = value;
  }
  for (std::size_t row = 1; row < tables.size(); ++row)
    for (std::size_t index = 0; index < 256; ++index)
      tables[row][index] = (tables[row - 1][index] >> 8) ^ tables[0][tables[row - 1][index] & 0xff];
  return tables;
}

constexpr CrcTables kCrcTables = make_crc_tables();

std::uint64_t eight_bytes(const std::byte* at) {
  std::uint64_t value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, at, 8);  // one load; GCC makes eight of the loop
  } else {
    for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{std::to_integer<std::uint8_t>(at[i])} << (8 * i);
  }
  return value;
}

std::uint32_t remainder_by_tables(std::span<const std::byte> bytes, std::uint32_t value) {
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    const std::uint64_t mixed = eight_bytes(bytes.data()) ^ value;
    value = 0;
    for (std::size_t i = 0; i < 8; ++i) value ^= kCrcTables[7 - i][(mixed >> (8 * i)) & 0xff];
  }
  for (const std::byte byte : bytes) value = (value >> 8) ^ kCrcTables[0][(value ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  return value;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t remainder_by_instruction(std::span<const std::byte> bytes, std::uint32_t seed) {
  std::uint64_t value = seed;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) value = __builtin_ia32_crc32di(value, eight_bytes(bytes.data()));
  auto rest = static_cast<std::uint32_t>(value);
  for (const std::byte byte : bytes) rest = __builtin_ia32_crc32qi(rest, std::to_integer<std::uint8_t>(byte));
  return rest;
}
#endif

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// Without memory or without SHA-256 in the library nothing here could be trusted any more.
void certain(bool done) {
  if (!done) std::abort();
}

// Looked up once: for a short message that takes as long as its digest.
const EVP_MD* sha256_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  certain(method != nullptr);
  return method;
}

Context begin_sha256() {
  Context context(EVP_MD_CTX_new());
  certain(context && EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) == 1);
  return context;
}

void add(EVP_MD_CTX* context, std::span<const std::byte> bytes) { certain(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1); }

Sha256 end_sha256(EVP_MD_CTX* context) {
  Sha256 digest;
  certain(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return digest;
}

// The kernel's pool. Before it is seeded (early boot) the call waits; afterwards it cannot fail for 256 bytes or
// less, and a program that went on without randomness would hand out epochs twice.
void fill_random(void* into, std::size_t bytes) {
  if (::getentropy(into, bytes) != 0) std::abort();
}

}  // namespace

Sha256 sha256(std::initializer_list<std::span<const std::byte>> parts) {
  thread_local const Context context = begin_sha256();
  certain(EVP_DigestInit_ex2(context.get(), nullptr, nullptr) == 1);
  for (const auto part : parts) add(context.get(), part);
  return end_sha256(context.get());
}

Sha256 sha256(std::span<const std::byte> bytes) { return sha256({bytes}); }

Sha256 sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text.data(), text.size()))); }

struct Sha256Stream::State {
  Context context = begin_sha256();
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::span<const std::byte> bytes) { add(state_->context.get(), bytes); }

Sha256 Sha256Stream::finish() { return end_sha256(state_->context.get()); }

std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  std::vector<std::uint8_t> bytes(text.size() / 4 * 3 + 3);
  std::size_t length = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length, nullptr, sodium_base64_VARIANT_ORIGINAL) !=
      0)
    return std::nullopt;
  bytes.resize(length);
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  static const bool by_instruction = __builtin_cpu_supports("sse4.2") > 0;
  if (by_instruction) return ~remainder_by_instruction(bytes, ~seed);
#endif
  return crc32c_by_tables(bytes, seed);
}

std::uint32_t crc32c_by_tables(std::span<const std::byte> bytes, std::uint32_t seed) { return ~remainder_by_tables(bytes, ~seed); }

std::string content_id(std::initializer_list<std::string_view> parts) {
  Sha256Stream stream;
  for (const std::string_view part : parts) {
    std::array<std::byte, 8> length;
    for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>((std::uint64_t{part.size()} >> (8 * i)) & 0xff);
    stream.update(length);
    stream.update(std::as_bytes(std::span(part.data(), part.size())));
  }
  const Sha256 digest = stream.finish();

  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  constexpr std::size_t kDigits = 26;  // 130 bits
  std::string text;
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    unsigned value = 0;
    for (std::size_t bit = digit * 5; bit < digit * 5 + 5; ++bit) {
      value = (value << 1) | ((std::to_integer<unsigned>(digest[bit / 8]) >> (7 - bit % 8)) & 1u);
    }
    text += kAlphabet[value];
  }
  return text;
}

std::string random_id() {
  std::array<std::byte, 16> bytes;
  fill_random(bytes.data(), bytes.size());
  return to_hex(bytes);
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  fill_random(&value, sizeof value);
  return value;
}

}  // namespace kanhu
