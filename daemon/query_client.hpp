#pragma once

#include <chrono>
#include <string>

#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// What a sub-command asks a running gateway: an answer that is not ok becomes the Error it names. `query` is the endpoint; kClosed when
// nobody answers there.
Result<publish::Given> ask_gateway(const std::string& query, const Json& request, std::chrono::milliseconds patience);
// `query`, or when it is empty the query socket of the gateway that runs with this configuration.
Result<std::string> query_endpoint(const std::string& query, const std::string& config_path);

// Written beside and renamed into place, so that a file of that name is always a whole one. "-" is standard output.
Result<void> write_whole_file(const std::string& path, const std::string& bytes);

}  // namespace kanhu
