// SPDX-License-Identifier: MIT
#include "daemon/supervise/workers.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <poll.h>

#include "base/descriptor.hpp"
#include "base/digest.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "daemon/build_info.hpp"
#include "daemon/gateway/data_folder.hpp"
#include "daemon/supervise/message_bounds.hpp"
#include "daemon/supervise/worker_life.hpp"
#include "daemon/supervise/worker_process.hpp"
#include "daemon/worker/worker.hpp"

namespace kanhu {
namespace {

// Work without an end shows by the processor time that one picture takes of its own thread; what starves on a busy machine takes little,
// what hangs takes none.
constexpr auto kSpinning = std::chrono::seconds(3);  // of processor time, on one picture
constexpr auto kClosing = std::chrono::seconds(10);  // of processor time, after a session was to end
constexpr auto kHanging = std::chrono::seconds(10);
constexpr auto kSilent = std::chrono::seconds(4);
constexpr auto kStopped = std::chrono::seconds(1);   // by SIGSTOP
constexpr auto kStartUp = std::chrono::seconds(20);  // loading models on a busy small box
constexpr auto kSendPatience = std::chrono::seconds(2);
constexpr auto kRetires = std::chrono::seconds(10);
constexpr auto kStableRun = std::chrono::seconds(60);
constexpr int kLookForEnd = 500;  // ms; where the end of a process cannot be waited for

}  // namespace

Workers::Workers(Options options, Upcalls upcalls, const Clock& clock)
    : options_(std::move(options)), upcalls_(std::move(upcalls)), clock_(clock) {}

Workers::~Workers() { stop(std::chrono::seconds(5)); }

Result<std::size_t> Workers::start(std::vector<std::string> files) {
  std::size_t number;
  {
    std::scoped_lock lock(mutex_);
    const auto free = std::find_if(processes_.begin(), processes_.end(), [](const auto& each) { return each->retired && each->gone; });
    number = static_cast<std::size_t>(free - processes_.begin());
    if (free == processes_.end()) {
      processes_.push_back(std::make_shared<Process>(number, options_.setup.replay));
      processes_.back()->gone = true;
      processes_.back()->retired = MonoTime{};
    }
  }
  if (auto launched = launch(number, std::move(files)); !launched) return tl::make_unexpected(launched.error());  // the place stays free
  return number;
}

Result<void> Workers::launch(std::size_t number, std::vector<std::string> files) {
  auto ends = relay::Channel::make_pair();
  if (!ends) return tl::make_unexpected(ends.error());
  auto process = std::make_shared<Process>(number, options_.setup.replay);
  process->channel = std::move(ends->first);
  process->files = std::move(files);
  process->started = process->spoke = process->moved = clock_.mono();
  if (options_.in_process) {
    process->body =
        std::thread([end = std::move(ends->second)]() mutable { faults::contained("worker", [&] { run_worker(std::move(end), false); }); });
  } else {
    const Descriptor held = options_.data_dir.empty() ? Descriptor() : hold_for_worker(options_.data_dir);
    auto spawned = spawn_worker(ends->second->descriptor(), held.get(), number);
    if (!spawned) return tl::make_unexpected(spawned.error());
    process->pid = spawned->pid;
    process->output = WorkerOutput(std::move(spawned->output));
    process->statm = open_statm(process->pid);
    process->end = open_end(process->pid);
    limit_worker(process->pid, options_.memory_bytes);
    ends->second.reset();
  }
  process->channel->set_send_patience(kSendPatience);
  // Both fit into the socket's buffer: neither send waits for the other side.
  (void)process->channel->send(relay::Hello{relay::kSchema, build_name()});
  relay::Setup setup = options_.setup;
  setup.files.insert(setup.files.end(), process->files.begin(), process->files.end());
  (void)process->channel->send(setup);
  std::shared_ptr<Process> old;
  {
    std::scoped_lock lock(mutex_);
    old = processes_[number];
    if (!old->retired) {
      process->restarts = old->restarts;
      process->backoff = old->backoff;
      process->last_cause = old->last_cause;
    }
    processes_[number] = process;
  }
  if (old->reader.joinable()) old->reader.join();
  process->reader = std::thread([this, number, process] { read(number, process); });
  return {};
}

Result<std::shared_ptr<Workers::Process>> Workers::running(std::size_t worker) {
  std::scoped_lock lock(mutex_);
  if (worker >= processes_.size()) return fail(ErrorKind::kInternal, "no such worker");
  if (processes_[worker]->gone || !processes_[worker]->channel) return fail(ErrorKind::kClosed, "the worker is being restarted");
  return processes_[worker];
}

Result<void> Workers::send(std::size_t worker, const relay::Message& message) {
  const auto process = running(worker);
  if (!process) return tl::make_unexpected(process.error());
  (*process)->admission.told(message);
  auto sent = (*process)->channel->send(message);
  if (!sent && sent.error().kind == ErrorKind::kTimeout) kill(**process, "does not read its orders");
  if (sent) count_told(**process);
  return sent;
}

Result<void> Workers::try_send(std::size_t worker, const relay::Message& message) {
  const auto process = running(worker);
  if (!process) return tl::make_unexpected(process.error());
  (*process)->admission.told(message);
  auto sent = (*process)->channel->try_send(message);
  if (sent) count_told(**process);
  return sent;
}

void Workers::count_told(Process& process) {
  std::scoped_lock lock(mutex_);
  process.hearing.told();
}

void Workers::read(std::size_t number, const std::shared_ptr<Process>& process) {
  name_this_thread(fmt::format("relay/{}", number));
  while (hear(*process)) {
  }
  std::string cause;
  if (process->pid != 0) {
    process->channel->shut_down();
    cause = reap_worker(process->pid);
    for (const std::string& line : process->output.last_words())
      (void)take(*process, relay::LogLine{static_cast<int>(log::Level::kError), "stderr", line}, 0);
  } else {
    process->channel->shut_down();
    if (process->body.joinable()) process->body.join();
    cause = "ended";
  }
  bool stopping = false;
  {
    std::scoped_lock lock(mutex_);
    stopping = stopping_ || process->retired;
    if (!process->sentence.empty()) cause = process->sentence;
    process->last_cause = cause;
    if (clock_.mono() - process->started > kStableRun) process->backoff.reset();
    ++process->restarts;
    process->gone = true;
  }
  if (stopping) return;
  upcalls_.lost(number, cause);
  // Only now may another life begin. The first restart is immediate: its cameras are to be blind for less than 5 s.
  std::scoped_lock lock(mutex_);
  if (process->retired) return;  // meanwhile
  const bool first = process->backoff.attempts() == 0;
  const auto wait = process->backoff.next(random_u64());
  process->restart_at = clock_.mono() + (first ? std::chrono::milliseconds(0) : wait);
}

// Waits for the next thing that a worker says, and takes it. False when it has nothing more to say.
bool Workers::hear(Process& process) {
  const bool to_watch = process.pid != 0 && !process.has_died;
  pollfd ends[] = {
      {process.channel->descriptor(), POLLIN, 0}, {process.output.descriptor(), POLLIN, 0}, {to_watch ? process.end.get() : -1, POLLIN, 0}};
  if (::poll(ends, 3, to_watch && !process.end.is_open() ? kLookForEnd : -1) < 0) return errno == EINTR;
  if (to_watch && (process.end.is_open() ? ends[2].revents != 0 : has_ended(process.pid))) {
    // What it started may hold its end of the socket for ever: what was said is read, then comes end of file.
    process.has_died = true;
    process.channel->shut_down();
  }
  if (ends[1].revents != 0) {
    for (const std::string& line : process.output.read())
      if (!take(process, relay::LogLine{static_cast<int>(log::Level::kError), "stderr", line}, line.size())) return false;
  }
  if (ends[0].revents == 0) return true;
  auto message = process.channel->receive();
  if (message) return take(process, std::move(*message), process.channel->received_bytes());
  if (message.error().kind != ErrorKind::kCorrupt) return false;
  const auto answer = process.admission.garbled(clock_.mono());
  if (answer.verdict == WorkerAdmission::Verdict::kKill) return refuse(process, answer.why);
  log::error("workers", "worker {}: {}", process.number, plain_text(message.error().message, 200));
  return true;
}

// False: it is not listened to any more.
bool Workers::take(Process& process, relay::Message message, std::size_t bytes) {
  const MonoTime now = clock_.mono();
  const auto answer = process.admission.judge(message, bytes, now, clock_.wall());
  if (answer.verdict == WorkerAdmission::Verdict::kKill) return refuse(process, answer.why);
  if (const auto notice = process.admission.left_out(now))
    upcalls_.message(process.number, relay::LogLine{static_cast<int>(log::Level::kWarning), "worker", *notice});
  if (answer.verdict == WorkerAdmission::Verdict::kLeaveOut) return true;
  if (const auto* stats = std::get_if<relay::WorkerReport>(&message)) return watch_work(process, *stats, now);
  if (const auto* hello = std::get_if<relay::Hello>(&message)) {
    if (hello->schema == relay::kSchema && hello->build == build_name()) return true;
    log::error("workers", "worker {} is another build ({}): refused", process.number, plain_text(hello->build, 80));
    return false;
  }
  upcalls_.message(process.number, std::move(message));
  return true;
}

bool Workers::watch_work(Process& process, const relay::WorkerReport& stats, MonoTime now) {
  bool deaf = false;
  {
    std::scoped_lock lock(mutex_);
    process.spoke = now;
    process.heard = true;
    if (stats.progress != process.progress || stats.idle) process.moved = now;
    process.progress = stats.progress;
    deaf = process.hearing.is_deaf(stats.handled, now) && !options_.for_command;  // a command may have a file of hours read whole
  }
  if (deaf) kill(process, fmt::format("does nothing that it was told for {} s", HearingWatch::kPatience.count()));
  for (const auto& work : stats.at_work) {
    const auto used = std::chrono::milliseconds(std::min<std::uint64_t>(work.processor_ms, 1'000'000'000));
    if (!work.closing && used > kSpinning)
      kill(process, fmt::format("spun: {:.1f} s of processor time on one picture of camera {}", to_seconds(used), work.camera));
    if (work.closing && used > kClosing)
      kill(process,
           fmt::format("spun: {:.1f} s of processor time in a session of camera {} that was to end", to_seconds(used), work.camera));
  }
  return true;
}

// A worker that says what is not its own to say has been taken over: nothing it says counts any more. A thread of this process cannot be
// ended: what it says is left out.
bool Workers::refuse(Process& process, const std::string& why) {
  if (process.pid != 0) {
    kill(process, why);
    return false;
  }
  const MonoTime now = clock_.mono();
  std::scoped_lock lock(mutex_);
  if (process.refused && now - *process.refused < std::chrono::minutes(1)) return true;
  process.refused = now;
  log::error("workers", "worker {} {}: left out", process.number, why);
  return true;
}

// With mutex_ held.
void Workers::judge(Process& process, MonoTime now) {
  if (process.gone || process.pid == 0 || !process.sentence.empty()) return;
  if (process.retired) {
    if (now - *process.retired > kRetires) kill_worker(process.pid);
    return;
  }
  process.resident = resident_bytes(process.statm);
  if (!is_stopped(process.pid)) {
    process.stopped.reset();
  } else if (!process.stopped) {
    process.stopped = now;
  }
  if (options_.for_command && process.resident <= options_.memory_bytes) return;
  if (process.resident > options_.memory_bytes) {
    process.sentence = fmt::format("used {} MiB of memory, {} allowed", process.resident >> 20, options_.memory_bytes >> 20);
  } else if (now - process.spoke > (process.heard ? std::chrono::nanoseconds(kSilent) : std::chrono::nanoseconds(kStartUp))) {
    process.sentence = "fell silent";
  } else if (process.stopped && now - *process.stopped > kStopped) {
    process.sentence = kWasStopped;
  } else if (process.heard && now - process.moved > kHanging) {
    process.sentence = "hung: no analysis finished for 10 s although some waited";
  }
  if (process.sentence.empty()) return;
  if (!options_.for_command) log::error("workers", "worker {} {}: killed", process.number, process.sentence);
  kill_worker(process.pid);
}

void Workers::kill(Process& process, const std::string& sentence) {
  std::scoped_lock lock(mutex_);
  if (process.gone || process.pid == 0 || !process.sentence.empty()) return;
  process.sentence = sentence;
  if (!options_.for_command) log::error("workers", "worker {} {}: killed", process.number, sentence);
  kill_worker(process.pid);
}

void Workers::end(std::size_t worker, const std::string& sentence) {
  if (const auto process = running(worker)) kill(**process, sentence);
}

std::vector<std::size_t> Workers::watch() {
  std::vector<std::size_t> due;
  {
    std::scoped_lock lock(mutex_);
    const MonoTime now = clock_.mono();
    // After a pause of this whole process (a stopped machine, a long reload) nobody could have been heard.
    const bool was_away = watched_ != MonoTime{} && now - watched_ > std::chrono::seconds(1);
    watched_ = now;
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (was_away) {
        processes_[i]->spoke = processes_[i]->moved = now;
        processes_[i]->stopped.reset();
      }
      judge(*processes_[i], now);
      if (processes_[i]->gone && processes_[i]->restart_at && *processes_[i]->restart_at <= now && !stopping_ && !options_.for_command) {
        processes_[i]->restart_at.reset();
        due.push_back(i);
      }
    }
  }
  std::vector<std::size_t> started;
  for (std::size_t number : due) {
    std::vector<std::string> files;
    {
      std::scoped_lock lock(mutex_);
      files = processes_[number]->files;
    }
    if (auto launched = launch(number, std::move(files))) {
      started.push_back(number);
      continue;
    } else {
      log::error("workers", "{}", launched.error().message);
    }
    std::scoped_lock lock(mutex_);
    processes_[number]->restart_at = clock_.mono() + processes_[number]->backoff.next(random_u64());
  }
  return started;
}

void Workers::retire(std::size_t worker) {
  std::shared_ptr<Process> process;
  {
    std::scoped_lock lock(mutex_);
    if (worker >= processes_.size() || processes_[worker]->retired) return;
    process = processes_[worker];
    process->retired = clock_.mono();
    process->restart_at.reset();
  }
  if (process->channel && !process->gone) (void)process->channel->try_send(relay::Drain{});
}

void Workers::stop(std::chrono::milliseconds deadline) {
  std::vector<std::shared_ptr<Process>> processes;
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
    processes = processes_;
  }
  for (auto& process : processes) {
    if (process->channel && !process->gone) (void)process->channel->try_send(relay::Drain{});
  }
  const MonoTime until = clock_.mono() + deadline;
  for (auto& process : processes) {
    while (!process->gone && process->pid != 0 && clock_.mono() < until) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!process->gone && process->pid != 0) {
      log::warning("workers", "worker {} did not drain in time: killed", process->number);
      kill_worker(process->pid);
    }
    if (process->reader.joinable()) process->reader.join();
  }
  std::scoped_lock lock(mutex_);
  processes_.clear();
}

std::vector<Workers::View> Workers::view() const {
  std::scoped_lock lock(mutex_);
  std::vector<View> views;
  for (const auto& process : processes_) {
    views.push_back(
        {process->pid, !process->gone, process->retired.has_value(), process->restarts, process->resident, process->last_cause});
  }
  return views;
}

}  // namespace kanhu
