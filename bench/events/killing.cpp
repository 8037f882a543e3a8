// SPDX-License-Identifier: MIT
#include "bench/events/killing.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/events/rig.hpp"
#include "clients/cpp/kanhu_subscriber.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr int kUnderFault = 2'000;  // events a second
constexpr std::size_t kMostMessage = 4096;

// In the gateway's process, until it is killed.
[[noreturn]] void be_a_gateway(const std::string& folder, int per_second) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto io = make_posix_file_io();
  RigOptions options;
  options.folder = folder;
  options.live = "ipc://" + folder + "/live";
  options.query = "ipc://" + folder + "/query";
  auto rig = EventsRig::open(*io, options);
  if (!rig) ::_exit(1);
  const auto begin = Steady::now();
  for (std::int64_t accepted = 0;; ++accepted) {
    if (per_second == 0) ::pause();
    std::this_thread::sleep_until(begin + std::chrono::microseconds(accepted * 1'000'000 / std::max(1, per_second)));
    (*rig)->offer();
  }
}

double most_memory_mib(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

// Messages: "start PER_SECOND FOLDER" and "kill", each answered with a line.
[[noreturn]] void be_a_launcher(int socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pid_t gateway = -1;
  std::array<char, kMostMessage> text;
  while (true) {
    const ssize_t got = ::recv(socket, text.data(), text.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    double memory = 0;
    if (gateway > 0) {
      memory = most_memory_mib(gateway);
      ::kill(gateway, SIGKILL);
      ::waitpid(gateway, nullptr, 0);
      gateway = -1;
    }
    if (got <= 0) ::_exit(0);
    const std::string message(text.data(), static_cast<std::size_t>(got));
    if (message.starts_with("start ")) {
      const std::size_t space = message.find(' ', 6);
      gateway = ::fork();
      if (gateway == 0) {
        ::close(socket);
        be_a_gateway(message.substr(space + 1), std::atoi(message.c_str() + 6));
      }
    }
    const std::string answer = std::to_string(memory);
    (void)::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

}  // namespace

Result<std::unique_ptr<GatewayLauncher>> GatewayLauncher::make() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(ErrorKind::kIo, std::string("socketpair: ") + std::strerror(errno));
  const pid_t process = ::fork();
  if (process < 0) return fail(ErrorKind::kIo, std::string("fork: ") + std::strerror(errno));
  if (process == 0) {
    ::close(ends[0]);
    be_a_launcher(ends[1]);
  }
  ::close(ends[1]);
  return std::unique_ptr<GatewayLauncher>(new GatewayLauncher(process, ends[0]));
}

GatewayLauncher::~GatewayLauncher() {
  ::close(socket_);
  ::waitpid(process_, nullptr, 0);
}

Result<void> GatewayLauncher::start(const std::string& folder, int per_second) {
  const std::string message = fmt::format("start {} {}", per_second, folder);
  std::array<char, 64> answer;
  if (message.size() > kMostMessage || ::send(socket_, message.data(), message.size(), MSG_NOSIGNAL) < 0 ||
      ::recv(socket_, answer.data(), answer.size(), 0) <= 0)
    return fail(ErrorKind::kIo, "a gateway could not be started");
  return {};
}

Result<double> GatewayLauncher::kill9() {
  std::array<char, 64> answer{};
  if (::send(socket_, "kill", 4, MSG_NOSIGNAL) < 0 || ::recv(socket_, answer.data(), answer.size() - 1, 0) <= 0)
    return fail(ErrorKind::kIo, "a gateway could not be killed");
  return std::strtod(answer.data(), nullptr);
}

Result<KillFigures> measure_killing(FileIo& io, GatewayLauncher& launcher, const std::string& folder, int kills, Account& account,
                                    const EventsProgress& progress) {
  using Number = std::pair<std::string, std::uint64_t>;
  KillFigures figures;
  std::vector<std::pair<Number, std::string>> got;
  std::uint64_t gaps = 0;
  std::mt19937 random(6);
  std::uniform_int_distribution<int> lasts(300, 900);
  try {
    kanhu_client::Options options;
    options.live = "ipc://" + folder + "/live";
    options.query = "ipc://" + folder + "/query";
    options.after = kanhu_client::Place{};
    options.patience = 2'000ms;
    kanhu_client::Subscriber subscriber(std::move(options));
    const auto follow_until = [&](Steady::time_point until) {
      while (Steady::now() < until) {
        const auto item = subscriber.next(std::max(1ms, std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now())));
        if (!item) continue;
        if (std::holds_alternative<kanhu_client::Gap>(*item)) ++gaps;
        if (const auto* event = std::get_if<kanhu_client::Event>(&*item))
          got.push_back({{event->epoch, event->seq}, canonical_json(event->payload)});
      }
    };
    for (int kill = 0; kill < kills; ++kill) {
      progress(fmt::format("kill -9 of the gateway, {} of {}", kill + 1, kills));
      if (auto started = launcher.start(folder, kUnderFault); !started) return tl::unexpected(started.error());
      follow_until(Steady::now() + std::chrono::milliseconds(lasts(random)));
      auto memory = launcher.kill9();
      if (!memory) return tl::unexpected(memory.error());
      figures.memory_mib = std::max(figures.memory_mib, *memory);
      ++figures.kills;
    }
    // The last one accepts nothing: everything can be had from it.
    if (auto started = launcher.start(folder, 0); !started) return tl::unexpected(started.error());
    const auto patience = Steady::now() + 60s;
    for (std::size_t before = 0; Steady::now() < patience && (got.size() != before || got.empty());) {
      before = got.size();
      follow_until(Steady::now() + 3s);
    }
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("the C++ client: ") + error.what());
  }
  if (auto ended = launcher.kill9(); !ended) return tl::unexpected(ended.error());

  std::map<Number, std::string> kept;
  std::map<Number, std::size_t> place;
  const auto read = journal::read_journal(io, folder + "/journal", [&](const journal::JournalRecord& record) {
    const Number number{record.id.epoch, record.id.seq};
    place.emplace(number, place.size());
    kept.emplace(number, record.body);
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  Account mine;
  mine.expected = kept.size();
  mine.received = got.size();
  mine.lost = gaps;
  std::size_t last = 0;
  bool first = true;
  for (const auto& [number, body] : got) {
    const auto found = place.find(number);
    // Shown as durable and not in the journal, or there with another content: both are losses.
    if (found == place.end()) {
      ++mine.lost;
      continue;
    }
    const auto stands = kept.find(number);
    if (stands == kept.end()) {
      ++mine.repeated;
      continue;
    }
    if (stands->second != body) ++mine.lost;
    if (!first && found->second < last) ++mine.misordered;
    last = std::max(last, found->second);
    first = false;
    kept.erase(stands);
  }
  mine.lost += kept.size();
  account.add(mine);
  figures.events = mine.expected;
  return figures;
}

}  // namespace kanhu::bench
