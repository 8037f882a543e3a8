// SPDX-License-Identifier: MIT
#include "tests/support/demo/children.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kanhu::demo {
namespace {

void close_all(std::initializer_list<int> descriptors) {
  for (const int descriptor : descriptors) {
    if (descriptor >= 0) ::close(descriptor);
  }
}

// Between fork and exec: only what signal-safety(7) allows.
[[noreturn]] void become(const char* program, char* const* arguments, char* const* environment, int in, int out, int err, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(program, arguments, environment);
  ::_exit(127);
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : more) replaced = replaced || text.rfind(name + "=", 0) == 0;
    if (!replaced) all.push_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<Child> Child::start(const ChildSpec& spec) {
  if (::access(spec.program.c_str(), X_OK) != 0) {
    return fail(ErrorKind::kNotFound, fmt::format("cannot run {}: {}", spec.program, std::strerror(errno)));
  }
  const int log = ::open(spec.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log < 0) return fail(ErrorKind::kIo, fmt::format("cannot write {}: {}", spec.log, std::strerror(errno)));
  std::array<int, 2> to{-1, -1}, from{-1, -1};
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (spec.talks && (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0)) {
    const int cause = errno;
    close_all({log, nothing, to[0], to[1], from[0], from[1]});
    return fail(ErrorKind::kIo, fmt::format("no pipe to {}: {}", spec.program, std::strerror(cause)));
  }
  std::vector<std::string> argument_texts = spec.arguments, environment_texts = environment_with(spec.environment);
  argument_texts.insert(argument_texts.begin(), spec.program);
  const auto arguments = pointers(argument_texts), environment = pointers(environment_texts);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(spec.program.c_str(), arguments.data(), environment.data(), spec.talks ? to[0] : nothing, spec.talks ? from[1] : log, log,
           parent);
  }
  const int cause = errno;
  close_all({log, nothing, to[0], from[1]});
  if (pid < 0) {
    close_all({to[1], from[0]});
    return fail(ErrorKind::kIo, fmt::format("cannot start {}: {}", spec.program, std::strerror(cause)));
  }
  Child child;
  child.pid_ = pid;
  child.input_ = to[1];
  child.output_ = from[0];
  return child;
}

Child::Child(Child&& other) noexcept { *this = std::move(other); }

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(heard_, other.heard_);
  std::swap(status_, other.status_);
  return *this;
}

Child::~Child() {
  if (pid_ > 0 && !status_) {
    signal(SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  }
  close_all({input_, output_});
}

std::optional<int> Child::ended(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!status_) {
    int status = 0;
    const pid_t found = ::waitpid(pid_, &status, WNOHANG);
    if (found == pid_) status_ = status;
    if (status_ || std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return status_;
}

void Child::signal(int number) const {
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

Result<void> Child::say(const std::string& line) {
  const std::string text = line + "\n";
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::write(input_, text.data() + sent, text.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(ErrorKind::kClosed, fmt::format("\"{}\" could not be said: {}", line, std::strerror(errno)));
    sent += static_cast<std::size_t>(count);
  }
  return {};
}

Result<std::string> Child::hear(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (const auto end = heard_.find('\n'); end != std::string::npos) {
      std::string line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd wait{output_, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&wait, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(ErrorKind::kTimeout, "no answer in time");
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(output_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(ErrorKind::kClosed, "it has ended");
    heard_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

std::string describe_end(int wait_status) {
  return WIFSIGNALED(wait_status) ? fmt::format("signal {}", WTERMSIG(wait_status)) : fmt::format("exit code {}", WEXITSTATUS(wait_status));
}

}  // namespace kanhu::demo
