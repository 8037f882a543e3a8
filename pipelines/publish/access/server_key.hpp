// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.hpp"
#include "pipelines/publish/access/curve_keys.hpp"

namespace kanhu::publish {

// The gateway's own pair, from the secret `publish-key`. kNotFound says how it is made.
Result<KeyPair> load_server_key(const std::string& secrets_dir);

}  // namespace kanhu::publish
