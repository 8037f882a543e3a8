#include "daemon/workers.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "daemon/build_info.hpp"
#include "daemon/worker.hpp"

extern char** environ;

namespace kanhu {
namespace {

// Work without an end shows by the processor time it burns; a worker that starves on a busy machine burns little, and
// one that hangs burns none.
constexpr auto kSpinning = std::chrono::seconds(3);  // of processor time
constexpr auto kHanging = std::chrono::seconds(10);
constexpr auto kSilent = std::chrono::seconds(4);
constexpr auto kStopped = std::chrono::seconds(1);   // by SIGSTOP; a terminal's ^Z stops and continues the gateway with it
constexpr auto kStartUp = std::chrono::seconds(20);  // loading models on a busy small box
constexpr auto kSendPatience = std::chrono::seconds(2);
constexpr auto kStableRun = std::chrono::seconds(60);

// Descriptors a worker finds open, besides the standard ones.
constexpr int kSocketDescriptor = 3;
constexpr int kLockDescriptor = 4;

Result<int> spawn_worker(int socket, int lock, std::size_t number) {
  // Both are lifted above the places they are copied to: either may stand at 3 or 4 itself.
  const int safe_socket = ::fcntl(socket, F_DUPFD_CLOEXEC, 10);
  const int safe_lock = lock >= 0 ? ::fcntl(lock, F_DUPFD_CLOEXEC, 10) : -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, safe_socket, kSocketDescriptor);
  if (safe_lock >= 0) posix_spawn_file_actions_adddup2(&actions, safe_lock, kLockDescriptor);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  // What the service manager gives the gateway is not the workers'.
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    constexpr std::string_view kOurs[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "CREDENTIALS_DIRECTORY=", "LISTEN_"};
    const bool ours = std::any_of(std::begin(kOurs), std::end(kOurs), [&](std::string_view name) { return text.rfind(name, 0) == 0; });
    if (!ours) environment.push_back(*entry);
  }
  environment.push_back(nullptr);

  std::string name = "kanhu", verb = "worker", which = std::to_string(number);
  char* arguments[] = {name.data(), verb.data(), which.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(safe_socket);
  if (safe_lock >= 0) ::close(safe_lock);
  if (error != 0) return fail(ErrorKind::kInternal, fmt::format("cannot start a worker: {}", std::strerror(error)));
  return pid;
}

void limit_worker(int pid, std::uint64_t memory_bytes) {
  // The resident size is watched; the address space (stacks, code, decoder pools that are never touched) is only a
  // backstop against a jump between two looks.
  const rlimit address_space{memory_bytes * 4, memory_bytes * 4};
  const rlimit no_core{0, 0};
  const rlimit files{4096, 4096};
  ::prlimit(pid, RLIMIT_AS, &address_space, nullptr);
  ::prlimit(pid, RLIMIT_CORE, &no_core, nullptr);
  ::prlimit(pid, RLIMIT_NOFILE, &files, nullptr);
}

std::uint64_t resident_bytes(int pid) {
  std::uint64_t all = 0, resident = 0;
  if (std::FILE* file = std::fopen(fmt::format("/proc/{}/statm", pid).c_str(), "re")) {
    if (std::fscanf(file, "%lu %lu", &all, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::chrono::nanoseconds processor_time(int pid) {
  clockid_t clock = 0;
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

bool is_stopped(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("exited with {}", WEXITSTATUS(status));
}

}  // namespace

// One life of one worker.
struct Workers::Process {
  std::size_t number = 0;
  std::unique_ptr<relay::Channel> channel;
  int pid = 0;
  std::thread reader;
  std::thread body;  // in one process
  std::atomic<bool> gone{false};
  // Guarded by Workers::mutex_:
  MonoTime started{};
  MonoTime spoke{};
  std::uint64_t progress = 0;
  MonoTime moved{};                        // when analysis last finished something, or had nothing to do
  std::chrono::nanoseconds moved_used{0};  // processor time used until then
  bool heard = false;
  std::optional<MonoTime> stopped;
  std::uint64_t resident = 0;
  std::string sentence;  // why we killed it
  std::string last_cause;
  int restarts = 0;
  Backoff backoff{std::chrono::seconds(1), std::chrono::seconds(30), std::chrono::seconds(1)};
  std::optional<MonoTime> restart_at;
};

Workers::Workers(Options options, Upcalls upcalls, const Clock& clock)
    : options_(std::move(options)), upcalls_(std::move(upcalls)), clock_(clock) {}

Workers::~Workers() { stop(std::chrono::seconds(5)); }

Result<std::size_t> Workers::start() {
  std::size_t number;
  {
    std::scoped_lock lock(mutex_);
    number = processes_.size();
    processes_.push_back(std::make_shared<Process>());
    processes_.back()->gone = true;
  }
  if (auto launched = launch(number); !launched) {
    std::scoped_lock lock(mutex_);
    processes_.pop_back();
    return tl::make_unexpected(launched.error());
  }
  return number;
}

Result<void> Workers::launch(std::size_t number) {
  auto ends = relay::Channel::make_pair();
  if (!ends) return tl::make_unexpected(ends.error());
  auto process = std::make_shared<Process>();
  process->number = number;
  process->channel = std::move(ends->first);
  process->started = process->spoke = process->moved = clock_.mono();
  if (options_.in_process) {
    process->body = std::thread([end = std::move(ends->second)]() mutable { run_worker(std::move(end), false); });
  } else {
    auto pid = spawn_worker(ends->second->descriptor(), options_.lock_descriptor, number);
    if (!pid) return tl::make_unexpected(pid.error());
    process->pid = *pid;
    limit_worker(*pid, options_.memory_bytes);
    ends->second.reset();
  }
  process->channel->set_send_patience(kSendPatience);
  // Both fit into the socket's buffer: neither send waits for the other side.
  (void)process->channel->send(relay::Hello{relay::kSchema, build_name()});
  (void)process->channel->send(options_.setup);
  std::shared_ptr<Process> old;
  {
    std::scoped_lock lock(mutex_);
    old = processes_[number];
    process->restarts = old->restarts;
    process->backoff = old->backoff;
    process->last_cause = old->last_cause;
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
  auto sent = (*process)->channel->send(message);
  if (!sent && sent.error().kind == ErrorKind::kTimeout) kill(**process, "does not read what it is told");
  return sent;
}

Result<void> Workers::try_send(std::size_t worker, const relay::Message& message) {
  const auto process = running(worker);
  return process ? (*process)->channel->try_send(message) : Result<void>(tl::make_unexpected(process.error()));
}

void Workers::read(std::size_t number, const std::shared_ptr<Process>& process) {
  name_this_thread(fmt::format("relay/{}", number));
  for (;;) {
    auto message = process->channel->receive();
    if (!message && message.error().kind == ErrorKind::kCorrupt) {
      log::error("workers", "worker {}: {}", number, message.error().message);
      continue;
    }
    if (!message) break;
    if (const auto* stats = std::get_if<relay::WorkerStats>(&*message)) {
      std::scoped_lock lock(mutex_);
      process->spoke = clock_.mono();
      process->heard = true;
      if (stats->progress != process->progress || stats->idle) {
        process->moved = process->spoke;
        process->moved_used = process->pid != 0 ? processor_time(process->pid) : std::chrono::nanoseconds(0);
      }
      process->progress = stats->progress;
      continue;
    }
    if (const auto* hello = std::get_if<relay::Hello>(&*message)) {
      if (hello->schema == relay::kSchema && hello->build == build_name()) continue;
      log::error("workers", "worker {} is another build ({}): refused", number, hello->build);
      break;
    }
    upcalls_.message(number, std::move(*message));
  }
  std::string cause;
  if (process->pid != 0) {
    ::kill(process->pid, SIGKILL);
    int status = 0;
    while (::waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
    }
    cause = how_it_ended(status);
  } else {
    process->channel->shut_down();
    if (process->body.joinable()) process->body.join();
    cause = "ended";
  }
  bool stopping = false;
  {
    std::scoped_lock lock(mutex_);
    stopping = stopping_;
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
  const bool first = process->backoff.attempts() == 0;
  const auto wait = process->backoff.next(random_u64());
  process->restart_at = clock_.mono() + (first ? std::chrono::milliseconds(0) : wait);
}

// With mutex_ held.
void Workers::judge(Process& process, MonoTime now) {
  if (process.gone || process.pid == 0 || !process.sentence.empty()) return;
  process.resident = resident_bytes(process.pid);
  if (!is_stopped(process.pid)) {
    process.stopped.reset();
  } else if (!process.stopped) {
    process.stopped = now;
  }
  if (process.resident > options_.memory_bytes) {
    process.sentence = fmt::format("used {} MiB of memory, {} allowed", process.resident >> 20, options_.memory_bytes >> 20);
  } else if (now - process.spoke > (process.heard ? std::chrono::nanoseconds(kSilent) : std::chrono::nanoseconds(kStartUp))) {
    process.sentence = "fell silent";
  } else if (process.stopped && now - *process.stopped > kStopped) {
    process.sentence = "was stopped by a signal";
  } else if (process.heard && now - process.moved > kSpinning && processor_time(process.pid) - process.moved_used > kSpinning) {
    process.sentence = "spun: 3 s of processor time and no analysis finished";
  } else if (process.heard && now - process.moved > kHanging) {
    process.sentence = "hung: no analysis finished for 10 s although some waited";
  }
  if (process.sentence.empty()) return;
  log::error("workers", "worker {} {}: killed", process.number, process.sentence);
  ::kill(process.pid, SIGKILL);
}

void Workers::kill(Process& process, const std::string& sentence) {
  std::scoped_lock lock(mutex_);
  if (process.gone || process.pid == 0) return;
  process.sentence = sentence;
  log::error("workers", "worker {} {}: killed", process.number, sentence);
  ::kill(process.pid, SIGKILL);
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
      if (processes_[i]->gone && processes_[i]->restart_at && *processes_[i]->restart_at <= now && !stopping_) {
        processes_[i]->restart_at.reset();
        due.push_back(i);
      }
    }
  }
  std::vector<std::size_t> started;
  for (std::size_t number : due) {
    if (auto launched = launch(number)) {
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
      ::kill(process->pid, SIGKILL);
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
    views.push_back({process->pid, !process->gone, process->restarts, process->resident, process->last_cause});
  }
  return views;
}

}  // namespace kanhu
