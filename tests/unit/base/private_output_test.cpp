// SPDX-License-Identifier: MIT
// Pictures, clips, exports and keys: who may read them, and what stands in the way of their names.
#include "base/private_output.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "base/digest.hpp"

namespace kanhu {
namespace {

namespace fs = std::filesystem;

struct OutputFolder {
  fs::path root = fs::temp_directory_path() / ("kanhu-output-" + random_id());
  const mode_t umask_before = ::umask(0);
  OutputFolder() { fs::create_directories(root); }
  ~OutputFolder() {
    ::umask(umask_before);
    fs::remove_all(root);
  }
  std::string path(const std::string& name) const { return (root / name).string(); }
  std::size_t entries() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(root), {})); }
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode;
}

}  // namespace

TEST_CASE("an output is its owner's alone, whatever the umask, and is replaced whole") {
  const OutputFolder folder;
  REQUIRE(write_private_output(folder.path("a.jpg"), "first"));
  CHECK((mode_of(folder.path("a.jpg")) & 07777) == 0600);
  fs::permissions(folder.path("a.jpg"), fs::perms(0644));
  REQUIRE(write_private_output(folder.path("a.jpg"), std::string(3'000'000, 'x')));
  CHECK((mode_of(folder.path("a.jpg")) & 07777) == 0600);
  CHECK(content_of(folder.path("a.jpg")).size() == 3'000'000);
  CHECK(folder.entries() == 1);
}

TEST_CASE("a symbolic link, wherever one is planted, is never followed") {
  const OutputFolder folder;
  const std::string victim = folder.path("victim");
  std::ofstream(victim) << "mine";
  for (const char* name : {"a.jpg", "a.jpg.part", ".a.jpg", "a.jpg.tmp"}) fs::create_symlink(victim, folder.path(name));
  fs::create_symlink(folder.path("nowhere"), folder.path("b.jpg"));
  REQUIRE(write_private_output(folder.path("a.jpg"), "a face"));
  REQUIRE(write_private_output(folder.path("b.jpg"), "a face"));
  CHECK(content_of(victim) == "mine");
  CHECK_FALSE(fs::exists(folder.path("nowhere")));
  for (const char* name : {"a.jpg", "b.jpg"}) {
    CHECK(S_ISREG(mode_of(folder.path(name))));
    CHECK(content_of(folder.path(name)) == "a face");
  }
  CHECK(S_ISLNK(mode_of(folder.path("a.jpg.part"))));
  CHECK_FALSE(write_private_output(folder.path("a.jpg.part"), "a key", Existing::kKeep));
  CHECK(content_of(victim) == "mine");
}

TEST_CASE("what is there and is to stay stays, and what is no file is not replaced by one") {
  const OutputFolder folder;
  REQUIRE(write_private_output(folder.path("key"), "one", Existing::kKeep));
  CHECK((mode_of(folder.path("key")) & 07777) == 0600);
  const auto again = write_private_output(folder.path("key"), "two", Existing::kKeep);
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::kInvalidArgument);
  CHECK(content_of(folder.path("key")) == "one");
  fs::create_directories(folder.path("folder"));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  for (const std::string& bad :
       {folder.path("folder"), folder.path("folder/"), folder.path("pipe"), std::string("/dev/null"), std::string()}) {
    CAPTURE(bad);
    const auto refused = write_private_output(bad, "x");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kInvalidArgument);
  }
  const auto nowhere = write_private_output(folder.path("none/a.jpg"), "x");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().kind == ErrorKind::kNotFound);
  CHECK(nowhere.error().message.find(folder.path("none/a.jpg")) != std::string::npos);
  CHECK(folder.entries() == 3);
}

}  // namespace kanhu
