// SPDX-License-Identifier: MIT
#include "pipelines/publish/access/curve_keys.hpp"

#include <array>
#include <string_view>

#include <string.h>
#include <zmq.hpp>

namespace kanhu::publish {
namespace {

constexpr std::size_t kKeyCharacters = 40;
using KeyText = std::array<char, kKeyCharacters + 1>;

}  // namespace

Result<KeyPair> make_key_pair() {
  KeyText open{}, secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0)
    return fail(ErrorKind::kUnsupported, "this machine's libzmq was built without CURVE; Debian's libzmq5 has it");
  KeyPair pair{open.data(), Secret(std::string_view(secret.data(), kKeyCharacters))};
  ::explicit_bzero(secret.data(), secret.size());
  return pair;
}

Result<KeyPair> key_pair_of(const Secret& secret_key) {
  std::string_view text = secret_key.reveal();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  Secret trimmed(text);
  KeyText open{};
  std::array<std::uint8_t, 32> bytes{};
  const bool decoded = trimmed.reveal().size() == kKeyCharacters && ::zmq_z85_decode(bytes.data(), trimmed.reveal().c_str()) != nullptr;
  ::explicit_bzero(bytes.data(), bytes.size());
  if (!decoded || ::zmq_curve_public(open.data(), trimmed.reveal().c_str()) != 0)
    return fail(ErrorKind::kInvalidArgument, "a secret key is 40 characters of Z85 on one line");
  return KeyPair{open.data(), std::move(trimmed)};
}

}  // namespace kanhu::publish
