// Supervision with a worker in this process: no camera, no media, the real socket between.
#include "daemon/workers.hpp"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "daemon/data_folder.hpp"

namespace kanhu {
namespace {

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
