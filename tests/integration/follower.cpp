// SPDX-License-Identifier: MIT
// kanhu-follower LIVE QUERY [now | oldest | EPOCH:SEQ] [FACILITY...]: what clients/cpp/follow.cpp prints, by the follower of the product,
// so that it is judged by the suite of the clients.
#include "pipelines/publish/client/follower.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/overloaded.hpp"

namespace {
volatile std::sig_atomic_t stopped = 0;
}

int main(int count, char** arguments) {
  using kanhu::Json, kanhu::publish::Follower;
  if (count < 3) return 2;
  std::signal(SIGTERM, [](int) { stopped = 1; });
  Follower::Options options;
  options.live = arguments[1];
  options.query = arguments[2];
  options.patience = std::chrono::seconds(10);
  const std::string from = count > 3 ? arguments[3] : "now";
  if (from == "oldest") options.after = Follower::Place{};
  if (const auto colon = from.find(':'); colon != std::string::npos)
    options.after = Follower::Place{from.substr(0, colon), std::strtoull(from.c_str() + colon + 1, nullptr, 10)};
  for (int i = 4; i < count; ++i) options.facilities.emplace_back(arguments[i]);
  auto follower = Follower::connect(std::move(options));
  if (!follower) return 1;
  while (!stopped) {
    const auto item = (*follower)->next(std::chrono::milliseconds(200));
    if (!item) {
      std::cerr << item.error().message << '\n';
      return 1;
    }
    if (!*item) continue;
    const auto [epoch, seq] = (*follower)->place();
    Json line{{"place", epoch + ":" + std::to_string(seq)}};
    const bool counts = std::visit(
        kanhu::Overloaded{
            [&](const Follower::Event& event) {
              line.update({{"epoch", event.epoch}, {"seq", event.seq}, {"payload", Json::parse(event.payload)}});
              return true;
            },
            [&](const Follower::Gap& gap) {
              line["gap"] = {
                  {"epoch", gap.epoch}, {"first", gap.first}, {"last", gap.last}, {"reason", gap.reason}, {"streams", gap.streams}};
              return true;
            },
            [](const auto&) { return false; }},
        **item);
    if (counts) std::cout << line << std::endl;
  }
  return 0;
}
