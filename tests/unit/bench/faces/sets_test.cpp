// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "bench/faces/set.hpp"
#include "tests/unit/bench/folder.hpp"

using namespace kanhu;
using namespace kanhu::bench;
using Catch::Contains;

TEST_CASE("a folder of people's folders is one set; neighbours with lists or folders of their own are not people") {
  const test::Folder folder;
  for (const char* file : {"orl/s1/1.pgm", "orl/s1/2.PGM", "orl/s2/1.pgm", "orl/s2/2.pgm", "orl/s2/notes.txt"}) folder.write(file);
  for (const char* file : {"crowd/1.jpg", "crowd/2.jpg", "labelled/a.png", "labelled/b.png"}) folder.write(file);
  folder.write("labelled/boxes.csv", "a.png,1,2,3,4\n");
  const auto found = find_sets(folder.path() + "/");
  REQUIRE(found);
  REQUIRE(found->sets.size() == 2);
  CHECK(found->sets[0].name == "labelled");
  CHECK(found->sets[0].labelled.size() == 1);
  CHECK(found->sets[0].people.empty());
  CHECK(found->sets[1].name == "orl");
  REQUIRE(found->sets[1].people.size() == 2);
  CHECK(found->sets[1].people[1].pictures == std::vector<std::string>{folder / "orl/s2/1.pgm", folder / "orl/s2/2.pgm"});
  REQUIRE(found->left_out.size() == 2);
  CHECK_THAT(found->left_out[0], Contains("crowd: 2 pictures in no list"));
  CHECK_THAT(found->left_out[1], Contains("labelled: 1 picture in no list"));
}

TEST_CASE("labels, people and pairs may stand in the folder itself") {
  const test::Folder folder;
  for (const char* file : {"images/a.png", "images/b.png", "people/x/1.jpg", "people/x/2.jpg", "people/y/1.jpg"}) folder.write(file);
  folder.write("labels.xml",
               "<dataset><images><image file='images/a.png'><box left='1' top='1' width='9' height='9'/></image>"
               "<image file='images\\b.png'/></images></dataset>");
  folder.write("more.xml",
               "<dataset><images><image file='images/a.png'><box left='1' top='1' width='9' height='9'/></image></images></dataset>");
  folder.write("pairs.csv", "people/x/1.jpg,people/x/2.jpg,1\n");
  folder.write("style.xml", "<xsl/>");
  const auto found = find_sets(folder.path());
  REQUIRE(found);
  REQUIRE(found->sets.size() == 1);
  const FaceSet& set = found->sets[0];
  REQUIRE(set.labelled.size() == 2);
  CHECK(set.labelled[0].faces.size() == 1);  // the same face in two lists
  CHECK(set.labelled[1].faces.empty());
  CHECK(set.people.size() == 2);  // one with a single picture: nobody's pair, but everybody's stranger
  REQUIRE(set.pairs.size() == 1);
  CHECK(set.pairs[0].second == folder / "people/x/2.jpg");
  REQUIRE(found->left_out.size() == 1);
  CHECK_THAT(found->left_out[0], Contains("style.xml:1: not imglab's XML"));
}

TEST_CASE("a list that names a picture which is not there is refused, with the place") {
  const test::Folder folder;
  folder.write("set/boxes.csv", "# first\nabsent.png,1,2,3,4\n");
  const auto found = find_sets(folder.path());
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::kNotFound);
  CHECK_THAT(found.error().message, Contains("boxes.csv:2: the picture") && Contains("absent.png is not there"));
}

TEST_CASE("a folder without anything to measure on says what is missing, and one that is not there says so") {
  const test::Folder folder;
  folder.write("holiday/1.jpg");
  CHECK_THAT(find_sets(folder.path()).error().message, Contains("nothing to measure on") && Contains("docs/bench-faces.md"));
  CHECK_THAT(find_sets(folder / "nowhere").error().message, Contains("no such folder"));
}

TEST_CASE("fewer pictures are spread evenly") {
  const std::vector<int> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(spread(all, 5) == std::vector<int>{0, 2, 4, 6, 8});
  CHECK(spread(all, 0) == all);
  CHECK(spread(all, 99) == all);
}
