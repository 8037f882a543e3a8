#include "base/digest.hpp"

#include <cstdlib>

#include <sodium.h>
#include <unistd.h>

namespace kanhu {

namespace {

const unsigned char* octets(std::span<const std::byte> bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// Eight tables: table[n][b] is what byte b does n bytes further on, so that eight bytes are taken at a time.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t index = 0; index < 256; ++index) {
    std::uint32_t value = index;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82f63b78u : 0u);  // 0x1edc6f41 reflected
    tables[0][index] = value;
  }
  for (std::size_t further = 1; further < tables.size(); ++further) {
    for (std::size_t index = 0; index < 256; ++index) {
      const std::uint32_t before = tables[further - 1][index];
      tables[further][index] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr CrcTables kCrcTables = make_crc_tables();

// The kernel's pool. Before it is seeded (early boot) the call waits; afterwards it cannot fail for 256 bytes or
// less, and a program that went on without randomness would hand out epochs twice.
void fill_random(void* into, std::size_t bytes) {
  if (::getentropy(into, bytes) != 0) std::abort();
}

}  // namespace

Sha256 sha256(std::span<const std::byte> bytes) {
  Sha256 digest;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()), octets(bytes), bytes.size());
  return digest;
}

Sha256 sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text.data(), text.size()))); }

struct Sha256Stream::State {
  crypto_hash_sha256_state hash;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->hash); }
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::span<const std::byte> bytes) { crypto_hash_sha256_update(&state_->hash, octets(bytes), bytes.size()); }

Sha256 Sha256Stream::finish() {
  Sha256 digest;
  crypto_hash_sha256_final(&state_->hash, reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

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
  std::uint32_t value = ~seed;
  const auto at = [&](std::size_t index) { return std::to_integer<std::uint32_t>(bytes[index]); };
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    value ^= at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24;
    value = kCrcTables[7][value & 0xff] ^ kCrcTables[6][(value >> 8) & 0xff] ^ kCrcTables[5][(value >> 16) & 0xff] ^
            kCrcTables[4][value >> 24] ^ kCrcTables[3][at(4)] ^ kCrcTables[2][at(5)] ^ kCrcTables[1][at(6)] ^ kCrcTables[0][at(7)];
  }
  for (const std::byte byte : bytes) value = (value >> 8) ^ kCrcTables[0][(value ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  return ~value;
}

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
