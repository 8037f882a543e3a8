// SPDX-License-Identifier: MIT
// Supervision with a worker in this process: no camera, no media, the real socket between.
#include "daemon/supervise/workers.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "daemon/gateway/data_folder.hpp"

namespace kanhu {
namespace {

// As a worker, which is this same executable, the test program is one that was taken over: it leaves a child that holds all it had open,
// and dies. Told so by the environment, the child leaves its process group and writes without an end to where its standard error goes.
constexpr const char* kHurt = "KANHU_TEST_HURT";

__attribute__((constructor)) void be_a_worker_that_leaves_a_child(int argc, char** argv, char**) {
  if (argc < 2 || std::strcmp(argv[1], "worker") != 0) return;
  const char* how = std::getenv(kHurt);
  const bool gets_away = how != nullptr && std::strcmp(how, "gets away") == 0;
  const pid_t child = ::fork();
  if (child != 0) {
    ::dprintf(STDERR_FILENO, "child %d\n", static_cast<int>(child));
    ::_exit(3);
  }
  if (gets_away) ::setsid();
  while (!gets_away) ::pause();
  while (::write(STDERR_FILENO, "spam\n", 5) > 0) {  // its signal ends it when nobody reads any more
  }
  ::_exit(0);
}

// Of the system's view; one that nobody has reaped counts as gone.
bool runs(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  const auto name_end = text.rfind(')');
  return name_end != std::string::npos && name_end + 2 < text.size() && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

// Collects what workers say and lets a test wait for it.
struct Heard {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<relay::Message> messages;

  Workers::Upcalls upcalls() {
    return {[this](std::size_t, relay::Message message) {
              std::scoped_lock lock(mutex);
              messages.push_back(std::move(message));
              changed.notify_all();
            },
            [](std::size_t, const std::string&) {}};
  }
  // A copy: what arrives meanwhile moves the messages.
  template <typename Wanted>
  std::optional<Wanted> wait_for() {
    std::unique_lock lock(mutex);
    std::optional<Wanted> found;
    changed.wait_for(lock, std::chrono::seconds(30), [&] {
      for (const auto& message : messages) {
        if (const auto* wanted = std::get_if<Wanted>(&message)) found = *wanted;
      }
      return found.has_value();
    });
    return found;
  }
};

Workers::Options in_process() {
  Workers::Options options;
  options.in_process = true;
  options.setup.replay = true;
  return options;
}

relay::Assign camera(const std::string& url) {
  relay::Assign assign;
  assign.facility = "fuxing";
  assign.camera.id = "hall";
  assign.camera.main = StreamConfig{url, "", Transport::kTcp};
  assign.camera.analyze = StreamRole::kMain;
  assign.camera.detector.name = "none";
  return assign;
}

TEST_CASE("a worker answers for a camera that cannot be opened, and drains when asked") {
  Heard heard;
  SystemClock clock;
  Workers workers(in_process(), heard.upcalls(), clock);
  const auto number = workers.start();
  REQUIRE(number);
  REQUIRE(workers.send(*number, camera("file:///nowhere/at/all.mp4")));
  REQUIRE(workers.send(*number, relay::Open{"hall", StreamRole::kMain}));
  const auto ended = heard.wait_for<relay::SourceEnded>();
  REQUIRE(ended);
  CHECK(ended->camera == "hall");
  CHECK(ended->why.message.find("nowhere") != std::string::npos);
  CHECK(workers.view().at(0).running);
  workers.stop(std::chrono::seconds(10));
  CHECK(workers.view().empty());
}

TEST_CASE("a clip of a camera that is not recorded is answered, not forgotten") {
  Heard heard;
  SystemClock clock;
  Workers workers(in_process(), heard.upcalls(), clock);
  const auto number = workers.start();
  REQUIRE(number);
  REQUIRE(workers.send(*number, camera("file:///nowhere.mp4")));
  relay::AskClip ask;
  ask.request.clip = content_id({"x"});
  ask.request.source = "hall";
  REQUIRE(workers.send(*number, ask));
  const auto done = heard.wait_for<relay::ClipDone>();
  REQUIRE(done);
  CHECK(done->record.status == ClipStatus::kMissing);
  CHECK(done->record.reason == "not_recorded");
}

TEST_CASE("of a camera that watches a private zone a worker records nothing and shows nothing, whatever it is told") {
  const std::string clips = (std::filesystem::temp_directory_path() / ("kanhu-" + random_id())).string();
  std::filesystem::create_directories(clips);
  for (const bool is_private : {false, true}) {
    Heard heard;
    SystemClock clock;
    Workers::Options options = in_process();
    options.setup.replay = false;
    options.setup.clips_dir = clips;
    Workers workers(std::move(options), heard.upcalls(), clock);
    const auto number = workers.start();
    REQUIRE(number);
    relay::Assign assign = camera("file:///nowhere.mp4");
    assign.camera.record = StreamRole::kMain;
    assign.camera.clips.on = {"presence.started"};
    assign.is_private = is_private;
    REQUIRE(workers.send(*number, assign));
    relay::AskPicture picture;
    picture.id = 7;
    picture.camera = "hall";
    REQUIRE(workers.send(*number, picture));
    const auto failed = heard.wait_for<relay::PictureFailed>();
    REQUIRE(failed);
    CHECK((failed->why.kind == ErrorKind::kPermission) == is_private);
    if (!is_private) continue;
    relay::AskClip ask;
    ask.request.clip = content_id({"x"});
    ask.request.source = "hall";
    REQUIRE(workers.send(*number, ask));
    const auto done = heard.wait_for<relay::ClipDone>();
    REQUIRE(done);
    CHECK(done->record.reason == "not_recorded");
  }
  CHECK(std::filesystem::is_empty(clips));
  std::filesystem::remove_all(clips);
}

TEST_CASE("a dead worker is noticed and its children are killed, although they hold its socket and its output open") {
#ifdef KANHU_SANITIZED
  std::printf("skipped: a sanitizer's run-time does not bear a fork before main()\n");
  return;
#endif
  for (const bool gets_away : {false, true}) {
    INFO((gets_away ? "a child that left the group" : "a child in the group"));
    ::setenv(kHurt, gets_away ? "gets away" : "", 1);
    Heard heard;
    std::optional<std::string> cause;
    auto upcalls = heard.upcalls();
    upcalls.lost = [&](std::size_t, const std::string& why) {
      std::scoped_lock lock(heard.mutex);
      cause = why;
      heard.changed.notify_all();
    };
    Workers::Options options;
    options.setup.replay = true;
    options.for_command = true;  // not started again
    SystemClock clock;
    Workers workers(std::move(options), upcalls, clock);
    const auto number = workers.start();
    ::unsetenv(kHurt);
    REQUIRE(number);
    {
      std::unique_lock lock(heard.mutex);
      REQUIRE(heard.changed.wait_for(lock, std::chrono::seconds(30), [&] { return cause.has_value(); }));
      CHECK(*cause == "exited with 3");
    }
    CHECK_FALSE(workers.view().at(0).running);
    int child = 0;
    {
      std::scoped_lock lock(heard.mutex);
      for (const auto& message : heard.messages) {
        const auto* line = std::get_if<relay::LogLine>(&message);
        const auto at = line ? line->text.find("child ") : std::string::npos;  // behind who says it
        if (at != std::string::npos) child = std::stoi(line->text.substr(at + 6));
      }
    }
    if (!gets_away) REQUIRE(child > 0);  // among the other's many lines it may be left out
    const auto until = clock.mono() + std::chrono::seconds(30);
    while (child > 0 && runs(child) && clock.mono() < until) std::this_thread::yield();
    if (child > 0) CHECK_FALSE(runs(child));
    workers.stop(std::chrono::seconds(10));
    CHECK(workers.view().empty());
  }
}

TEST_CASE("the data folder belongs to one gateway at a time and tells where its sockets are") {
  auto files = make_posix_file_io();
  const std::string path = (std::filesystem::temp_directory_path() / ("kanhu-" + random_id())).string();
  {
    auto folder = DataFolder::open(*files, path);
    REQUIRE(folder);
    REQUIRE(folder->write_endpoints(*files, {{"live", "tcp://127.0.0.1:1"}}));
    REQUIRE(folder->write_endpoints(*files, {{"live", "tcp://127.0.0.1:2"}}));
    CHECK(read_endpoints(*files, path).value()["live"] == "tcp://127.0.0.1:2");
  }
  CHECK(DataFolder::open(*files, path));
  std::filesystem::remove_all(path);
  CHECK_FALSE(read_endpoints(*files, path));
}

}  // namespace
}  // namespace kanhu
