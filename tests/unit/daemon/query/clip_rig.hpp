// SPDX-License-Identifier: MIT
// A gateway that answers `clip`, as far as that needs no camera.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "daemon/query/clip_answer.hpp"
#include "pipelines/publish/query_server.hpp"
#include "pipelines/record/sidecar.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/unit/daemon/once.hpp"

namespace kanhu {
using namespace std::chrono_literals;
using test::FakeClock;
using test::Once;

struct ClipRig {
  FakeClock clock;
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("kanhu-clips-" + random_id());
  std::string clips = (root / "clips").string();
  std::unique_ptr<FileIo> files = make_posix_file_io();
  std::vector<EventDraft> journal;
  std::atomic<bool> durable{true};
  std::mutex mutex;
  ConfigPtr config = std::make_shared<const Config>();
  AccessLog log{[this](const std::vector<EventDraft>& events) {
    std::scoped_lock lock(mutex);
    journal.insert(journal.end(), events.begin(), events.end());
    return durable.load();
  }};
  AccessControl access{[this] { return config; }, clock, log};
  record::ClipFiles clip_files{clips};
  MissingClips missing;
  DiskQueue disk;
  ClipAnswer clip{clip_files, missing, access, disk};
  std::string id = content_id({"clip"}), bytes = std::string(1'500'000, 'm') + "end";
  record::ClipPaths paths;

  ClipRig() {
    record::Sidecar sidecar;
    sidecar.request.clip = id;
    sidecar.request.subject = content_id({"subject"});
    sidecar.subjects = {sidecar.request.subject};
    sidecar.request.facility = "fuxing";
    sidecar.request.source = "hall";
    sidecar.zones = {"bath"};
    sidecar.request.from = sidecar.request.to = clock.wall();
    paths = *record::clip_paths(clips, sidecar.request);
    std::filesystem::create_directories(paths.folder());
    std::ofstream(paths.absolute(paths.part(1, "mp4")), std::ios::binary) << bytes;
    sidecar.record = {id,           "fuxing", "hall", ClipStatus::kComplete, "", {paths.part(1, "mp4")}, {to_hex(sha256(bytes))},
                      bytes.size(), {},       {}};
    sidecar.record.from = sidecar.record.to = clock.wall();
    sidecar.parts = {{1, paths.part(1, "mp4"), "video/x-h264", bytes.size()}};
    REQUIRE(record::write_sidecar(*files, paths, sidecar));
  }
  ~ClipRig() { std::filesystem::remove_all(root); }

  Result<publish::Answer> ask(Json request, const publish::Asker& asker = {"", publish::Rights::all()}) {
    const auto box = std::make_shared<Once<Result<publish::Answer>>>();
    request["request"] = "clip";
    clip.ask(request, asker, [box](Result<publish::Answer> answer) { box->put(std::move(answer)); });
    return box->wait();
  }
  std::size_t journalled(const std::string& type) {
    std::scoped_lock lock(mutex);
    return static_cast<std::size_t>(std::count_if(journal.begin(), journal.end(), [&](const auto& event) { return event.type == type; }));
  }
};

}  // namespace kanhu
