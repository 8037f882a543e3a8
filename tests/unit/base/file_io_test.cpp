// SPDX-License-Identifier: MIT
#include "base/file_io.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/faulty_file_io.hpp"

namespace kanhu {
namespace {

std::span<const std::byte> as_octets(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string read_all(FileIo& io, const std::string& path) {
  auto file = io.open(path, OpenMode::kRead);
  REQUIRE(file);
  std::string text((*file)->size().value(), '\0');
  const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size())));
  REQUIRE(got);
  CHECK(*got == text.size());
  return text;
}

std::string make_folder() {
  std::string made = (std::filesystem::temp_directory_path() / "kanhu-file-io-XXXXXX").string();
  REQUIRE(::mkdtemp(made.data()) != nullptr);
  return made;
}

struct Folder {
  std::string path = make_folder();
  ~Folder() { std::filesystem::remove_all(path); }
};

// What both implementations promise.
void keeps_the_contract(FileIo& io, const std::string& root) {
  const std::string folder = root + "/a/b";
  REQUIRE(io.make_directories(folder));
  REQUIRE(io.make_directories(folder));
  CHECK(io.exists(folder));
  CHECK(io.list(root + "/none").error().kind == ErrorKind::kNotFound);
  CHECK(io.open(folder + "/x", OpenMode::kRead).error().kind == ErrorKind::kNotFound);
  CHECK(io.open(folder + "/x", OpenMode::kAppend).error().kind == ErrorKind::kNotFound);
  CHECK(io.open(root + "/none/x", OpenMode::kCreateNew).error().kind == ErrorKind::kNotFound);
  CHECK(io.open(folder, OpenMode::kRead).error().kind == ErrorKind::kInvalidArgument);
  {
    auto file = io.open(folder + "/x", OpenMode::kCreateNew);
    REQUIRE(file);
    REQUIRE((*file)->allocate(4096));
    CHECK((*file)->size() == 0u);
    REQUIRE((*file)->append(as_octets("hello ")));
    REQUIRE((*file)->append(as_octets("world")));
    REQUIRE((*file)->sync());
    std::byte five[5];
    CHECK((*file)->read_at(6, five) == 5u);
    CHECK((*file)->read_at(9, five) == 2u);
    CHECK((*file)->read_at(11, five) == 0u);
    REQUIRE((*file)->truncate(5));
    REQUIRE((*file)->append(as_octets("!")));
  }
  CHECK(io.open(folder + "/x", OpenMode::kCreateNew).error().kind == ErrorKind::kInvalidArgument);
  CHECK(read_all(io, folder + "/x") == "hello!");
  {
    auto file = io.open(folder + "/x", OpenMode::kAppend);
    REQUIRE(file);
    REQUIRE((*file)->append(as_octets("?")));
  }
  CHECK(read_all(io, folder + "/x") == "hello!?");
  CHECK_FALSE(io.open(folder + "/x", OpenMode::kRead).value()->append(as_octets("no")));
  REQUIRE(io.open(folder + "/w", OpenMode::kCreateNew));
  CHECK(io.list(folder).value() == std::vector<std::string>{"w", "x"});
  REQUIRE(io.rename(folder + "/x", folder + "/w"));
  CHECK(io.list(folder).value() == std::vector<std::string>{"w"});
  CHECK(read_all(io, folder + "/w") == "hello!?");
  REQUIRE(io.sync_directory(folder));
  CHECK(io.rename(folder + "/none", folder + "/w").error().kind == ErrorKind::kNotFound);
  REQUIRE(io.remove(folder + "/w"));
  CHECK_FALSE(io.exists(folder + "/w"));
  CHECK(io.remove(folder + "/w").error().kind == ErrorKind::kNotFound);
  CHECK(io.free_bytes(folder).value() > 0);
  const auto error = io.open(folder + "/gone", OpenMode::kRead).error();
  CHECK(error.message.find(folder + "/gone") != std::string::npos);
}

TEST_CASE("POSIX files keep the contract of FileIo") {
  const Folder folder;
  keeps_the_contract(*make_posix_file_io(), folder.path);
}

TEST_CASE("the faulty disk keeps the contract of FileIo while no fault is asked for") {
  test::FaultyFileIo io;
  keeps_the_contract(io, "/disk");
}

TEST_CASE("POSIX files are 0600, folders 0750, and symbolic links are not followed") {
  const Folder folder;
  const auto io = make_posix_file_io();
  const mode_t mask = ::umask(0);
  REQUIRE(io->make_directories(folder.path + "/d"));
  REQUIRE(io->open(folder.path + "/d/f", OpenMode::kCreateNew));
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat((folder.path + "/d/f").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  REQUIRE(::stat((folder.path + "/d").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0750);
  REQUIRE(::symlink((folder.path + "/d/f").c_str(), (folder.path + "/link").c_str()) == 0);
  CHECK(io->open(folder.path + "/link", OpenMode::kRead).error().kind == ErrorKind::kInvalidArgument);
  CHECK(io->open(folder.path + "/link", OpenMode::kAppend).error().message.find("symbolic link") != std::string::npos);
}

TEST_CASE("POSIX files say that the disk is full") {
  if (::access("/dev/full", W_OK) != 0) {
    WARN("no /dev/full here: not tried");
    return;
  }
  // /dev/full is no regular file and refused as such; the kind of a failed write is what a reservation too large gives.
  const Folder folder;
  const auto io = make_posix_file_io();
  CHECK(io->open("/dev/full", OpenMode::kAppend).error().kind == ErrorKind::kInvalidArgument);
  auto file = io->open(folder.path + "/f", OpenMode::kCreateNew);
  REQUIRE(file);
  const auto refused = (*file)->allocate(std::uint64_t{1} << 50);
  if (refused) {
    WARN("this file system reserves 1 PiB: not tried");
  } else {
    CHECK((refused.error().kind == ErrorKind::kNoSpace || refused.error().message.find("too large") != std::string::npos));
  }
}

TEST_CASE("a crash keeps what was synced, a torn tail on demand, and names only with their folder") {
  test::FaultyFileIo io;
  REQUIRE(io.make_directories("/d"));
  auto file = io.open("/d/kept", OpenMode::kCreateNew).value();
  REQUIRE(file->append(as_octets("synced")));
  REQUIRE(file->sync());
  REQUIRE(io.sync_directory("/d"));
  REQUIRE(file->append(as_octets("-unsynced")));
  auto nameless = io.open("/d/nameless", OpenMode::kCreateNew).value();
  REQUIRE(nameless->append(as_octets("x")));
  REQUIRE(nameless->sync());
  io.crash(3);
  CHECK(io.files() == std::vector<std::string>{"/d/kept"});
  CHECK(io.content("/d/kept") == "synced-un");
  CHECK(file->append(as_octets("late")).error().kind == ErrorKind::kIo);
  io.crash();
  CHECK(io.content("/d/kept") == "synced-un");
}

TEST_CASE("a rename or removal that was not synced is undone by a crash") {
  test::FaultyFileIo io;
  io.put("/d/old", "1");
  io.put("/d/gone", "2");
  REQUIRE(io.rename("/d/old", "/d/new"));
  REQUIRE(io.remove("/d/gone"));
  io.crash();
  CHECK(io.files() == std::vector<std::string>{"/d/gone", "/d/old"});
  REQUIRE(io.rename("/d/old", "/d/new"));
  REQUIRE(io.sync_directory("/d"));
  io.crash();
  CHECK(io.files() == std::vector<std::string>{"/d/gone", "/d/new"});
}

TEST_CASE("what a failed sync dropped is not brought back by syncing again") {
  test::FaultyFileIo io;
  io.put("/f", "old");
  auto file = io.open("/f", OpenMode::kAppend).value();
  REQUIRE(file->append(as_octets("+lost")));
  io.fail_call(test::FileCall::kSync, 1, {ErrorKind::kIo, "medium error"});
  CHECK(file->sync().error().message == "medium error");
  CHECK(file->sync().has_value());
  io.crash(100);
  CHECK(io.content("/f") == "old");
}

TEST_CASE("the Nth call fails once, with a torn append when asked") {
  test::FaultyFileIo io;
  auto file = io.open("/f", OpenMode::kCreateNew).value();
  io.fail_call(test::FileCall::kAppend, 2, {ErrorKind::kNoSpace, "full"}, 2);
  REQUIRE(file->append(as_octets("one")));
  CHECK(file->append(as_octets("two")).error().kind == ErrorKind::kNoSpace);
  REQUIRE(file->append(as_octets("three")));
  CHECK(io.content("/f") == "onetwthree");
  io.fail_any_call(1, {ErrorKind::kIo, "any"});
  CHECK_FALSE(file->size());
  io.fail_always(test::FileCall::kSync, {ErrorKind::kIo, "always"});
  CHECK_FALSE(file->sync());
  CHECK_FALSE(file->sync());
  io.heal();
  CHECK(io.calls(test::FileCall::kAppend) == 3);
}

TEST_CASE("a full disk takes what fits; space allocated before is still there") {
  test::FaultyFileIo io;
  auto reserve = io.open("/reserve", OpenMode::kCreateNew).value();
  auto file = io.open("/f", OpenMode::kCreateNew).value();
  io.set_capacity(10);
  REQUIRE(reserve->allocate(4));
  CHECK(reserve->allocate(11).error().kind == ErrorKind::kNoSpace);
  CHECK(io.free_bytes("/") == 6u);
  CHECK(file->append(as_octets("12345678")).error().kind == ErrorKind::kNoSpace);
  CHECK(io.content("/f") == "123456");
  CHECK(reserve->append(as_octets("abcd")).has_value());
  CHECK_FALSE(reserve->append(as_octets("e")));
}

}  // namespace
}  // namespace kanhu
