// SPDX-License-Identifier: MIT
#include "daemon/supervise/worker_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace kanhu {
namespace {

// Descriptors a worker finds open, besides the standard ones.
constexpr int kSocketDescriptor = 3;
constexpr int kLockDescriptor = 4;
constexpr std::size_t kMostOutputLine = 1000;
constexpr std::size_t kOneRead = 4096;
constexpr std::size_t kMostLastWords = 64 * 1024;  // what a pipe holds

// What libraries and tools that look at a process read. Nothing a service manager or an operator gave the gateway for itself.
constexpr std::string_view kForWorkers[] = {
    "PATH=",     "HOME=",         "LANG",          "LC_",    "TZ=",     "TMPDIR=",   "LD_",       "GST_",  "G_",
    "GLIBC_",    "MALLOC_",       "XDG_CACHE",     "ORC_",   "OPENCV_", "OPENBLAS_", "OMP_",      "GOTO_", "FAKETIME",
    "DONT_FAKE", "NO_FAKE_STAT=", "ASAN_OPTIONS=", "UBSAN_", "TSAN_",   "LSAN_",     "LLVM_PROF", "GCOV_", "KANHU_TEST_HURT="};

}  // namespace

bool is_for_workers(std::string_view line) {
  return std::any_of(std::begin(kForWorkers), std::end(kForWorkers), [&](std::string_view name) { return line.rfind(name, 0) == 0; });
}

Result<SpawnedWorker> spawn_worker(int socket, int lock, std::size_t number) {
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return fail(ErrorKind::kIo, fmt::format("cannot start a worker: {}", std::strerror(errno)));
  Descriptor from_worker(pipe_ends[0]), by_worker(pipe_ends[1]);
  (void)::fcntl(from_worker.get(), F_SETFL, O_NONBLOCK);
  // All are lifted above the places they are copied to: they may stand there themselves.
  const Descriptor safe_socket(::fcntl(socket, F_DUPFD_CLOEXEC, 10));
  const Descriptor safe_lock(lock >= 0 ? ::fcntl(lock, F_DUPFD_CLOEXEC, 10) : -1);
  const Descriptor safe_output(::fcntl(by_worker.get(), F_DUPFD_CLOEXEC, 10));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, safe_output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, safe_output.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, safe_socket.get(), kSocketDescriptor);
  if (safe_lock.is_open()) posix_spawn_file_actions_adddup2(&actions, safe_lock.get(), kLockDescriptor);
  // Whatever a library opened without close-on-exec.
  posix_spawn_file_actions_addclosefrom_np(&actions, safe_lock.is_open() ? kLockDescriptor + 1 : kSocketDescriptor + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  // A group of its own: what it leaves behind is killed with it.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> environment;
  // Numeric libraries start threads while they are loaded, before there is a sandbox; Kanhu's own threads are the parallelism. What comes
  // first counts.
  static char one_thread[] = "OPENBLAS_NUM_THREADS=1", one_omp_thread[] = "OMP_NUM_THREADS=1";
  environment.push_back(one_thread);
  environment.push_back(one_omp_thread);
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (is_for_workers(*entry)) environment.push_back(*entry);
  // GLib would otherwise load a desktop's settings (dconf), which a worker may neither read nor write.
  static char settings[] = "GSETTINGS_BACKEND=memory";
  environment.push_back(settings);
  // A worker loads the plugins it uses, by name (pipelines/ingest/gst_init), and neither reads nor writes a list of all.
  static char no_registry[] = "GST_REGISTRY_DISABLE=yes";
  environment.push_back(no_registry);
  environment.push_back(nullptr);

  std::string name = "kanhu", verb = "worker", which = std::to_string(number);
  char* arguments[] = {name.data(), verb.data(), which.data(), nullptr};
  SpawnedWorker spawned;
  const int error = posix_spawn(&spawned.pid, "/proc/self/exe", &actions, &attributes, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail(ErrorKind::kInternal, fmt::format("cannot start a worker: {}", std::strerror(error)));
  spawned.output = std::move(from_worker);
  return spawned;
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

Descriptor open_statm(int pid) { return Descriptor(::open(fmt::format("/proc/{}/statm", pid).c_str(), O_RDONLY | O_CLOEXEC)); }

std::uint64_t resident_bytes(const Descriptor& statm) {
  std::array<char, 128> text{};
  std::uint64_t all = 0, resident = 0;
  const ssize_t got = ::pread(statm.get(), text.data(), text.size() - 1, 0);
  if (got <= 0 || std::sscanf(text.data(), "%lu %lu", &all, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

bool is_stopped(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

Descriptor open_end(int pid) { return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool has_ended(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

void kill_worker(int pid) {
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

std::string reap_worker(int pid) {
  kill_worker(pid);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return how_it_ended(status);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("exited with {}", WEXITSTATUS(status));
}

std::vector<std::string> WorkerOutput::read() {
  std::vector<std::string> lines;
  std::array<char, kOneRead> bytes;
  const ssize_t got = end_.is_open() ? ::read(end_.get(), bytes.data(), bytes.size()) : 0;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return lines;
  for (ssize_t i = 0; i < got; ++i) {
    const char c = bytes[static_cast<std::size_t>(i)];
    if (c != '\n' && begun_.size() < kMostOutputLine) {
      begun_ += c;
      continue;
    }
    if (!begun_.empty()) lines.push_back(std::exchange(begun_, {}));
    if (c != '\n') begun_ += c;
  }
  if (got > 0) return lines;
  if (!begun_.empty()) lines.push_back(std::exchange(begun_, {}));
  end_ = Descriptor();
  return lines;
}

std::vector<std::string> WorkerOutput::last_words() {
  std::vector<std::string> lines;
  for (std::size_t bytes = 0; end_.is_open() && bytes < kMostLastWords; bytes += kOneRead) {
    auto more = read();
    const bool waits = more.empty();
    lines.insert(lines.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    if (waits) break;
  }
  if (!begun_.empty()) lines.push_back(std::exchange(begun_, {}));
  end_ = Descriptor();
  return lines;
}

}  // namespace kanhu
