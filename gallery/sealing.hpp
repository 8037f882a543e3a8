// SPDX-License-Identifier: MIT
// A gallery's bytes: a header that anybody may read and nobody can change, and content that only the key opens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace kanhu::gallery {

// Text that is wiped when it dies. Thread: confined.
class WipedText {
 public:
  WipedText() = default;
  explicit WipedText(std::string text) : text_(std::move(text)) {}
  WipedText(WipedText&& other) noexcept;
  WipedText& operator=(WipedText&&) = delete;
  ~WipedText() { wipe(); }
  std::string_view view() const { return text_; }
  std::string& text() { return text_; }

 private:
  void wipe();
  std::string text_;
};

// A gallery is sealed with the gateway's key, an export with a passphrase.
enum class SealedKind { kGallery, kExport };

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a fresh random nonce; the header is its additional data. `facility` stands
// in the header. `secret`: the 32 bytes of the key, or the passphrase, from which Argon2id (RFC 9106; 256 MiB, 3 passes) makes
// a key. kInvalidArgument: a key of another length, an empty passphrase. kNoSpace: not enough memory for Argon2id.
Result<std::string> seal(SealedKind kind, std::string_view facility, const Secret& secret, std::string_view content);

struct Opened {
  std::string facility;
  WipedText content;
};
// kCorrupt: cut off, a flipped bit, no such file at all; kNewerFormat; kUnsupported: the other kind, another cipher;
// kPermission: sealed with another key. A wrong passphrase cannot be told from a changed content: kPermission says both.
// Messages begin with `place` and name the fix.
Result<Opened> open_sealed(SealedKind kind, std::string_view place, std::string_view bytes, const Secret& secret);

// The facility in the header of a sealed file, without opening it; empty when it is none.
std::string sealed_facility(std::string_view bytes);

}  // namespace kanhu::gallery
