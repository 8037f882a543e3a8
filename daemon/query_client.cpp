#include "daemon/query_client.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

namespace kanhu {
namespace {

ErrorKind error_kind_named(const std::string& name) {
  for (int kind = 0; kind < static_cast<int>(ErrorKind::kInternal); ++kind)
    if (name == to_string(static_cast<ErrorKind>(kind))) return static_cast<ErrorKind>(kind);
  return ErrorKind::kInternal;
}

}  // namespace

Result<publish::Given> ask_gateway(const Peer& peer, const Json& request, std::chrono::milliseconds patience) {
  auto given = publish::query_bytes(peer.query, request, patience, peer.keys);
  if (!given && given.error().kind == ErrorKind::kTimeout) return fail(ErrorKind::kClosed, given.error().message);
  if (!given) return given;
  if (given->json.is_object() && given->json.value("ok", false)) return given;
  const Json error = given->json.is_object() ? given->json.value("error", Json::object()) : Json::object();
  return fail(error_kind_named(error.value("kind", "")), error.value("message", "the gateway answers with an error"));
}

Result<void> write_whole_file(const std::string& path, const std::string& bytes) {
  const auto wrong = [&](const std::string& name) { return fail(ErrorKind::kIo, fmt::format("{}: {}", name, std::strerror(errno))); };
  const bool to_stdout = path == "-";
  const std::string beside = path + ".part";
  std::FILE* file = to_stdout ? stdout : std::fopen(beside.c_str(), "we");
  if (file == nullptr) return wrong(beside);
  bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
  if (to_stdout) return written ? Result<void>() : wrong("standard output");
  written = written && ::fsync(::fileno(file)) == 0;
  written = std::fclose(file) == 0 && written;
  if (written && std::rename(beside.c_str(), path.c_str()) == 0) return {};
  auto problem = wrong(path);
  (void)::unlink(beside.c_str());
  return problem;
}

}  // namespace kanhu
