// SPDX-License-Identifier: MIT
// kill -9 of a gateway under load, while a subscriber follows.
#pragma once

#include <memory>
#include <string>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "bench/events/events.hpp"
#include "bench/events/figures.hpp"

namespace kanhu::bench {

// A process without threads that starts gateways and kills them, so that a gateway is never forked out of a process that has some. Make
// it before anything else.
// Thread: confined.
class GatewayLauncher {
 public:
  static Result<std::unique_ptr<GatewayLauncher>> make();
  ~GatewayLauncher();  // with its gateway
  GatewayLauncher(const GatewayLauncher&) = delete;
  GatewayLauncher& operator=(const GatewayLauncher&) = delete;

  // A gateway on the journal in `folder`, sockets `folder`/live and `folder`/query, that accepts `per_second` events a second; 0: none.
  Result<void> start(const std::string& folder, int per_second);
  Result<double> kill9();  // the most memory it held, in MiB

 private:
  GatewayLauncher(int process, int socket) : process_(process), socket_(socket) {}
  int process_, socket_;
};

// The client that people copy follows from the oldest event on. What it has in the end is compared with the journal, number by number.
Result<KillFigures> measure_killing(FileIo& io, GatewayLauncher& launcher, const std::string& folder, int kills, Account& account,
                                    const EventsProgress& progress);

}  // namespace kanhu::bench
