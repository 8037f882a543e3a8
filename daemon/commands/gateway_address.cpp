// SPDX-License-Identifier: MIT
#include "daemon/commands/gateway_address.hpp"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/json.hpp"
#include "config/allow_list.hpp"
#include "config/private_file.hpp"
#include "pipelines/publish/access/server_key.hpp"

namespace kanhu {
namespace {

constexpr PrivateKind kClientKeyFile{"key file", 1024};

}  // namespace

void add_peer_options(CLI::App& command, PeerOptions& options, PeerSockets sockets) {
  add_where_options(command, options, ", to find its sockets");
  auto* live = sockets == PeerSockets::kBoth
                   ? command.add_option("--live", options.live, "Live endpoint instead, such as tcp://127.0.0.1:5556")
                   : nullptr;
  auto* query = command.add_option("--query", options.query, "Query endpoint instead, such as tcp://127.0.0.1:5557");
  if (live != nullptr) query->needs(live);
  command.add_option("--key", options.key_file, "Key file of `kanhu keys add`, for a gateway that asks for keys");
}

Secret key_file_text(const std::string& name, const publish::ClientKeys& keys) {
  return Secret(fmt::format("{{\n  \"name\": \"{}\",\n  \"public_key\": \"{}\",\n  \"secret_key\": \"{}\",\n  \"server_key\": \"{}\"\n}}\n",
                            name, keys.own.public_key, keys.own.secret_key.reveal(), keys.server_key));
}

Result<publish::ClientKeys> load_key_file(const std::string& path) {
  const std::filesystem::path split(path);
  const std::string folder = split.has_parent_path() ? split.parent_path().string() : ".";
  auto found = read_private(kClientKeyFile, split.filename().string(), folder);
  if (!found) return tl::unexpected(found.error());
  const auto refused = [&](const char* what) {
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{}: {}; a key file is what kanhu keys add writes: {{\"secret_key\":…,\"server_key\":…}}", path, what));
  };
  const auto content = parse_json(found->text.reveal(), kClientKeyFile.most_bytes, 4);
  if (!content || !content->is_object()) return refused("not JSON");
  auto own = publish::key_pair_of(Secret(text_in(*content, "secret_key")));
  if (!own) return refused("its secret_key is none");
  publish::ClientKeys keys{text_in(*content, "server_key"), std::move(*own)};
  if (!public_key_fault(keys.server_key).empty()) return refused("its server_key is none");
  return keys;
}

Result<Peer> find_peer(const PeerOptions& options) {
  Peer peer{options.live, options.query, std::nullopt};
  if (!options.key_file.empty()) {
    auto keys = load_key_file(options.key_file);
    if (!keys) return tl::unexpected(keys.error());
    peer.keys = std::move(*keys);
  }
  if (!peer.live.empty() || !peer.query.empty()) return peer;
  const auto endpoints = endpoints_of(options);
  if (!endpoints) return tl::unexpected(endpoints.error());
  peer.live = text_in(*endpoints, "live");
  peer.query = text_in(*endpoints, "query");
  const std::string server_key = text_in(*endpoints, "public_key");
  if (server_key.empty() || peer.keys) return peer;
  const auto where = find_whereabouts(options, Needs::kSecrets);
  if (!where) return tl::unexpected(where.error());
  auto own = publish::load_server_key(where->config.gateway.secrets_dir);
  if (!own) {
    own.error().message += "; as another user, or for less than everything: --key FILE";
    return tl::unexpected(own.error());
  }
  if (own->public_key != server_key)
    return fail(ErrorKind::kUnauthorized, "the running gateway has another publish-key; restart it, or use --key FILE");
  peer.keys = publish::ClientKeys{server_key, std::move(*own)};
  return peer;
}

}  // namespace kanhu
