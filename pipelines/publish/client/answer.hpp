// SPDX-License-Identifier: MIT
// What whoever answers a request said, which may be anything.
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu::publish {

// Nothing for an answer that is `ok`. Else what is wrong: it is no answer of Kanhu (kCorrupt), or a refusal of the kind it names, whose
// words carry no control characters. `endpoint` is named in the message.
std::optional<Error> error_of_answer(const Json& answer, const std::string& endpoint);

}  // namespace kanhu::publish
