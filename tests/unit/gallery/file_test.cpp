// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "gallery/gallery_file.hpp"
#include "gallery/gallery_json.hpp"
#include "gallery/sealing.hpp"
#include "tests/support/faulty_file_io.hpp"
#include "tests/unit/gallery/people.hpp"

using namespace kanhu;
using namespace kanhu::gallery;
using namespace kanhu::test;

namespace {

const std::string kFolder = "/data/galleries";
const std::string kPath = kFolder + "/station-a.gallery";
const Secret kSealedWith(std::string(32, 'k'));

void make_folder(FaultyFileIo& io) {
  REQUIRE(io.make_directories(kFolder));
  REQUIRE(io.sync_directory(kFolder));
}

std::string with_checksum(std::string bytes) {
  const auto all = std::as_bytes(std::span(bytes.data(), 128));
  const std::uint32_t sum = crc32c(all.subspan(16), crc32c(all.first(12)));
  for (std::size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(sum >> (8 * i));
  return bytes;
}

}  // namespace

TEST_CASE("a gallery reads back as it was written, and nothing of it can be read in the file") {
  FaultyFileIo io;
  make_folder(io);
  Gallery gallery = gallery_of(4);
  gallery.people[1].consent.expires.reset();
  set_calibration(gallery, {0.71, 1e-4, 0, 1e-3, 4000, {}}, kAct);
  REQUIRE(write_gallery(io, kFolder, gallery, kSealedWith));
  const auto read = read_gallery(io, kFolder, "station-a", kSealedWith);
  REQUIRE(read);
  CHECK(*read == gallery);
  CHECK(io.files() == std::vector<std::string>{kPath});

  const std::string bytes = io.content(kPath);
  CHECK(bytes.substr(0, 8) == "KANHUGAL");
  CHECK(sealed_facility(bytes) == "station-a");
  const auto& embedding = gallery.people[0].templates[0].embedding;
  CHECK(bytes.find(gallery.people[0].name) == std::string::npos);
  CHECK(bytes.find(gallery.people[0].ref) == std::string::npos);
  CHECK(bytes.find(embedding_text(embedding)) == std::string::npos);
  CHECK(bytes.find(std::string(reinterpret_cast<const char*>(embedding.data()), 16)) == std::string::npos);
  CHECK(bytes.find(kSealedWith.reveal()) == std::string::npos);
}

TEST_CASE("the same gallery never has the same bytes twice") {
  FaultyFileIo io;
  make_folder(io);
  const Gallery gallery = gallery_of(1);
  REQUIRE(write_gallery(io, kFolder, gallery, kSealedWith));
  const std::string first = io.content(kPath);
  REQUIRE(write_gallery(io, kFolder, gallery, kSealedWith));
  const std::string second = io.content(kPath);
  CHECK(first.size() == second.size());
  CHECK(first.substr(40, 24) != second.substr(40, 24));
  CHECK(first.substr(128, 64) != second.substr(128, 64));
}

TEST_CASE("a gallery that is not there says how one begins") {
  FaultyFileIo io;
  make_folder(io);
  const auto read = read_gallery(io, kFolder, "station-a", kSealedWith);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::kNotFound);
  CHECK(read.error().message.find("kanhu gallery enroll") != std::string::npos);
}

TEST_CASE("a file that is damaged, cut, of another key, another facility or a newer format is refused and left as it is") {
  FaultyFileIo io;
  make_folder(io);
  REQUIRE(write_gallery(io, kFolder, gallery_of(2), kSealedWith));
  const std::string good = io.content(kPath);
  const auto refused = [&](const std::string& bytes, ErrorKind kind, const char* word, const Secret& key = kSealedWith) {
    io.put(kPath, bytes);
    const auto read = read_gallery(io, kFolder, "station-a", key);
    INFO(word);
    REQUIRE_FALSE(read);
    CHECK(to_string(read.error().kind) == std::string(to_string(kind)));
    CHECK(read.error().message.find(kPath) != std::string::npos);
    CHECK(read.error().message.find(word) != std::string::npos);
    CHECK(io.content(kPath) == bytes);
  };
  refused("", ErrorKind::kCorrupt, "cut off");
  refused(good.substr(0, 100), ErrorKind::kCorrupt, "cut off");
  refused(good.substr(0, good.size() / 2), ErrorKind::kCorrupt, "its header says");
  refused(good + "x", ErrorKind::kCorrupt, "its header says");
  refused(std::string(4096, 'x'), ErrorKind::kCorrupt, "no gallery");
  refused(good, ErrorKind::kPermission, "another key", Secret(std::string(32, 'w')));
  refused(good, ErrorKind::kInvalidArgument, "32 bytes", Secret("short"));

  std::string newer = good;
  newer[8] = 2;
  refused(newer, ErrorKind::kCorrupt, "header is damaged");
  refused(with_checksum(newer), ErrorKind::kNewerFormat, "format 2");
  std::string renamed = good;
  renamed[64 + 8] = 'b';  // station-b
  refused(with_checksum(renamed), ErrorKind::kUnsupported, "station-b");
  std::string sealed_export = *seal(SealedKind::kExport, "station-a", Secret("passphrase"), "{}");
  refused(sealed_export, ErrorKind::kUnsupported, "import");
}

TEST_CASE("a bit flipped anywhere is noticed") {
  const std::string good = *seal(SealedKind::kGallery, "station-a", kSealedWith, to_text(gallery_of(1, 1)));
  REQUIRE(open_sealed(SealedKind::kGallery, "x", good, kSealedWith));
  for (std::size_t at = 0; at < good.size(); at += at < 160 ? 1 : 13) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    INFO("byte " << at);
    const auto opened = open_sealed(SealedKind::kGallery, "x", bad, kSealedWith);
    CHECK_FALSE(opened);
    CHECK(opened.error().kind != ErrorKind::kNewerFormat);
    if (at < 12 || (at >= 16 && at < 128)) CHECK_FALSE(open_sealed(SealedKind::kGallery, "x", with_checksum(bad), kSealedWith));
  }
}

TEST_CASE("the gallery of one facility under the name of another is refused even when its header was changed to fit") {
  FaultyFileIo io;
  make_folder(io);
  REQUIRE(write_gallery(io, kFolder, gallery_of(1), kSealedWith));
  io.put(kFolder + "/station-b.gallery", io.content(kPath));
  const auto read = read_gallery(io, kFolder, "station-b", kSealedWith);
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find("facility station-a") != std::string::npos);
}

TEST_CASE("whatever call fails, the old gallery or the new one is there, whole, also after a power cut") {
  const Gallery before = gallery_of(2), after = gallery_of(3);
  std::uint64_t calls = 0;
  {
    FaultyFileIo io;
    make_folder(io);
    REQUIRE(write_gallery(io, kFolder, before, kSealedWith));
    calls = io.calls();
    REQUIRE(write_gallery(io, kFolder, after, kSealedWith));
    calls = io.calls() - calls;
  }
  CHECK(calls >= 5);
  for (const bool crash : {false, true}) {
    for (std::uint64_t nth = 1; nth <= calls; ++nth) {
      FaultyFileIo io;
      make_folder(io);
      REQUIRE(write_gallery(io, kFolder, before, kSealedWith));
      io.fail_any_call(nth, {ErrorKind::kIo, "the disk"}, 100);
      const auto written = write_gallery(io, kFolder, after, kSealedWith);
      INFO("call " << nth << (crash ? ", then a power cut" : ""));
      CHECK_FALSE(written);
      io.heal();
      if (crash) io.crash(50);
      const auto read = read_gallery(io, kFolder, "station-a", kSealedWith);
      REQUIRE(read);
      CHECK((*read == before || *read == after));
      if (!crash) {
        REQUIRE(remove_leftovers(io, kFolder));
        CHECK(io.files() == std::vector<std::string>{kPath});
      }
    }
  }
}

TEST_CASE("a full disk leaves the old gallery and nothing beside it") {
  FaultyFileIo io;
  make_folder(io);
  REQUIRE(write_gallery(io, kFolder, gallery_of(2), kSealedWith));
  io.set_capacity(io.content(kPath).size() + 1000);
  const auto written = write_gallery(io, kFolder, gallery_of(3), kSealedWith);
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == ErrorKind::kNoSpace);
  CHECK(io.files() == std::vector<std::string>{kPath});
  CHECK(read_gallery(io, kFolder, "station-a", kSealedWith)->people.size() == 2);
}

TEST_CASE("on a real disk the file is the owner's alone and the old one's blocks are overwritten") {
  const auto folder = std::filesystem::temp_directory_path() / ("kanhu-gallery-" + random_id());
  std::filesystem::create_directory(folder);
  const auto io = make_posix_file_io();
  const mode_t mask = ::umask(0077);
  REQUIRE(write_gallery(*io, folder.string(), gallery_of(2), kSealedWith));
  const std::string path = gallery_path(folder.string(), "station-a");
  // A second name for the old file: what its blocks hold can still be looked at.
  const std::string old = (folder / "old").string();
  REQUIRE(::link(path.c_str(), old.c_str()) == 0);
  REQUIRE(write_gallery(*io, folder.string(), gallery_of(1), kSealedWith));
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const auto left = read_bytes(*io, old);
  REQUIRE(left);
  CHECK(left->size() > 1000);
  CHECK(left->find_first_not_of('\0') == std::string::npos);
  CHECK(read_gallery(*io, folder.string(), "station-a", kSealedWith)->people.size() == 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("content that is no gallery is refused by the member that is wrong, without its value") {
  const std::string good = to_text(gallery_of(1, 1));
  REQUIRE(from_text(good));
  const auto refused = [&](const char* what, const char* instead) {
    std::string bad = good;
    const auto at = bad.find(what);
    REQUIRE(at != std::string::npos);
    bad.replace(at, std::string(what).size(), instead);
    const auto read = from_text(bad);
    INFO(what);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::kCorrupt);
    CHECK(read.error().message.find("Name-0") == std::string::npos);
  };
  refused("\"dimension\":128", "\"dimension\":127");
  refused("\"dimension\":128", "\"dimension\":999999999");
  refused("\"dimension\":128", "\"dimension\":0");
  refused("\"people\":", "\"peoples\":");
  refused("\"name\":\"", "\"name\":1,\"x\":\"");
  refused("\"recorded\":\"2", "\"recorded\":\"x2");
  refused("\"embedding\":\"", "\"embedding\":\"A");
  refused("\"version\":1}", "\"version\":-1}");
  refused("{", "[");
  CHECK_FALSE(from_text(""));
}

TEST_CASE("a gallery made by another network is refused with both names and the way out") {
  const Gallery gallery = gallery_of(1);
  CHECK(check_embedder(gallery, "dlib-resnet-29", std::string(64, '7')));
  CHECK(check_embedder(gallery_of(0), "another", "x"));
  const auto other = check_embedder(gallery, "taguchi", std::string(64, '9'));
  REQUIRE_FALSE(other);
  CHECK(other.error().kind == ErrorKind::kUnsupported);
  for (const char* word : {"dlib-resnet-29", "taguchi", "777777777777", "999999999999", "enrol"})
    CHECK(other.error().message.find(word) != std::string::npos);
}

TEST_CASE("an export opens with its passphrase only") {
  const auto sealed = seal(SealedKind::kExport, "station-a", Secret("a long passphrase"), "content");
  REQUIRE(sealed);
  const auto opened = open_sealed(SealedKind::kExport, "x", *sealed, Secret("a long passphrase"));
  REQUIRE(opened);
  CHECK(opened->content.view() == "content");
  CHECK(opened->facility == "station-a");
  CHECK(open_sealed(SealedKind::kExport, "x", *sealed, Secret("another")).error().kind == ErrorKind::kPermission);
  CHECK(open_sealed(SealedKind::kGallery, "x", *sealed, kSealedWith).error().kind == ErrorKind::kUnsupported);
  CHECK_FALSE(seal(SealedKind::kExport, "station-a", Secret(), "content"));
  std::string greedy = *sealed;
  greedy[115] = 0x7f;  // memory for its key: 2 GiB
  CHECK(open_sealed(SealedKind::kExport, "x", with_checksum(greedy), Secret("a long passphrase")).error().kind == ErrorKind::kUnsupported);
}
