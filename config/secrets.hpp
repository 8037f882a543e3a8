// SPDX-License-Identifier: MIT
// Where passwords live: one small file each, outside the configuration.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace kanhu {

// Reads $CREDENTIALS_DIRECTORY/<name> (systemd) or else <secrets_dir>/<name>: first line the user, second line the
// password, each taken as it stands up to its line end; UTF-8, at most 4 KiB. kNotFound when neither is there,
// kPermission when others than the owner may read the file in secrets_dir, kInvalidArgument when it is not two lines.
// No message ever holds what is inside.
Result<Credential> load_secret(std::string_view name, const std::string& secrets_dir);

// Writes <dir>/<name> with mode 0600, whole or not at all; makes the folder (0700) when it is not there.
Result<void> store_secret(std::string_view name, const std::string& dir, const Credential& credential);

}  // namespace kanhu
