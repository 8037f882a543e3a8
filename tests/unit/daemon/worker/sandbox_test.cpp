// SPDX-License-Identifier: MIT
// From inside a worker's sandbox: what it reaches of a gateway's files.
#include "daemon/worker/sandbox.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "daemon/worker/syscall_filter.hpp"
#include "pipelines/ingest/frame_source.hpp"

namespace kanhu {
namespace {

namespace fs = std::filesystem;

// A data folder, secrets and a configuration as a gateway has them, and a recording outside.
struct Place {
  Place() : root(fs::temp_directory_path() / ("kanhu-" + random_id())) {
    for (const char* folder : {"data/journal", "data/clips/fuxing", "data/galleries", "secrets", "etc", "models", "recordings"})
      fs::create_directories(root / folder);
    for (const char* file :
         {"data/journal/1.seg", "data/galleries/fuxing.gallery", "data/endpoints.json", "data/lock", "secrets/hall", "secrets/gallery-key",
          "etc/kanhu.yaml", "data/clips/fuxing/old.mp4", "models/faces.onnx", "recordings/a.mp4", "recordings/b.mp4"})
      std::ofstream(root / file) << "something";
    setup.clips_dir = (root / "data/clips").string();
    setup.models_path = {(root / "models").string()};
    setup.files = {(root / "recordings/a.mp4").string()};
  }
  ~Place() { fs::remove_all(root); }
  std::string operator/(const char* path) const { return (root / path).string(); }

  fs::path root;
  relay::Setup setup;
};

bool opens(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
  return file >= 0;
}

// What `inside` says in a process of its own, in the sandbox; -1: it could not be entered.
int in_sandbox(const std::vector<Allowed>& allowed, const std::function<int()>& inside) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(enter_sandbox(allowed) && refuse_system_calls() ? inside() : 255);
  int status = 0;
  ::waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 254;
  return code == 255 ? -1 : code;
}

TEST_CASE("a worker is given models, its recordings, its devices and the clips folder, and nothing that holds the whole of a machine") {
  Place place;
  const auto allowed = allowed_to_worker(place.setup);
  const auto has = [&](const std::string& path, Reach reach) {
    return std::find(allowed.begin(), allowed.end(), Allowed{path, reach}) != allowed.end();
  };
  CHECK(has(place / "data/clips", Reach::kClips));
  CHECK(has(place / "models", Reach::kRead));
  CHECK(has(place / "recordings/a.mp4", Reach::kRead));
  relay::Setup with_device = place.setup;
  with_device.files.push_back("/dev/video0");
  const auto more = allowed_to_worker(with_device);
  CHECK(std::find(more.begin(), more.end(), Allowed{"/dev", Reach::kDevice}) != more.end());
  relay::Setup to_come = place.setup;
  to_come.files = {place / "recordings/later.mp4"};
  const auto folder = allowed_to_worker(to_come);
  CHECK(std::find(folder.begin(), folder.end(), Allowed{place / "recordings", Reach::kRead}) != folder.end());
  CHECK(std::count_if(allowed.begin(), allowed.end(), [](const Allowed& each) { return each.reach == Reach::kClips; }) == 1);
  for (const Allowed& each : allowed) {
    INFO(each.path);
    for (const char* whole : {"/", "/etc", "/proc", "/home", "/root", "/var", "/var/lib", "/run", "/dev", "/tmp", "/etc/kanhu"})
      CHECK(each.path != whole);
    for (const char* closed : {"data/journal/1.seg", "data/galleries/fuxing.gallery", "secrets/hall", "etc/kanhu.yaml", "data/lock"})
      CHECK((place / closed).rfind(each.path + "/", 0) != 0);
  }
}

TEST_CASE("from inside a worker galleries, secrets, journal and configuration cannot be opened, and nothing but clips is written") {
  if (landlock_version() == 0) {
    std::printf("skipped: this kernel has no Landlock (landlock(7))\n");
    return;
  }
  Place place;
  const auto allowed = allowed_to_worker(place.setup);
  const auto reads = [&](const std::string& path) { return in_sandbox(allowed, [&] { return opens(path, O_RDONLY) ? 1 : 0; }); };
  for (const char* closed : {"data/journal/1.seg", "data/galleries/fuxing.gallery", "data/endpoints.json", "data/lock", "secrets/hall",
                             "secrets/gallery-key", "etc/kanhu.yaml", "recordings/b.mp4", "secrets", "data"}) {
    INFO(closed);
    CHECK(reads(place / closed) == 0);
  }
  CHECK(reads("/etc/passwd") == 0);
  CHECK(reads("/proc/1/environ") == 0);
  CHECK(reads("/proc/" + std::to_string(::getpid()) + "/maps") == 0);
  for (const char* open : {"models/faces.onnx", "recordings/a.mp4", "data/clips/fuxing/old.mp4"}) {
    INFO(open);
    CHECK(reads(place / open) == 1);
  }
  CHECK(reads("/dev/urandom") == 1);
  CHECK(reads("/proc/self/statm") >= 0);

  const auto writes = [&](const std::string& path) {
    return in_sandbox(allowed, [&] { return opens(path, O_WRONLY | O_CREAT | O_TRUNC) ? 1 : 0; });
  };
  for (const char* closed : {"data/journal/2.seg", "data/journal/1.seg", "data/galleries/x.gallery", "secrets/hall", "models/faces.onnx",
                             "recordings/a.mp4", "data/x", "etc/kanhu.yaml"}) {
    INFO(closed);
    CHECK(writes(place / closed) == 0);
  }
  CHECK(writes((fs::temp_directory_path() / ("kanhu-" + random_id())).string()) == 0);
  CHECK(in_sandbox(allowed, [&] {
          std::error_code problem;
          fs::create_directories(place / "data/clips/yunshan/2026/11/30", problem);
          if (problem || !opens(place / "data/clips/yunshan/2026/11/30/x.mp4.part", O_WRONLY | O_CREAT | O_EXCL)) return 0;
          fs::rename(place / "data/clips/yunshan/2026/11/30/x.mp4.part", place / "data/clips/yunshan/2026/11/30/x.mp4", problem);
          return !problem && fs::remove(place / "data/clips/yunshan/2026/11/30/x.mp4", problem) ? 1 : 0;
        }) == 1);
  // No way round by links or by moving things in.
  CHECK(in_sandbox(allowed, [&] {
          std::error_code problem;
          fs::create_symlink(place / "secrets/hall", place / "data/clips/link", problem);
          if (opens(place / "data/clips/link", O_RDONLY)) return 0;
          fs::create_hard_link(place / "secrets/hall", place / "data/clips/hard", problem);
          if (!problem) return 0;
          fs::rename(place / "secrets/hall", place / "data/clips/moved", problem);
          return problem ? 1 : 0;
        }) == 1);
}

TEST_CASE("from inside a worker GStreamer loads what Kanhu uses and nothing that starts a thread, and each later thread is inside too") {
  if (landlock_version() == 0) {
    std::printf("skipped: this kernel has no Landlock (landlock(7))\n");
    return;
  }
  Place place;
  ::setenv("GST_REGISTRY_DISABLE", "yes", 1);  // as for workers
  const auto look = [&] {
    if (!ingest::init_gstreamer()) return 2;
#ifndef KANHU_SANITIZED  // a sanitizer's run-time has a thread of its own
    if (threads_of_this_process() != 1) return 3;
#endif
    bool inside = false;
    std::thread([&] { inside = !opens(place / "secrets/hall", O_RDONLY) && opens(place / "models/faces.onnx", O_RDONLY); }).join();
    return inside ? 1 : 0;
  };
  CHECK(in_sandbox(allowed_to_worker(place.setup), look) == 1);
  ::unsetenv("GST_REGISTRY_DISABLE");
}

TEST_CASE("from inside a worker no mode, owner or time of a file, no limit of another process and no new process") {
  Place place;
  const std::string secret = place / "secrets/hall";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto refused = [](long result) { return result == -1 && errno == EPERM; };
    const timespec times[2]{};
    rlimit limit{};
    sched_param idle{};
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    int held = 0;
    if (!refuse_system_calls()) ::_exit(255);
    const pid_t gateway = ::getppid();
    held += refused(::chmod(secret.c_str(), 0644)) ? 1 : 0;
    held += refused(::fchmodat(AT_FDCWD, secret.c_str(), 0777, 0)) ? 1 : 0;
    held += refused(::chown(secret.c_str(), ::geteuid(), ::getegid())) ? 1 : 0;
    held += refused(::utimensat(AT_FDCWD, secret.c_str(), times, 0)) ? 1 : 0;
    held += refused(::setxattr(secret.c_str(), "user.x", "y", 1, 0)) ? 1 : 0;
    held += refused(::prlimit(gateway, RLIMIT_CPU, nullptr, &limit)) ? 1 : 0;
    held += refused(::setpriority(PRIO_PROCESS, static_cast<id_t>(gateway), 19)) ? 1 : 0;
    held += refused(::sched_setscheduler(gateway, SCHED_IDLE, &idle)) ? 1 : 0;
    held += refused(::sched_setaffinity(gateway, sizeof one, &one)) ? 1 : 0;
    held += refused(::execl("/bin/true", "true", nullptr)) ? 1 : 0;
    int expected = 10;
#ifndef KANHU_SANITIZED
    held += refused(::fork()) ? 1 : 0;
    held += refused(::ptrace(PTRACE_ATTACH, gateway, nullptr, nullptr)) ? 1 : 0;
    expected += 2;
#endif
    // What it needs goes on.
    bool ran = false;
    std::thread([&] { ran = true; }).join();
    held += ran && ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? 1 : 0;
    ::_exit(held == expected + 1 ? 0 : 1 + held);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("where an operator keeps plugins of his own a worker reads") {
  Place place;
  ::setenv("GST_PLUGIN_PATH", (place / "recordings" + ":relative:" + place / "models").c_str(), 1);
  const auto allowed = allowed_to_worker(place.setup);
  ::unsetenv("GST_PLUGIN_PATH");
  CHECK(std::count(allowed.begin(), allowed.end(), Allowed{place / "recordings", Reach::kRead}) == 1);
  CHECK(std::count(allowed.begin(), allowed.end(), Allowed{place / "models", Reach::kRead}) == 2);  // and by its settings
  CHECK(std::count(allowed.begin(), allowed.end(), Allowed{"relative", Reach::kRead}) == 0);
}

TEST_CASE("from inside a worker nobody outside is signalled, where the kernel can prevent it") {
  if (landlock_version() < 6) {
    std::printf("skipped: signals need Landlock 6, this kernel has %d\n", landlock_version());
    return;
  }
  Place place;
  CHECK(in_sandbox(allowed_to_worker(place.setup), [] { return ::kill(::getppid(), 0) == 0 ? 1 : 0; }) == 0);
}

}  // namespace
}  // namespace kanhu
