#pragma once

#include <chrono>
#include <string>

#include "daemon/peer.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// What a sub-command asks a running gateway: an answer that is not ok becomes the Error it names. kClosed when nobody
// answers there.
Result<publish::Given> ask_gateway(const Peer& peer, const Json& request, std::chrono::milliseconds patience);

// Written beside and renamed into place, so that a file of that name is always a whole one. "-" is standard output.
Result<void> write_whole_file(const std::string& path, const std::string& bytes);

}  // namespace kanhu
