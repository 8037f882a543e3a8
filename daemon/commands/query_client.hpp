// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "daemon/commands/gateway_address.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// What a sub-command asks a running gateway: an answer that is not ok becomes the Error it names. kClosed when nobody
// answers there.
Result<publish::Given> ask_gateway(const Peer& peer, const Json& request, std::chrono::milliseconds patience);

// For its owner alone, whole or not at all (base/private_output.hpp). "-" is standard output.
Result<void> write_whole_file(const std::string& path, const std::string& bytes);

}  // namespace kanhu
