// SPDX-License-Identifier: MIT
// Small files that only their owner may read, one a secret or key.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/private_output.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace kanhu {

// "secret", "key": the noun of its messages, with "a" before it.
struct PrivateKind {
  std::string_view noun;
  std::size_t most_bytes = 0;
};

// The bytes of $CREDENTIALS_DIRECTORY/<name> (systemd made that folder readable for this service alone) or else of
// <dir>/<name>, with the path they came from. kNotFound when neither is there, kPermission when others than the owner may read
// the one in `dir`, kInvalidArgument when it is longer than it may be or no plain file. No message ever holds what is inside.
struct PrivateText {
  std::string path;
  Secret text;
};
Result<PrivateText> read_private(const PrivateKind& kind, std::string_view name, const std::string& dir);

// Makes <dir>/<name> with mode 0600, whole and durable or not at all, and the folder (0700) when it is not there. kInvalidArgument,
// with `kKeep`, when there is one already; it stays; and when it is a folder, or `name` none of a file: then nothing is made.
Result<void> write_private(const std::string& dir, std::string_view name, const Secret& text, Existing existing);

}  // namespace kanhu
