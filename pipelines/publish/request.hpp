// SPDX-License-Identifier: MIT
// One request of the query socket (docs/events.md), before anybody knows what it asks for.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu::publish {

struct Request {
  std::string name;
  Json content;  // an object
};
// kCorrupt: no JSON; kInvalidArgument: no request; kUnsupported: another version.
Result<Request> parse_request(std::string_view text);

}  // namespace kanhu::publish
