// SPDX-License-Identifier: MIT
// Keys of this gateway: 32 random bytes a file, outside the configuration, beside the secrets (config/secrets.hpp).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace kanhu {

// What galleries are sealed with.
inline constexpr std::string_view kGalleryKey = "gallery-key";

// The 32 bytes of $CREDENTIALS_DIRECTORY/<name> (systemd) or else of <secrets_dir>/<name>, which hold them as 64 hex digits and
// perhaps a line end. kNotFound when neither is there, kPermission when others than the owner may read the one in secrets_dir,
// kInvalidArgument when it is something else. No message ever holds what is inside.
Result<Secret> load_key(std::string_view name, const std::string& secrets_dir);

// Makes <dir>/<name> with mode 0600 from the system's randomness, whole or not at all, and the folder (0700) when it is not
// there. kInvalidArgument when there is one: a key that is overwritten is lost, and everything sealed with it.
Result<void> make_key(std::string_view name, const std::string& dir);

}  // namespace kanhu
