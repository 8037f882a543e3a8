// SPDX-License-Identifier: MIT
// How a sub-command reaches a gateway: where its sockets are, and with which key.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "daemon/commands/whereabouts.hpp"
#include "pipelines/publish/access/curve_keys.hpp"

namespace kanhu {

struct PeerOptions : WhereOptions {
  std::string live, query, key_file;
};
// --config, --data-dir, --secrets-dir, --query and --key; --live where the command subscribes.
enum class PeerSockets { kQuery, kBoth };
void add_peer_options(CLI::App& command, PeerOptions& options, PeerSockets sockets);

struct Peer {
  std::string live, query;
  std::optional<publish::ClientKeys> keys;
};
// The endpoints that were named, or those of the gateway of the configuration. A gateway of this machine that asks for keys is asked with
// its own, by whoever may read that; every other one with the key file.
Result<Peer> find_peer(const PeerOptions& options);

// What `kanhu keys add` hands over: {"name","public_key","secret_key","server_key"}, mode 0600.
Secret key_file_text(const std::string& name, const publish::ClientKeys& keys);
Result<publish::ClientKeys> load_key_file(const std::string& path);

}  // namespace kanhu
