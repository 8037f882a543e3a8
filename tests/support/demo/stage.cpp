// SPDX-License-Identifier: MIT
#include "tests/support/demo/stage.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kanhu::demo {
namespace {

constexpr const char* kMarker = ".made-by-kanhu-demo";
constexpr std::uint16_t kLowest = 20000, kHighest = 31999;  // outgoing connections begin at 32768 (ip_local_port_range)

bool is_free(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const int on = 1;  // as libzmq does: what a gateway left in TIME_WAIT is free
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return bound;
}

Result<std::uint16_t> free_port(std::uint16_t wanted) {
  if (is_free(wanted)) return wanted;
  std::random_device random;
  std::uniform_int_distribution<int> any(kLowest, kHighest);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto port = static_cast<std::uint16_t>(any(random));
    if (is_free(port)) return port;
  }
  return fail(ErrorKind::kRefused, "no free port on 127.0.0.1");
}

// Replaces every `from`; how many.
int replace_all(std::string& text, const std::string& from, const std::string& to) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size(), ++count) text.replace(at, from.size(), to);
  return count;
}

}  // namespace

Result<Ports> choose_ports() {
  Ports ports;
  for (auto [port, wanted] : {std::pair{&ports.live, 5556}, {&ports.query, 5557}, {&ports.metrics, 9464}}) {
    auto found = free_port(static_cast<std::uint16_t>(wanted));
    if (!found) return tl::make_unexpected(found.error());
    *port = *found;
  }
  return ports;
}

Result<std::string> stage_config(const std::string& demo_yaml, const Ports& ports) {
  std::string text = "\n" + demo_yaml;
  const auto local = [](const char* before, std::uint16_t port) { return fmt::format("{}127.0.0.1:{}", before, port); };
  const std::pair<std::string, std::string> replacements[] = {
      {"\n  data_dir: ../run/demo", "\n  data_dir: ."},
      {"\n  secrets_dir: ../run/demo/secrets", "\n  secrets_dir: ./secrets"},
      {"\n  live: tcp://127.0.0.1:5556", local("\n  live: tcp://", ports.live)},
      {"\n  query: tcp://127.0.0.1:5557", local("\n  query: tcp://", ports.query)},
      {"rtsp://127.0.0.1:8554/", local("rtsp://", ports.rtsp) + "/"},
      {"\npublish:\n", fmt::format("\nmetrics:\n  listen: 127.0.0.1:{}\n\npublish:\n", ports.metrics)},
  };
  if (text.find("\nmetrics:") != std::string::npos)
    return fail(ErrorKind::kInvalidConfig, "the demo's configuration may not have a section metrics: the demo adds its own");
  for (const auto& [from, to] : replacements) {
    if (replace_all(text, from, to) == 0) {
      const std::size_t begin = from.find_first_not_of('\n');
      return fail(ErrorKind::kInvalidConfig, fmt::format("the demo's configuration has no \"{}\" to put a real value in",
                                                         from.substr(begin, from.find('\n', begin) - begin)));
    }
  }
  return text.substr(1);
}

Result<void> prepare_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) return fail(ErrorKind::kIo, fmt::format("cannot make {}: {}", folder, problem.message()));
  for (const char* name : {"/lock", "/lock.workers"}) {
    const int lock = ::open((folder + name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) continue;
    const bool is_free_now = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
    ::close(lock);
    if (!is_free_now) return fail(ErrorKind::kClosed, fmt::format("a gateway runs in {}: stop it, or give --run-dir", folder));
  }
  const bool is_ours = fs::exists(folder + "/" + kMarker, problem);
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (!is_ours) return fail(ErrorKind::kPermission, fmt::format("{} holds files no demo has made: give --run-dir", folder));
    if (entry.path().filename() == kMarker) continue;
    fs::remove_all(entry.path(), problem);
    if (problem) return fail(ErrorKind::kIo, fmt::format("cannot empty {}: {}", folder, problem.message()));
  }
  return write_text(folder + "/" + kMarker, "kanhu-demo empties this folder at its start\n");
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::kNotFound, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail(ErrorKind::kIo, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace kanhu::demo
