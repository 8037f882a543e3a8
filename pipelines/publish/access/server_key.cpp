// SPDX-License-Identifier: MIT
#include "pipelines/publish/access/server_key.hpp"

#include <fmt/format.h>

#include "config/allow_list.hpp"
#include "config/private_file.hpp"

namespace kanhu::publish {
namespace {

constexpr PrivateKind kServerKeyFile{"key", 42};  // two for a line end

}  // namespace

Result<KeyPair> load_server_key(const std::string& secrets_dir) {
  auto found = read_private(kServerKeyFile, kPublishKey, secrets_dir);
  if (!found) {
    if (found.error().kind == ErrorKind::kNotFound) found.error().message += "; make it with: kanhu keys server";
    return tl::unexpected(found.error());
  }
  auto pair = key_pair_of(found->text);
  if (!pair) pair.error().message = fmt::format("{}: {}", found->path, pair.error().message);
  return pair;
}

}  // namespace kanhu::publish
