// SPDX-License-Identifier: MIT
#include "bench/events/burdens.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>
#include <zmq.hpp>

#include "bench/events/accepting.hpp"
#include "bench/events/socket.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMoreThanQueued = 20'000;  // what a socket keeps for a subscriber is 8,000
constexpr std::uint64_t kFilledAt = 2'000;         // of them a second: no faster than the socket hands out

double resident_mib() {
  std::ifstream pages("/proc/self/statm");
  double whole = 0, resident = 0;
  pages >> whole >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Its buffers are as small as they get, so that the gateway and not the kernel has to keep what it does not read.
zmq::socket_t stalled_on(zmq::context_t& context, const std::string& live) {
  zmq::socket_t socket(context, zmq::socket_type::sub);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, 1);
  socket.set(zmq::sockopt::rcvbuf, 4096);
  socket.set(zmq::sockopt::subscribe, "kanhu1/");
  socket.connect(live);
  return socket;
}

// ZMTP 3.0 (RFC 23): greeting without security, and what a SUB socket says of itself.
std::string handshake() {
  std::string greeting("\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL", 16);
  greeting.resize(64, '\0');
  const std::string ready("\x05READY\x0bSocket-Type\0\0\0\x03SUB", 25);
  return greeting + '\x04' + static_cast<char>(ready.size()) + ready;
}

// Until it is told to stop: subscriptions of 1,000 bytes, each another one, and again when it is thrown out. Without a library, so that
// what this process grows by is the gateway's.
void flood(const std::string& live, const std::atomic<bool>& over) {
  const auto port = static_cast<std::uint16_t>(std::stoul(live.substr(live.rfind(':') + 1)));
  std::unique_ptr<Socket> socket;
  for (std::uint64_t number = 0; !over; ++number) {
    if (!socket) {
      auto connected = Socket::connect(port, 1s);
      if (!connected || !(*connected)->send(handshake())) continue;
      socket = std::move(*connected);
    }
    const std::string subscription = fmt::format("\x01kanhu1/{:0>990}/", number);
    std::string frame("\x02\0\0\0\0\0\0", 7);
    frame += {static_cast<char>(subscription.size() >> 8), static_cast<char>(subscription.size() & 0xff)};
    if (!socket->send(frame + subscription)) socket.reset();
    if (number % 100 == 99) std::this_thread::sleep_for(1ms);
  }
}

}  // namespace

Result<std::vector<BurdenFigures>> measure_burdens(FileIo& io, const std::string& folder, double seconds, Account& account) {
  RigOptions options;
  options.folder = folder;
  options.cheap_bodies = true;
  auto rig = EventsRig::open(io, options);
  if (!rig) return tl::unexpected(rig.error());
  EventsRig& gateway = **rig;
  auto warmed = receive_live(gateway, std::min(1.0, seconds), account);
  if (!warmed) return tl::unexpected(warmed.error());
  auto alone = receive_live(gateway, seconds, account);
  if (!alone) return tl::unexpected(alone.error());
  const Quantiles quiet = quantiles_of(std::move(*alone));
  std::vector<BurdenFigures> burdens;
  try {
    {
      zmq::context_t context(1);
      const double before = resident_mib();
      const auto socket = stalled_on(context, gateway.live());
      std::this_thread::sleep_for(500ms);
      const auto begin = std::chrono::steady_clock::now();
      for (std::uint64_t i = 0; i < kMoreThanQueued; ++i) {
        if (i % 20 == 0) std::this_thread::sleep_until(begin + std::chrono::microseconds(i * 1'000'000 / kFilledAt));
        gateway.offer();
      }
      gateway.flush();
      auto beside = receive_live(gateway, seconds, account);
      if (!beside) return tl::unexpected(beside.error());
      burdens.push_back({"stalled", resident_mib() - before, quiet, quantiles_of(std::move(*beside))});
    }
    const double before = resident_mib();
    std::atomic<bool> over{false};
    std::thread hostile([&] { flood(gateway.live(), over); });
    auto beside = receive_live(gateway, seconds, account);
    over = true;
    hostile.join();
    if (!beside) return tl::unexpected(beside.error());
    burdens.push_back({"flooding", resident_mib() - before, quiet, quantiles_of(std::move(*beside))});
  } catch (const zmq::error_t& error) {
    return fail(ErrorKind::kIo, std::string("a burdening subscriber: ") + error.what());
  }
  return burdens;
}

}  // namespace kanhu::bench
