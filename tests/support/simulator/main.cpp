// SPDX-License-Identifier: MIT
// kanhu-simulator: simulated cameras for trying things out; see docs/simulator.md.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/support/simulator/simulator.hpp"

namespace {

namespace sim = kanhu::simulator;

constexpr int kUsage = 64;
constexpr int kUnavailable = 69;

void say(const std::string& line) { std::cout << line << '\n' << std::flush; }

// Answers commands until `quit` or a signal. The end of standard input is not the end: it may be /dev/null.
void serve(sim::Simulator& simulator, int signals) {
  std::array<pollfd, 2> wait = {{{signals, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  std::string pending;
  for (;;) {
    if (poll(wait.data(), wait.size(), -1) < 0 || (wait[0].revents & POLLIN) != 0) return;
    if (wait[1].revents == 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count <= 0) {
      wait[1].fd = -1;
      continue;
    }
    pending.append(bytes.data(), static_cast<std::size_t>(count));
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      const std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      if (line.empty()) continue;
      if (line == "quit") {
        say("ok quit");
        return;
      }
      say(simulator.command(line));
    }
  }
}

int run(const std::vector<std::string>& cameras, bool demo, bool long_gop, sim::Options options) {
  if (demo) {
    const char* password = std::getenv("KANHU_SIMULATOR_PASSWORD");
    options.cameras = sim::demo_cameras(password == nullptr ? "right-horse-42" : password);
  }
  for (const std::string& text : cameras) {
    auto camera = sim::parse_camera(text);
    if (!camera) {
      fmt::print(stderr, "kanhu-simulator: --camera {}\n", camera.error().message);
      return kUsage;
    }
    options.cameras.push_back(*camera);
  }
  if (options.cameras.empty()) {
    fmt::print(stderr, "kanhu-simulator: nothing to serve: give --demo or --camera name=...\n");
    return kUsage;
  }
  if (long_gop) {
    for (auto& camera : options.cameras) camera.gop_seconds = 50;
  }
  // Before any thread starts, so that every thread leaves these signals to `serve`.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const int signals = signalfd(-1, &set, SFD_CLOEXEC);
  auto simulator = sim::Simulator::start(std::move(options));
  if (!simulator) {
    fmt::print(stderr, "kanhu-simulator: {}\n", simulator.error().message);
    return kUnavailable;
  }
  say(fmt::format("listening on 127.0.0.1:{}", (*simulator)->port()));
  serve(**simulator, signals);
  alarm(2);  // an end that takes longer is ended by the system
  simulator->reset();
  close(signals);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulated cameras: RTSP on loopback, with faults on command (one a line on standard input).", "kanhu-simulator");
  sim::Options options;
  std::vector<std::string> cameras;
  std::string faces;
  bool demo = false;
  bool long_gop = false;
  bool die_with_parent = false;
  app.add_option("--camera", cameras, "name=entrance,scene=walk,codec=h264,size=1280x720,...; repeatable")
      ->allow_extra_args(false)
      ->delimiter('\0');
  app.add_flag("--demo", demo, "the six cameras of config/demo.yaml");
  app.add_option("--faces", faces, "folder with photographs of faces (jpg, png); without it, painted ones");
  app.add_option("--port", options.port, "port on 127.0.0.1; 0 = any free one")->check(CLI::Range(0, 65535));
  app.add_flag("--long-gop", long_gop, "a key frame only every 50 s, for every camera");
  app.add_flag("--die-with-parent", die_with_parent, "end when the starting process ends");
  CLI11_PARSE(app, argc, argv);
  if (die_with_parent) {
    const pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) return 0;
  }
  options.faces = faces;
  return run(cameras, demo, long_gop, std::move(options));
}
