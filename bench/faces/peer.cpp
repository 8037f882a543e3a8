// SPDX-License-Identifier: MIT
#include "bench/faces/peer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.hpp"

namespace kanhu::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMilliseconds = 60'000;
constexpr std::size_t kLongestAnswer = 1 << 20;
constexpr auto kLeave = std::chrono::milliseconds(2000);  // for ending by itself

}  // namespace

Result<std::unique_ptr<Peer>> Peer::start(const std::string& executable) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(ErrorKind::kIo, fmt::format("{}: no socket for it: {}", executable, std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string program = executable;
  std::array<char*, 2> arguments{program.data(), nullptr};
  pid_t process = -1;
  const int problem = ::posix_spawn(&process, executable.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::unique_ptr<Peer> peer(new Peer);
  peer->name_ = fs::path(executable).filename().string();
  peer->socket_ = ends[0];
  if (problem != 0) return fail(ErrorKind::kIo, fmt::format("{}: cannot be started: {}", executable, std::strerror(problem)));
  peer->process_ = process;
  return peer;
}

Peer::~Peer() {
  if (socket_ >= 0) ::close(socket_);
  if (process_ <= 0) return;
  for (auto waited = std::chrono::milliseconds(0); waited < kLeave; waited += std::chrono::milliseconds(10)) {
    if (::waitpid(process_, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

Result<Look> Peer::look(const std::string& picture_path) {
  if (socket_ < 0) return fail(ErrorKind::kClosed, fmt::format("peer {}: it has failed before", name_));
  const std::string question = picture_path + "\n";
  const auto given_up = [&](Error error) {
    ::close(socket_);
    socket_ = -1;
    return tl::unexpected(std::move(error));
  };
  if (::send(socket_, question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    return given_up({ErrorKind::kClosed, fmt::format("peer {}: it has ended", name_)});
  auto answer = line();
  if (!answer) return given_up(answer.error());
  auto look = look_in(*answer, name_);
  if (!look) return given_up(look.error());
  return look;
}

Result<std::string> Peer::line() {
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string answer = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return answer;
    }
    if (unread_.size() > kLongestAnswer) return fail(ErrorKind::kCorrupt, fmt::format("peer {}: its answer never ends", name_));
    pollfd wait{socket_, POLLIN, 0};
    const int ready = ::poll(&wait, 1, kPatienceMilliseconds);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail(ErrorKind::kTimeout, fmt::format("peer {}: no answer in {} s", name_, kPatienceMilliseconds / 1000));
    std::array<char, 4096> bytes;
    const ssize_t count = ready < 0 ? -1 : ::read(socket_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(ErrorKind::kClosed, fmt::format("peer {}: it ended without an answer", name_));
    unread_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

Result<Look> look_in(std::string_view answer, const std::string& peer) {
  const auto wrong = [&] {
    return fail(ErrorKind::kCorrupt,
                fmt::format("peer {}: its answer is not {{\"file\", \"ms\", \"boxes\": [[x, y, width, height, score], ...]}}", peer));
  };
  const auto json = parse_json(answer, kLongestAnswer);
  if (!json || !json->is_object() || !json->contains("ms") || !json->contains("boxes")) return wrong();
  const Json &took = json->at("ms"), &boxes = json->at("boxes");
  if (!took.is_number() || !boxes.is_array()) return wrong();
  Look look;
  look.milliseconds = took.get<double>();
  for (const Json& box : boxes) {
    if (!box.is_array() || box.size() != 5 || !std::all_of(box.begin(), box.end(), [](const Json& one) { return one.is_number(); }))
      return wrong();
    look.found.push_back({box[0].get<double>(), box[1].get<double>(), box[2].get<double>(), box[3].get<double>(), box[4].get<double>()});
  }
  return look;
}

Result<std::vector<std::string>> executables_in(const std::string& folder) {
  std::error_code problem;
  std::vector<std::string> found;
  for (auto entry = fs::directory_iterator(folder, problem); !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && ::access(entry->path().c_str(), X_OK) == 0) found.push_back(entry->path().string());
  }
  if (problem) return fail(ErrorKind::kNotFound, fmt::format("{}: {}", folder, problem.message()));
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::unique_ptr<PictureFolder>> PictureFolder::make() {
  std::error_code problem;
  const fs::path root = fs::temp_directory_path(problem);
  std::string pattern = ((problem ? fs::path("/tmp") : root) / "kanhu-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail(ErrorKind::kIo, fmt::format("{}: {}", pattern, std::strerror(errno)));
  return std::unique_ptr<PictureFolder>(new PictureFolder(pattern));
}

PictureFolder::~PictureFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace kanhu::bench
