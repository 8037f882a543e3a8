// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/descriptor.hpp"
#include "base/result.hpp"

namespace kanhu {

// A TCP socket that listens on loopback, IPv4 or IPv6.
struct LoopbackListener {
  Descriptor socket;
  std::string host;  // as it stands in a URL: 127.0.0.1, or [::1] in brackets
  int port = 0;      // the real one
};
// `listen` is as metrics.listen may be (check_listen): 127.0.0.1:9464, [::1]:9464, localhost:9464 (IPv4 where there is any, else IPv6) or
// any other spelling of loopback; port 0: chosen by the system.
// kInvalidArgument: no such address, or one that other machines reach; kIo: the port is in use, or the machine has no such address.
Result<LoopbackListener> listen_on_loopback(const std::string& listen);

}  // namespace kanhu
