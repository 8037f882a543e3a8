// SPDX-License-Identifier: MIT
#include "gallery/sealing.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <fmt/format.h>
#include <sodium.h>

#include "base/digest.hpp"

namespace kanhu::gallery {
namespace {

constexpr std::size_t kHeaderBytes = 128;
constexpr std::uint16_t kFormat = 1;
constexpr std::uint8_t kXChaCha20Poly1305 = 1;
constexpr std::size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kMostFacility = 32;
constexpr std::uint32_t kPasses = 3;
constexpr std::uint64_t kMemoryBytes = 256u << 20;
constexpr std::uint64_t kMostMemoryBytes = 1u << 30;  // of a file from elsewhere

static_assert(crypto_pwhash_SALTBYTES == 16 && crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24 && kKeyBytes == 32);

// Offsets of docs/gallery.md.
enum Offset : std::size_t {
  kAtFormat = 8,
  kAtHeaderBytes = 10,
  kAtChecksum = 12,
  kAtCipher = 16,
  kAtFacilityBytes = 17,
  kAtKeyId = 24,  // of an export: salt
  kAtNonce = 40,
  kAtFacility = 64,
  kAtContentBytes = 96,
  kAtPasses = 104,
  kAtMemory = 112
};

using Header = std::array<unsigned char, kHeaderBytes>;

// A key that is wiped when it is done with.
struct Key {
  std::array<unsigned char, kKeyBytes> bytes{};
  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { sodium_memzero(bytes.data(), bytes.size()); }
};

const char* magic_of(SealedKind kind) { return kind == SealedKind::kGallery ? "KANHUGAL" : "KANHUGEX"; }

void put(Header& header, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) header[at + i] = static_cast<unsigned char>(value >> (8 * i));
}

std::uint64_t get(const Header& header, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{header[at + i]} << (8 * i);
  return value;
}

std::uint32_t checksum(const Header& header) {
  const auto bytes = std::as_bytes(std::span(header));
  return crc32c(bytes.subspan(kAtChecksum + 4), crc32c(bytes.first(kAtChecksum)));
}

bool ready() { return sodium_init() >= 0; }

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// `bytes` bytes that only the key gives, different for each purpose.
void derive(std::span<unsigned char> into, const Secret& key, std::string_view purpose) {
  crypto_generichash(into.data(), into.size(), octets(purpose), purpose.size(), octets(key.reveal()), key.reveal().size());
}

Result<void> make_key(SealedKind kind, const Secret& secret, const Header& header, Key& key) {
  if (kind == SealedKind::kGallery) {
    if (secret.reveal().size() != kKeyBytes) return fail(ErrorKind::kInvalidArgument, "a gallery key has 32 bytes");
    derive(key.bytes, secret, "kanhu gallery content");
    return {};
  }
  if (secret.empty()) return fail(ErrorKind::kInvalidArgument, "an export needs a passphrase");
  if (crypto_pwhash(key.bytes.data(), key.bytes.size(), secret.reveal().data(), secret.reveal().size(), header.data() + kAtKeyId,
                    get(header, kAtPasses, 4), get(header, kAtMemory, 8), crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(ErrorKind::kNoSpace, fmt::format("a passphrase needs {} MiB of memory to become a key", get(header, kAtMemory, 8) >> 20));
  }
  return {};
}

std::array<unsigned char, 16> key_id(const Secret& key) {
  std::array<unsigned char, 16> id;
  derive(id, key, "kanhu gallery key id");
  return id;
}

// The header when it is whole, of this kind and version; says what is wrong otherwise.
Result<Header> read_header(SealedKind kind, std::string_view place, std::string_view bytes) {
  const auto wrong = [&](ErrorKind error, std::string_view what) { return fail(error, fmt::format("{}: {}", place, what)); };
  if (bytes.size() < kHeaderBytes) return wrong(ErrorKind::kCorrupt, "cut off inside its header; put a backup of the file in its place");
  Header header;
  std::copy_n(bytes.begin(), kHeaderBytes, header.begin());
  const std::string_view magic = bytes.substr(0, 8);
  if (magic == magic_of(kind == SealedKind::kGallery ? SealedKind::kExport : SealedKind::kGallery)) {
    return wrong(ErrorKind::kUnsupported, kind == SealedKind::kGallery ? "an export; take it in with: kanhu gallery import FILE"
                                                                       : "a gallery, not an export (kanhu gallery export --to FILE)");
  }
  if (magic != magic_of(kind)) return wrong(ErrorKind::kCorrupt, kind == SealedKind::kGallery ? "no gallery" : "no export of a gallery");
  if (get(header, kAtChecksum, 4) != checksum(header))
    return wrong(ErrorKind::kCorrupt, "its header is damaged; put a backup in its place");
  if (const auto format = get(header, kAtFormat, 2); format != kFormat) {
    return wrong(ErrorKind::kNewerFormat, fmt::format("format {}, this program knows {}; it is left as it is", format, kFormat));
  }
  if (get(header, kAtHeaderBytes, 2) != kHeaderBytes || header[kAtCipher] != kXChaCha20Poly1305 ||
      header[kAtFacilityBytes] > kMostFacility) {
    return wrong(ErrorKind::kUnsupported, "sealed in a way this program does not know");
  }
  const std::uint64_t content = get(header, kAtContentBytes, 8);
  if (content < kTagBytes || content != bytes.size() - kHeaderBytes) {
    return wrong(ErrorKind::kCorrupt, fmt::format("{} bytes where its header says {}; put a backup of the file in its place", bytes.size(),
                                                  content + kHeaderBytes));
  }
  return header;
}

}  // namespace

WipedText::WipedText(WipedText&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }

void WipedText::wipe() {
  text_.resize(text_.capacity());
  sodium_memzero(text_.data(), text_.size());
  text_.clear();
}

Result<std::string> seal(SealedKind kind, std::string_view facility, const Secret& secret, std::string_view content) {
  if (!ready()) return fail(ErrorKind::kInternal, "libsodium cannot be used on this machine");
  if (facility.size() > kMostFacility) return fail(ErrorKind::kInvalidArgument, "a facility's id has at most 32 characters");
  Header header{};
  std::copy_n(magic_of(kind), 8, header.begin());
  put(header, kAtFormat, kFormat, 2);
  put(header, kAtHeaderBytes, kHeaderBytes, 2);
  header[kAtCipher] = kXChaCha20Poly1305;
  header[kAtFacilityBytes] = static_cast<unsigned char>(facility.size());
  std::copy(facility.begin(), facility.end(), header.begin() + kAtFacility);
  randombytes_buf(header.data() + kAtNonce, 24);
  put(header, kAtContentBytes, content.size() + kTagBytes, 8);
  if (kind == SealedKind::kExport) {
    randombytes_buf(header.data() + kAtKeyId, 16);
    put(header, kAtPasses, kPasses, 4);
    put(header, kAtMemory, kMemoryBytes, 8);
  }
  Key key;
  if (auto made = make_key(kind, secret, header, key); !made) return tl::unexpected(made.error());
  if (kind == SealedKind::kGallery) {
    const auto id = key_id(secret);
    std::copy(id.begin(), id.end(), header.begin() + kAtKeyId);
  }
  put(header, kAtChecksum, checksum(header), 4);

  std::string bytes(kHeaderBytes + content.size() + kTagBytes, '\0');
  std::copy(header.begin(), header.end(), bytes.begin());
  unsigned long long written = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(bytes.data()) + kHeaderBytes, &written, octets(content),
                                             content.size(), header.data(), header.size(), nullptr, header.data() + kAtNonce,
                                             key.bytes.data());
  return bytes;
}

Result<Opened> open_sealed(SealedKind kind, std::string_view place, std::string_view bytes, const Secret& secret) {
  if (!ready()) return fail(ErrorKind::kInternal, "libsodium cannot be used on this machine");
  const auto header = read_header(kind, place, bytes);
  if (!header) return tl::unexpected(header.error());
  if (kind == SealedKind::kGallery && secret.reveal().size() == kKeyBytes) {
    const auto id = key_id(secret);
    if (sodium_memcmp(id.data(), header->data() + kAtKeyId, id.size()) != 0) {
      return fail(ErrorKind::kPermission,
                  fmt::format("{}: sealed with another key than gallery-key; restore the key it was made with", place));
    }
  }
  if (kind == SealedKind::kExport && (get(*header, kAtMemory, 8) > kMostMemoryBytes || get(*header, kAtPasses, 4) > 16)) {
    return fail(ErrorKind::kUnsupported, fmt::format("{}: asks for more than 1 GiB or 16 passes to make its key", place));
  }
  Key key;
  if (auto made = make_key(kind, secret, *header, key); !made) {
    return fail(made.error().kind, fmt::format("{}: {}", place, made.error().message));
  }
  std::string content(bytes.size() - kHeaderBytes - kTagBytes, '\0');
  unsigned long long opened = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(content.data()), &opened, nullptr,
                                                 octets(bytes) + kHeaderBytes, bytes.size() - kHeaderBytes, header->data(), header->size(),
                                                 header->data() + kAtNonce, key.bytes.data()) != 0) {
    if (kind == SealedKind::kExport)
      return fail(ErrorKind::kPermission, fmt::format("{}: a wrong passphrase, or the file was changed", place));
    return fail(ErrorKind::kCorrupt, fmt::format("{}: damaged or changed; put a backup of the file in its place", place));
  }
  return Opened{sealed_facility(bytes), WipedText(std::move(content))};
}

std::string sealed_facility(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || (!bytes.starts_with("KANHUGAL") && !bytes.starts_with("KANHUGEX"))) return {};
  const auto length = std::min<std::size_t>(static_cast<unsigned char>(bytes[kAtFacilityBytes]), kMostFacility);
  return std::string(bytes.substr(kAtFacility, length));
}

}  // namespace kanhu::gallery
