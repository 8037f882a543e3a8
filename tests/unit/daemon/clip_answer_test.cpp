// `clip` on the query socket: pages, digests, links, rights, the journal.
#include "daemon/clip_answer.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "pipelines/record/sidecar.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/unit/daemon/once.hpp"

namespace kanhu {
using namespace std::chrono_literals;
using test::FakeClock;
using test::Once;

namespace {

struct ClipRig {
  FakeClock clock;
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("kanhu-clips-" + random_id());
  std::string clips = (root / "clips").string();
  std::unique_ptr<FileIo> files = make_posix_file_io();
  std::vector<EventDraft> journal;
  std::atomic<bool> durable{true};
  std::mutex mutex;
  ConfigPtr config = std::make_shared<const Config>();
  AccessBook book{[this](const std::vector<EventDraft>& events) {
    std::scoped_lock lock(mutex);
    journal.insert(journal.end(), events.begin(), events.end());
    return durable.load();
  }};
  AccessControl access{[this] { return config; }, clock, book};
  record::ClipShelf shelf{clips};
  ClipFates fates;
  DiskJobs disk;
  ClipAnswer clip{shelf, fates, access, disk};
  std::string id = content_id({"clip"}), bytes = std::string(1'500'000, 'm') + "end";
  record::ClipPaths paths;

  ClipRig() {
    record::Sidecar sidecar;
    sidecar.request.clip = id;
    sidecar.request.subject = content_id({"subject"});
    sidecar.subjects = {sidecar.request.subject};
    sidecar.request.facility = "fuxing";
    sidecar.request.source = "hall";
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

}  // namespace

TEST_CASE("a clip is read page by page, has the recorded digest, and its download is journalled once in ten minutes") {
  ClipRig rig;
  std::string got;
  for (;;) {
    const auto answer = rig.ask({{"id", rig.id}, {"offset", got.size()}, {"length", 700'000}});
    REQUIRE(answer);
    REQUIRE(answer->has_bytes);
    const Json json = Json::parse(answer->text);
    CHECK(json["ok"] == true);
    CHECK(json["offset"] == got.size());
    CHECK(json["length"] == answer->bytes.size());
    CHECK(json["total"] == rig.bytes.size());
    CHECK(json["status"] == "complete");
    CHECK(json["parts"] == 1);
    CHECK(json["sha256"] == to_hex(sha256(rig.bytes)));
    got += answer->bytes;
    if (json["complete"] == true) break;
  }
  CHECK(got == rig.bytes);
  CHECK(rig.journalled("access.clip") == 1);
  const Json access = rig.journal.at(0).data["access"];
  CHECK(access["clip"] == rig.id);
  CHECK(access["sha256"] == to_hex(sha256(rig.bytes)));
  CHECK(rig.journal.at(0).facility == "fuxing");
  CHECK(rig.journal.at(0).source == "hall");
  rig.clock.advance(10min);
  REQUIRE(rig.ask({{"id", rig.id}, {"offset", 5}}));
  CHECK(rig.journalled("access.clip") == 2);
}

TEST_CASE("of a camera that watches a private zone nobody is given a clip") {
  ClipRig rig;
  Config config;
  config.facilities.emplace_back();
  FacilityConfig& facility = config.facilities.back();
  facility.id = "fuxing";
  facility.zones.emplace_back();
  facility.zones.back().id = "bath";
  facility.cameras.emplace_back();
  facility.cameras.back().id = "hall";
  facility.cameras.back().zones.emplace_back();
  facility.cameras.back().zones.back().zone = "bath";
  for (const bool is_private : {false, true}) {
    config.facilities[0].zones[0].is_private = is_private;
    rig.config = std::make_shared<const Config>(config);
    const auto answer = rig.ask({{"id", rig.id}});
    REQUIRE(answer.has_value() != is_private);
    if (is_private) CHECK(answer.error().kind == ErrorKind::kPermission);
  }
  CHECK(rig.journalled("access.clip") == 1);
}

TEST_CASE("offsets and lengths at and beyond the edges") {
  ClipRig rig;
  const auto at_end = rig.ask({{"id", rig.id}, {"offset", rig.bytes.size()}});
  REQUIRE(at_end);
  CHECK(at_end->bytes.empty());
  CHECK(Json::parse(at_end->text)["complete"] == true);
  const auto last = rig.ask({{"id", rig.id}, {"offset", rig.bytes.size() - 1}, {"length", 1}});
  REQUIRE(last);
  CHECK(last->bytes == "d");
  for (const Json& wrong :
       {Json{{"id", rig.id}, {"offset", rig.bytes.size() + 1}}, Json{{"id", rig.id}, {"offset", -1}}, Json{{"id", rig.id}, {"length", 0}},
        Json{{"id", rig.id}, {"length", ClipAnswer::kMostPage + 1}}, Json{{"id", rig.id}, {"part", 0}}, Json{{"id", rig.id}, {"part", 2}},
        Json{{"id", rig.id}, {"offset", 1.5}}, Json{{"id", 7}}, Json{{"offset", 0}}, Json{{"id", "../../etc/passwd"}}, Json{{"id", ""}},
        Json{{"id", rig.id + "/"}}}) {
    const auto answer = rig.ask(wrong);
    INFO(wrong.dump());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kInvalidArgument);
  }
}

TEST_CASE("neither a link nor another file's name leads out of the clips folder") {
  ClipRig rig;
  const std::string media = rig.paths.absolute(rig.paths.part(1, "mp4"));
  const std::string secret = (rig.root / "secret").string();
  std::ofstream(secret, std::ios::binary) << rig.bytes;
  SECTION("the media is a link") {
    std::filesystem::remove(media);
    std::filesystem::create_symlink(secret, media);
  }
  SECTION("a folder on the way is a link") {
    std::filesystem::rename(rig.paths.folder(), rig.root / "elsewhere");
    std::filesystem::create_directory_symlink(rig.root / "elsewhere", rig.paths.folder());
    const auto answer = rig.ask({{"id", rig.id}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kNotFound);
    return;
  }
  SECTION("the sidecar is a link") {
    std::filesystem::rename(rig.paths.sidecar(), rig.root / "sidecar");
    std::filesystem::create_symlink(rig.root / "sidecar", rig.paths.sidecar());
  }
  SECTION("the media is a folder") {
    std::filesystem::remove(media);
    std::filesystem::create_directory(media);
  }
  const auto answer = rig.ask({{"id", rig.id}});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::kPermission);
}

TEST_CASE("a clip that changed its length is damaged, one that is gone says why, one being written that it is pending") {
  ClipRig rig;
  REQUIRE(rig.ask({{"id", rig.id}}));
  SECTION("shorter than recorded") {
    std::filesystem::resize_file(rig.paths.absolute(rig.paths.part(1, "mp4")), 10);
    const auto answer = rig.ask({{"id", rig.id}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kCorrupt);
  }
  SECTION("removed by retention") {
    std::filesystem::remove(rig.paths.sidecar());
    auto answer = rig.ask({{"id", rig.id}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kNotFound);
    ClipRecord gone;
    gone.clip = rig.id;
    gone.facility = "fuxing";
    gone.source = "hall";
    gone.status = ClipStatus::kMissing;
    gone.reason = "retention";
    rig.fates.note(gone);
    answer = rig.ask({{"id", rig.id}});
    REQUIRE(answer);
    CHECK(answer->has_bytes);
    CHECK(Json::parse(answer->text)["status"] == "missing");
    CHECK(Json::parse(answer->text)["reason"] == "retention");
    CHECK(Json::parse(answer->text)["parts"] == 0);
  }
  SECTION("being written") {
    std::filesystem::remove(rig.paths.sidecar());
    std::ofstream(rig.paths.times()) << "{}\n";
    const auto answer = rig.ask({{"id", rig.id}});
    REQUIRE(answer);
    CHECK(Json::parse(answer->text)["status"] == "pending");
    CHECK(Json::parse(answer->text)["complete"] == false);
  }
}

TEST_CASE("who lacks the right or the facility gets nothing, which is journalled once a minute") {
  ClipRig rig;
  const publish::Asker without{"dash", {false, {publish::Right::kLive}, {""}}};
  const publish::Asker elsewhere{"other", {false, {publish::Right::kClip}, {"yubei"}}};
  for (int i = 0; i < 3; ++i) {
    const auto answer = rig.ask({{"id", rig.id}}, without);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kUnauthorized);
  }
  for (int i = 0; i < 3; ++i) {
    const auto answer = rig.ask({{"id", rig.id}}, elsewhere);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kNotFound);
  }
  // The book is emptied in order: what was entered before this access is in it.
  REQUIRE(rig.ask({{"id", rig.id}}));
  CHECK(rig.journalled("access.refused") == 2);
  CHECK(rig.journalled("access.clip") == 1);
}

TEST_CASE("bytes whose access is not on disk do not leave") {
  ClipRig rig;
  rig.durable = false;
  const auto answer = rig.ask({{"id", rig.id}});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::kIo);
  rig.durable = true;
  REQUIRE(rig.ask({{"id", rig.id}}));
  CHECK(rig.journalled("access.clip") == 2);
}

TEST_CASE("who asks too often is told when to come back") {
  ClipRig rig;
  std::optional<Json> refused;
  for (int i = 0; i < 200 && !refused; ++i) {
    const auto answer = rig.ask({{"id", rig.id}, {"length", 1}});
    REQUIRE(answer);
    if (const Json json = Json::parse(answer->text); json["ok"] == false) refused = json;
  }
  REQUIRE(refused);
  CHECK((*refused)["error"]["kind"] == "no_bandwidth");
  CHECK((*refused)["error"]["retry_after_s"].get<double>() > 0);
}

}  // namespace kanhu
