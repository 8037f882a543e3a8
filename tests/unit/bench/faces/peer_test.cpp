// SPDX-License-Identifier: MIT
#include "bench/faces/peer.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/bench/folder.hpp"

using namespace kanhu;
using namespace kanhu::bench;
using Catch::Contains;

namespace {

std::string program(const test::Folder& folder, const std::string& name, const std::string& text) {
  const auto path = folder.write(name, "#!/bin/sh\n" + text);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

}  // namespace

TEST_CASE("a peer is asked picture by picture") {
  const test::Folder folder;
  auto peer = Peer::start(program(folder, "counts",
                                  "n=0\nwhile read -r file; do n=$((n+1)); "
                                  "echo '{\"file\": \"x\", \"ms\": '$n'.5, \"boxes\": [[1,2,3,4,'$n'],[5,6,7,8,0.5]]}'; done\n"));
  REQUIRE(peer);
  CHECK((*peer)->name() == "counts");
  for (const int n : {1, 2}) {
    const auto look = (*peer)->look("/tmp/x.pgm");
    REQUIRE(look);
    CHECK(look->milliseconds == n + 0.5);
    REQUIRE(look->found.size() == 2);
    CHECK(look->found[0].score == n);
    CHECK(look->found[1].height == 8);
  }
}

TEST_CASE("a peer that ends or talks nonsense is an error, then and from then on") {
  const test::Folder folder;
  auto ends = Peer::start(program(folder, "ends", "read -r file; exit 3\n"));
  REQUIRE(ends);
  CHECK((*ends)->look("x").error().kind == ErrorKind::kClosed);
  CHECK_THAT((*ends)->look("x").error().message, Contains("peer ends: it has failed before"));
  auto nonsense = Peer::start(program(folder, "nonsense", "while read -r file; do echo hello; done\n"));
  REQUIRE(nonsense);
  CHECK((*nonsense)->look("x").error().kind == ErrorKind::kCorrupt);
  CHECK_FALSE(Peer::start(folder / "absent"));
}

TEST_CASE("an answer without time, with boxes of four numbers or of words is refused") {
  CHECK(look_in(R"({"file": "a", "ms": 1, "boxes": []})", "p"));
  for (const char* answer : {R"({"boxes": []})", R"({"ms": 1, "boxes": [[1, 2, 3, 4]]})", R"({"ms": 1, "boxes": [["a", 2, 3, 4, 5]]})",
                             R"({"ms": "fast", "boxes": []})", "[]", ""}) {
    CHECK_FALSE(look_in(answer, "p"));
  }
}

TEST_CASE("every executable of a folder is a peer, and nothing else") {
  const test::Folder folder;
  program(folder, "b", "");
  program(folder, "a", "");
  folder.write("README");
  folder.write("inner/c");
  const auto found = executables_in(folder.path());
  REQUIRE(found);
  CHECK(*found == std::vector<std::string>{folder / "a", folder / "b"});
  CHECK(executables_in(folder / "absent").error().kind == ErrorKind::kNotFound);
}

TEST_CASE("the pictures written for peers go with their folder") {
  std::string path;
  {
    auto folder = PictureFolder::make();
    REQUIRE(folder);
    path = (*folder)->path();
    std::ofstream(path + "/1.pgm") << "P5";
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}
