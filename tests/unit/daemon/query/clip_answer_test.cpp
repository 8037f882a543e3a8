// SPDX-License-Identifier: MIT
// `clip` on the query socket: pages, digests, links, rights, the journal.
#include "pipelines/publish/query_server.hpp"
#include "tests/unit/daemon/query/clip_rig.hpp"

namespace kanhu {

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
    rig.missing.note(gone);
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

TEST_CASE("a clip of another facility is answered with the words for one that does not exist") {
  ClipRig rig;
  const publish::Asker elsewhere{"other", {false, {publish::Right::kClip}, {"yubei"}}};
  const std::string nowhere = content_id({"none"}), fated = content_id({"fated"});
  ClipRecord record;
  record.clip = fated;
  record.facility = "fuxing";
  record.status = ClipStatus::kMissing;
  record.reason = "camera_lost";
  rig.missing.note(record);
  const auto words_for = [&](const std::string& id) {
    const auto answer = rig.ask({{"id", id}}, elsewhere);
    REQUIRE_FALSE(answer);
    std::string message = answer.error().message;
    message.replace(message.find(id), id.size(), "ID");
    return std::pair(answer.error().kind, message);
  };
  CHECK(words_for(rig.id) == words_for(nowhere));
  CHECK(words_for(fated) == words_for(nowhere));
  CHECK(rig.ask({{"id", fated}}));
}

TEST_CASE("a clip of another facility that cannot be read is one that does not exist, and who sees the facility is told why") {
  ClipRig rig;
  const publish::Asker elsewhere{"other", {false, {publish::Right::kClip}, {"yubei"}}};
  const std::string sidecar = rig.paths.sidecar(), nowhere = content_id({"none"});
  ErrorKind why = ErrorKind::kCorrupt;
  SECTION("its sidecar is cut short") { std::filesystem::resize_file(sidecar, 20); }
  SECTION("its sidecar is empty") { std::filesystem::resize_file(sidecar, 0); }
  SECTION("its sidecar is too large") { std::filesystem::resize_file(sidecar, 64u << 20); }
  SECTION("its sidecar is of a newer version") {
    std::stringstream text;
    text << std::ifstream(sidecar).rdbuf();
    std::string newer = text.str();
    const std::size_t at = newer.find("\"version\":");
    REQUIRE(at != std::string::npos);
    std::ofstream(sidecar) << newer.insert(at + 10, "99");
    why = ErrorKind::kNewerFormat;
  }
  SECTION("its sidecar is a link") {
    std::filesystem::rename(sidecar, rig.root / "sidecar");
    std::filesystem::create_symlink(rig.root / "sidecar", sidecar);
    why = ErrorKind::kPermission;
  }
  SECTION("its sidecar is a folder") {
    std::filesystem::remove(sidecar);
    std::filesystem::create_directory(sidecar);
    why = ErrorKind::kPermission;
  }
  SECTION("its log is a link and it has no sidecar yet") {
    std::filesystem::rename(sidecar, rig.root / "sidecar");
    std::filesystem::create_symlink(rig.root / "sidecar", rig.paths.times());
    why = ErrorKind::kPermission;
  }
  SECTION("its sidecar speaks of another clip") {
    std::filesystem::rename(sidecar, std::filesystem::path(sidecar).parent_path() / (nowhere + ".json"));
    const auto seen = rig.ask({{"id", nowhere}});
    REQUIRE_FALSE(seen);
    CHECK(seen.error().kind == ErrorKind::kCorrupt);
    const auto answer = rig.ask({{"id", nowhere}}, elsewhere);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kNotFound);
    return;
  }
  const auto seen = rig.ask({{"id", rig.id}});
  REQUIRE_FALSE(seen);
  CHECK(seen.error().kind == why);
  const auto there = rig.ask({{"id", rig.id}}, elsewhere), none = rig.ask({{"id", nowhere}}, elsewhere);
  REQUIRE_FALSE(there);
  REQUIRE_FALSE(none);
  CHECK(there.error().kind == none.error().kind);
  std::string message = there.error().message;
  message.replace(message.find(rig.id), rig.id.size(), nowhere);
  CHECK(message == none.error().message);
  // The log is emptied in order: what was entered before this is in it.
  Once<Result<publish::Answer>> box;
  rules::Access any;
  any.request = "clip";
  any.facility = any.source = "-";
  rig.access.give(any, {}, {}, [&box](Result<publish::Answer> answer) { box.put(std::move(answer)); });
  CHECK(box.wait());
  CHECK(rig.journalled("access.refused") == 1);
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
  // The log is emptied in order: what was entered before this access is in it.
  REQUIRE(rig.ask({{"id", rig.id}}));
  CHECK(rig.journalled("access.refused") == 2);
  CHECK(rig.journalled("access.clip") == 1);
}

TEST_CASE("who asks for the same part while its access is on its way waits for it, and is given or refused with it") {
  ClipRig rig;
  const bool durable = GENERATE(true, false);
  rig.durable = durable;
  std::array<Once<Result<publish::Answer>>, 12> boxes;
  {
    const std::scoped_lock the_disk_stalls(rig.mutex);
    for (std::size_t i = 0; i < boxes.size(); ++i)
      rig.clip.ask({{"request", "clip"}, {"id", rig.id}, {"offset", i}, {"length", 1'000}}, {"nurse", publish::Rights::all()},
                   [&box = boxes[i]](Result<publish::Answer> answer) { box.put(std::move(answer)); });
    Once<bool> all_read;
    REQUIRE(rig.disk.post([&] { all_read.put(true); }));
    REQUIRE(all_read.wait());
    for (const auto& box : boxes) CHECK(box.times() == 0);
  }
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const auto answer = boxes[i].wait();
    REQUIRE(answer.has_value() == durable);
    if (durable) CHECK(answer->bytes == rig.bytes.substr(i, 1'000));
    if (!durable) CHECK(answer.error().kind == ErrorKind::kIo);
  }
  CHECK(rig.journalled("access.clip") == 1);
  rig.durable = true;
  REQUIRE(rig.ask({{"id", rig.id}}, {"nurse", publish::Rights::all()}));
  CHECK(rig.journalled("access.clip") == (durable ? 1 : 2));
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
