// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "daemon/query/rate_limit.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {

// Answers a request whose answer is the same for all who have the same rights (`state`, `info`). It is made anew for who asks, but at most
// ten times a second (20 at once): who asks beyond that gets the last one, written once for each kind of rights. So nobody makes the rules
// say everything again and again, however many ask. Who asks more than 20 times a second (100 at once; a user, or without keys a
// connection), or all together more than 200 times, is answered no_bandwidth. Thread: confined to the query thread.
class SharedAnswer {
 public:
  struct Source {
    std::function<Result<Json>()> whole;                                 // an object; may take a while
    std::function<Json(Json whole, const publish::Rights& rights)> cut;  // what is left of it for these rights
  };
  SharedAnswer(std::string name, Source source, const Clock& clock) : name_(std::move(name)), source_(std::move(source)), clock_(clock) {}

  void ask(const publish::Asker& asker, const publish::Reply& reply);

 private:
  Result<void> renew(MonoTime now);

  const std::string name_;
  const Source source_;
  const Clock& clock_;
  RateLimit limit_{{20, 100}, {200, 400}}, makes_{{10, 20}, {10, 20}};
  Json whole_;                                // null: none yet
  std::map<std::string, std::string> texts_;  // by rights
};

}  // namespace kanhu
