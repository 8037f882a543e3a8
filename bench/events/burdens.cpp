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

// Until it is told to stop: subscriptions of 1,000 bytes, each another one.
void flood(zmq::context_t& context, const std::string& live, const std::atomic<bool>& over) {
  zmq::socket_t socket(context, zmq::socket_type::xsub);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndtimeo, 100);
  socket.connect(live);
  for (std::uint64_t number = 0; !over; ++number) {
    const std::string subscription = fmt::format("\x01kanhu1/{:0>990}/", number);
    (void)socket.send(zmq::buffer(subscription), zmq::send_flags::none);
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
    zmq::context_t context(1);
    const double before = resident_mib();
    std::atomic<bool> over{false};
    std::thread hostile([&] {
      try {
        flood(context, gateway.live(), over);
      } catch (const zmq::error_t&) {  // thrown out: that is the gateway's good right
      }
    });
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
