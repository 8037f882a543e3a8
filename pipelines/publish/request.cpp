// SPDX-License-Identifier: MIT
#include "pipelines/publish/request.hpp"

#include <cstddef>
#include <utility>

namespace kanhu::publish {
namespace {

constexpr std::size_t kMostRequestBytes = 64u << 10;  // a fetch may name a thousand streams

}  // namespace

Result<Request> parse_request(std::string_view text) {
  auto parsed = parse_json(text, kMostRequestBytes, 8);
  if (!parsed) return fail(ErrorKind::kCorrupt, "not JSON: " + parsed.error().message);
  if (!parsed->is_object()) return fail(ErrorKind::kInvalidArgument, R"(a request is an object like {"v":1,"request":"state"})");
  const auto version = parsed->find("v");
  if (version == parsed->end() || *version != 1) return fail(ErrorKind::kUnsupported, R"(requests carry "v":1)");
  const auto named = parsed->find("request");
  if (named == parsed->end() || !named->is_string()) return fail(ErrorKind::kInvalidArgument, R"(a request has a name: "request":"state")");
  auto name = named->get<std::string>();
  return Request{std::move(name), std::move(*parsed)};
}

}  // namespace kanhu::publish
