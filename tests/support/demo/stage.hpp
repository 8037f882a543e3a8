// SPDX-License-Identifier: MIT
// The folder a demo runs in, and what is written there before anything starts.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace kanhu::demo {

struct Ports {
  std::uint16_t rtsp = 0, live = 0, query = 0, metrics = 0;
};

// Ports for the gateway's sockets: those of config/demo.yaml where they are free, else others below the range the
// system gives to outgoing connections. They stay the same when the gateway is killed and started again, so
// that subscribers find it by themselves.
Result<Ports> choose_ports();

// The demo's configuration with these ports and with `.` as data_dir. kInvalidConfig names the line that is missing.
Result<std::string> stage_config(const std::string& demo_yaml, const Ports& ports);

// Makes `folder`, or empties it when a demo made it. kPermission when it holds anything else, kClosed while a gateway runs in it.
Result<void> prepare_folder(const std::string& folder);

Result<std::string> read_text(const std::string& path);
Result<void> write_text(const std::string& path, const std::string& text);

}  // namespace kanhu::demo
