// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "pipelines/relay/channel.hpp"

namespace kanhu {

// Starts, limits, watches and restarts workers: this same executable through /proc/self/exe, or in one process a
// thread behind the same socket. A worker that dies, spins (3 s of processor time on one picture), hangs (10 s), stands stopped for 1 s,
// falls silent for 4 s, outgrows its memory or says what it was not assigned (daemon/supervise/worker_admission) is killed and started
// again; the first restart is immediate, later ones back off 1 -> 30 s. Thread: start, watch and stop from the control thread, send from
// any. `message` and `lost` are called on a reader thread per worker, in order for one worker.
class Workers {
 public:
  // No camera can do this to its worker.
  static constexpr std::string_view kWasStopped = "was stopped by a signal";

  struct Options {
    bool in_process = false;
    relay::Setup setup;
    std::uint64_t memory_bytes = 2ull << 30;
    // Of a command: a worker is judged by its memory alone and never started again; the command limits what it waits for.
    bool for_command = false;
    std::string data_dir;  // each worker holds it, so that it stays locked until the last one has gone; empty: none
  };
  struct Upcalls {
    std::function<void(std::size_t worker, relay::Message)> message;
    std::function<void(std::size_t worker, const std::string& cause)> lost;  // it will not speak again until restarted
  };
  struct View {
    int pid = 0;  // 0: in this process or not running
    bool running = false;
    bool retired = false;  // not needed any more: its place is free
    int restarts = 0;
    std::uint64_t resident_bytes = 0;
    std::string last_cause;
  };

  Workers(Options options, Upcalls upcalls, const Clock& clock);
  ~Workers();  // as stop(5 s)

  // Starts one more worker, in the place of a retired one if there is one; its number. It has said hello and got its settings when this
  // returns.
  // `files`: recordings and devices of this machine that it may read, beside those of the settings; for all its lives.
  Result<std::size_t> start(std::vector<std::string> files = {});
  Result<void> send(std::size_t worker, const relay::Message& message);
  // As `send`, but kTimeout at once when the worker is slow to read; it is not killed for that.
  Result<void> try_send(std::size_t worker, const relay::Message& message);
  // Kills a worker that is a process, for this reason.
  void end(std::size_t worker, const std::string& sentence);
  // Kills what no longer moves and starts again what is due; the numbers of the workers started. Call every 100 ms or so.
  std::vector<std::size_t> watch();
  // Asks it to drain, and does not start it again; 10 s later it is killed.
  void retire(std::size_t worker);
  // Asks all to drain, waits until the deadline, kills the rest.
  void stop(std::chrono::milliseconds deadline);
  std::vector<View> view() const;

 private:
  struct Process;
  Result<std::shared_ptr<Process>> running(std::size_t worker);
  Result<void> launch(std::size_t number, std::vector<std::string> files);
  void read(std::size_t number, const std::shared_ptr<Process>& process);
  bool hear(Process& process);
  bool take(Process& process, relay::Message message, std::size_t bytes);
  bool watch_work(Process& process, const relay::WorkerReport& stats, MonoTime now);
  bool refuse(Process& process, const std::string& why);
  void judge(Process& process, MonoTime now);
  void count_told(Process& process);
  void kill(Process& process, const std::string& sentence);

  const Options options_;
  const Upcalls upcalls_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Process>> processes_;  // a slot keeps its number over restarts
  bool stopping_ = false;
  MonoTime watched_{};
};

}  // namespace kanhu
