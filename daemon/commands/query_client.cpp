// SPDX-License-Identifier: MIT
#include "daemon/commands/query_client.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/private_output.hpp"
#include "pipelines/publish/client/answer.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu {
Result<publish::Given> ask_gateway(const Peer& peer, const Json& request, std::chrono::milliseconds patience) {
  auto given = publish::query_bytes(peer.query, request, patience, peer.keys);
  if (!given && given.error().kind == ErrorKind::kTimeout) return fail(ErrorKind::kClosed, given.error().message);
  if (!given) return given;
  if (auto why = publish::error_of_answer(given->json, peer.query)) return tl::unexpected(std::move(*why));
  return given;
}

Result<void> write_whole_file(const std::string& path, const std::string& bytes) {
  if (path != "-") return write_private_output(path, bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0) return {};
  return fail(ErrorKind::kIo, fmt::format("standard output: {}", std::strerror(errno)));
}

}  // namespace kanhu
