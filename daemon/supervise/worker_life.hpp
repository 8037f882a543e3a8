// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/backoff.hpp"
#include "base/descriptor.hpp"
#include "daemon/supervise/hearing_watch.hpp"
#include "daemon/supervise/worker_admission.hpp"
#include "daemon/supervise/worker_process.hpp"
#include "daemon/supervise/workers.hpp"
#include "pipelines/relay/channel.hpp"

namespace kanhu {

// One life of one worker.
struct Workers::Process {
  Process(std::size_t which, bool replay) : number(which), admission(which, replay) {}

  const std::size_t number;
  WorkerAdmission admission;
  WorkerOutput output{Descriptor()};  // of the reader
  std::vector<std::string> files;
  std::unique_ptr<relay::Channel> channel;
  int pid = 0;
  std::thread reader;
  Descriptor statm;
  Descriptor end;         // readable once the process has ended
  bool has_died = false;  // of the reader: nothing new comes
  std::thread body;       // in one process
  std::atomic<bool> gone{false};
  // Guarded by Workers::mutex_:
  MonoTime started{};
  MonoTime spoke{};
  std::uint64_t progress = 0;
  MonoTime moved{};  // when analysis last finished something, or had nothing to do
  bool heard = false;
  HearingWatch hearing;
  std::optional<MonoTime> stopped;
  std::uint64_t resident = 0;
  std::string sentence;             // why we killed it
  std::optional<MonoTime> refused;  // in one process: when that was last said
  std::string last_cause;
  int restarts = 0;
  Backoff backoff{std::chrono::seconds(1), std::chrono::seconds(30), std::chrono::seconds(1)};
  std::optional<MonoTime> restart_at;
  std::optional<MonoTime> retired;  // since when
};

}  // namespace kanhu
