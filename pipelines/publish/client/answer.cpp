// SPDX-License-Identifier: MIT
#include "pipelines/publish/client/answer.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"

namespace kanhu::publish {
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
  if (!member(answer, "ok").is_boolean())
    return Error{
        ErrorKind::kCorrupt,
        fmt::format("{} answers with something that is no answer of Kanhu; is it the gateway's query endpoint?", quoted(endpoint, 200))};
  if (member(answer, "ok").get<bool>()) return std::nullopt;
  const Json& error = member(answer, "error");
  const std::string message = printable(text_in(error, "message"));
  return Error{error_kind_named(text_in(error, "kind")), message.empty() ? "the gateway answers with an error" : message};
}

}  // namespace kanhu::publish
