// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "gallery/gallery_file.hpp"
#include "gallery/gallery_folder.hpp"
#include "gallery/gallery_json.hpp"
#include "gallery/sealing.hpp"
#include "tests/unit/gallery/people.hpp"

using namespace kanhu;
using namespace kanhu::gallery;
using namespace kanhu::test;

namespace {

const Secret kKey(std::string(32, 'k'));

// A folder that goes with the test.
struct Folder {
  const std::string path = (std::filesystem::temp_directory_path() / ("kanhu-galleries-" + random_id())).string();
  const std::unique_ptr<FileIo> io = make_posix_file_io();
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void put(const std::string& name, std::string_view content) const { std::ofstream(path + "/" + name, std::ios::binary) << content; }
  void write(Gallery gallery, const std::string& facility) const {
    gallery.facility = facility;
    REQUIRE(write_gallery(*io, path, gallery, kKey));
  }
};

}  // namespace

TEST_CASE("two that change galleries do it one after the other") {
  const Folder folder;
  auto first = FolderLock::take(*folder.io, folder.path);
  REQUIRE(first);
  const auto second = FolderLock::take(*folder.io, folder.path, std::chrono::milliseconds(0));
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kTimeout);
  { const FolderLock given = std::move(*first); }
  CHECK(FolderLock::take(*folder.io, folder.path, std::chrono::milliseconds(0)));
}

TEST_CASE("whoever takes the lock clears away what an interrupted write left") {
  const Folder folder;
  folder.write(gallery_of(1), "station-a");
  folder.put(".station-a.0123.unfinished", "half a file");
  REQUIRE(FolderLock::take(*folder.io, folder.path));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/.station-a.0123.unfinished"));
  CHECK(facilities_in(*folder.io, folder.path) == std::vector<std::string>{"station-a"});
  CHECK(facilities_in(*folder.io, folder.path + "/none")->empty());
}

TEST_CASE("after an erasure every file is read back, and nothing is left") {
  const Folder folder;
  Gallery gallery = gallery_of(3);
  const Person gone = gallery.people[1];
  REQUIRE(erase_person(gallery, gone.ref, "withdrawn", kAct));
  folder.write(gallery, "station-a");
  folder.write(gallery_of(0), "station-b");
  const auto found = remains_of(*folder.io, folder.path, kKey, gone);
  REQUIRE(found);
  CHECK(found->nothing_left());
  CHECK(found->files_read == 2);
  CHECK(found->same_name.empty());
}

TEST_CASE("what is left of somebody is found wherever it stands in the folder") {
  const Person gone = person(1);
  const auto found_with = [&](auto prepare) {
    const Folder folder;
    folder.write(gallery_of(1), "station-a");
    prepare(folder);
    const auto found = remains_of(*folder.io, folder.path, kKey, gone);
    REQUIRE(found);
    for (const auto& lines : {found->holding, found->unreadable}) {
      for (const std::string& line : lines) CHECK(line.find("Name-1") == std::string::npos);
    }
    return *found;
  };
  CHECK(found_with([](const Folder&) {}).nothing_left());
  CHECK(found_with([](const Folder& folder) { folder.write(gallery_of(2), "station-b"); }).holding.size() == 1);
  CHECK(found_with([&](const Folder& folder) {  // her templates under another ref
          Gallery other = gallery_of(1);
          other.people[0].templates = gone.templates;
          folder.write(other, "station-b");
        })
            .holding.size() == 1);
  CHECK(found_with([&](const Folder& folder) { folder.put("notes.txt", "call " + gone.name + " back"); }).holding.size() == 1);
  CHECK(found_with([&](const Folder& folder) { folder.put("dump.json", to_text(gallery_of(2))); }).holding.size() == 3);
  CHECK(found_with([&](const Folder& folder) {
          const auto& embedding = gone.templates[2].embedding;
          folder.put("raw", std::string(reinterpret_cast<const char*>(embedding.data()), embedding.size() * sizeof(float)));
        }).holding.size() == 1);
  CHECK(found_with([&](const Folder& folder) {
          folder.put("old.backup", *seal(SealedKind::kGallery, "station-a", kKey, "{}"));
        }).unreadable.size() == 1);
  CHECK(found_with([&](const Folder& folder) {
          folder.put("station-b.gallery", *seal(SealedKind::kGallery, "station-b", Secret(std::string(32, 'x')), "{}"));
        }).unreadable.size() == 1);
}

TEST_CASE("who has the same name or took others' consents under it is told apart from what must go") {
  const Folder folder;
  const Person gone = person(1);
  Gallery gallery = gallery_of(1);
  gallery.people[0].name = gone.name;
  gallery.people[0].consent.recorded_by = gone.name;
  folder.write(gallery, "station-a");
  const auto found = remains_of(*folder.io, folder.path, kKey, gone);
  REQUIRE(found);
  CHECK(found->nothing_left());
  CHECK(found->same_name == std::vector<std::string>{gallery.people[0].ref});
  CHECK(found->as_operator == 1);
}
