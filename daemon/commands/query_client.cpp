// SPDX-License-Identifier: MIT
#include "daemon/commands/query_client.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/private_output.hpp"
#include "base/text.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu {
namespace {

ErrorKind error_kind_named(const std::string& name) {
  for (int kind = 0; kind < static_cast<int>(ErrorKind::kInternal); ++kind)
    if (name == to_string(static_cast<ErrorKind>(kind))) return static_cast<ErrorKind>(kind);
  return ErrorKind::kInternal;
}

// Escape sequences of whoever answers do not reach a terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

}  // namespace

std::optional<Error> error_of_answer(const Json& answer, const std::string& endpoint) {
  // Whoever listens there may answer anything.
  const auto text_of = [](const Json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : std::string();
  };
  if (!answer.is_object() || !answer.contains("ok") || !answer["ok"].is_boolean())
    return Error{ErrorKind::kCorrupt,
                 fmt::format("{} answers with something that is no answer of Kanhu; is it the gateway's query endpoint?",
                             kanhu::quoted(endpoint, 200))};
  if (answer["ok"].get<bool>()) return std::nullopt;
  const Json error = answer.contains("error") ? answer["error"] : Json();
  const std::string message = printable(text_of(error, "message"));
  return Error{error_kind_named(text_of(error, "kind")), message.empty() ? "the gateway answers with an error" : message};
}

Result<publish::Given> ask_gateway(const Peer& peer, const Json& request, std::chrono::milliseconds patience) {
  auto given = publish::query_bytes(peer.query, request, patience, peer.keys);
  if (!given && given.error().kind == ErrorKind::kTimeout) return fail(ErrorKind::kClosed, given.error().message);
  if (!given) return given;
  if (auto why = error_of_answer(given->json, peer.query)) return tl::unexpected(std::move(*why));
  return given;
}

Result<void> write_whole_file(const std::string& path, const std::string& bytes) {
  if (path != "-") return write_private_output(path, bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0) return {};
  return fail(ErrorKind::kIo, fmt::format("standard output: {}", std::strerror(errno)));
}

}  // namespace kanhu
