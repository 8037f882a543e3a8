// SPDX-License-Identifier: MIT
// kanhu-follow LIVE QUERY [now | oldest | EPOCH:SEQ] [FACILITY...]: every event as a line of JSON, every gap as {"gap":...};
// `place` of the last line is where to go on: give it as EPOCH:SEQ.
// $KANHU_KEY names the key file of a gateway that asks for keys.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "clients/cpp/kanhu_subscriber.hpp"

namespace {
volatile std::sig_atomic_t stopped = 0;
}

int main(int count, char** arguments) {
  if (count < 3) {
    std::cerr << "usage: kanhu-follow LIVE QUERY [now | oldest | EPOCH:SEQ] [FACILITY...]\n";
    return 2;
  }
  std::signal(SIGINT, [](int) { stopped = 1; });
  std::signal(SIGTERM, [](int) { stopped = 1; });
  kanhu_client::Options options;
  options.live = arguments[1];
  options.query = arguments[2];
  const std::string from = count > 3 ? arguments[3] : "now";
  if (from == "oldest") options.after = kanhu_client::Place{};
  if (const auto colon = from.find(':'); colon != std::string::npos)
    options.after = kanhu_client::Place{from.substr(0, colon), std::strtoull(from.c_str() + colon + 1, nullptr, 10)};
  for (int i = 4; i < count; ++i) options.facilities.emplace_back(arguments[i]);
  try {
    if (const char* file = std::getenv("KANHU_KEY")) {
      std::ifstream stream(file);
      const auto keys = kanhu_client::Json::parse(stream);
      options.server_key = keys.at("server_key").get<std::string>();
      options.public_key = keys.at("public_key").get<std::string>();
      options.secret_key = keys.at("secret_key").get<std::string>();
    }
    kanhu_client::Subscriber subscriber(options);
    while (!stopped) {
      const auto item = subscriber.next(std::chrono::milliseconds(200));
      if (!item) continue;
      const auto [epoch, seq] = subscriber.place();
      kanhu_client::Json line{{"place", epoch + ":" + std::to_string(seq)}};
      if (const auto* event = std::get_if<kanhu_client::Event>(&*item))
        line.update({{"epoch", event->epoch},
                     {"seq", event->seq},
                     {"stream_seq", event->stream_seq},
                     {"topic", event->topic},
                     {"header", event->header},
                     {"payload", event->payload}});
      if (const auto* gap = std::get_if<kanhu_client::Gap>(&*item))
        line["gap"] = {
            {"epoch", gap->epoch}, {"first", gap->first}, {"last", gap->last}, {"reason", gap->reason}, {"streams", gap->streams}};
      std::cout << line << std::endl;
    }
  } catch (const zmq::error_t& error) {
    if (!stopped) throw;
  } catch (const std::exception& error) {
    std::cerr << "kanhu-follow: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
