// SPDX-License-Identifier: MIT
#include "bench/faces/labels.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/bench/folder.hpp"

using namespace kanhu;
using namespace kanhu::bench;
using Catch::Contains;
using Catch::EndsWith;

namespace {

std::string imglab(const std::string& inner) {
  return "<?xml version='1.0'?>\n<dataset>\n<!-- <box> in a comment is none -->\n<images>\n" + inner + "\n</images>\n</dataset>\n";
}

}  // namespace

TEST_CASE("imglab's boxes, ignored ones and pictures without faces are read") {
  const test::Folder folder;
  const auto path = folder.write("a.xml", imglab("<image file='a &amp; b.jpg'>\n"
                                                 "<box top='2' left='1' width='30' height=\"40\"/>\n"
                                                 "<box top='5' left='6' width='7' height='8' ignore='1'><label>far</label></box></image>\n"
                                                 "<image file='none.jpg'/>"));
  const auto read = read_imglab(path);
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].file == "a & b.jpg");
  CHECK((*read)[0].line == 5);
  REQUIRE((*read)[0].faces.size() == 2);
  CHECK((*read)[0].faces[0].left == 1);
  CHECK((*read)[0].faces[0].height == 40);
  CHECK_FALSE((*read)[0].faces[0].ignore);
  CHECK((*read)[0].faces[1].ignore);
  CHECK((*read)[1].faces.empty());
}

TEST_CASE("the eyes of 68 points are the means of their outlines, and say the distance between the pupils") {
  const test::Folder folder;
  std::string parts;
  for (int i = 0; i < 68; ++i) {
    const bool right = i >= 36 && i < 42, left = i >= 42 && i < 48;
    parts += "<part name='" + std::string(i < 10 ? "0" : "") + std::to_string(i) + "' x='" +
             (right  ? "20"
              : left ? "44"
                     : "1") +
             "' y='10'/>\n";
  }
  const auto read = read_imglab(
      folder.write("a.xml", imglab("<image file='a.jpg'><box top='0' left='0' width='60' height='60'>" + parts + "</box></image>")));
  REQUIRE(read);
  const Label& face = (*read)[0].faces[0];
  REQUIRE(face.eyes);
  CHECK(face.eyes->right == Point{20, 10});
  CHECK(face.inter_pupil_px() == Approx(24));
  Label without = face;
  without.eyes.reset();
  CHECK(without.inter_pupil_px() == Approx(60 * kEyesPerWidth));
}

TEST_CASE("imglab with a mistake is refused with its line") {
  const test::Folder folder;
  const auto refused = [&](const std::string& inner) {
    const auto read = read_imglab(folder.write("bad.xml", imglab(inner)));
    REQUIRE_FALSE(read);
    return read.error();
  };
  CHECK_THAT(refused("<image file='a.jpg'>\n<box top='1' left='x' width='3' height='4'/></image>").message,
             Contains("bad.xml:6: <box> has left \"x\""));
  CHECK_THAT(refused("<image file='a.jpg'><box top='1' left='1' width='3'/></image>").message, Contains("bad.xml:5: <box> without height"));
  CHECK_THAT(refused("<image file='a.jpg'><box top='1' left='1' width='0' height='4'/></image>").message, Contains("above 0"));
  CHECK_THAT(refused("<box top='1' left='1' width='3' height='4'/>").message, Contains("<box> outside an <image>"));
  CHECK_THAT(refused("<image/>").message, Contains("bad.xml:5: <image> without file"));
  CHECK_THAT(refused("<image file='a.jpg>").message, Contains("no closed quotes"));
  CHECK(refused("<image file='a.jpg'><box top='1' left='1' width='nan' height='4'/></image>").kind == ErrorKind::kCorrupt);

  const auto cut = read_imglab(folder.write("cut.xml", "<dataset>\n<images>\n<image file='a.jpg'>"));
  REQUIRE_FALSE(cut);
  CHECK_THAT(cut.error().message, Contains("cut off"));
  const auto other = read_imglab(folder.write("other.xml", "<annotation><object/></annotation>"));
  REQUIRE_FALSE(other);
  CHECK(other.error().kind == ErrorKind::kUnsupported);
  CHECK(read_imglab(folder / "absent.xml").error().kind == ErrorKind::kNotFound);
}

TEST_CASE("boxes.csv gives boxes, eyes and pictures without faces, with or without a header") {
  const test::Folder folder;
  const auto read = read_boxes_csv(folder.write("boxes.csv",
                                                "file,left,top,width,height\r\n# a comment\n\na.png, 1,2,30,40\n"
                                                "b.png\na.png,5,6,7,8,10,11,12,13\nc.png,,,,\n"));
  REQUIRE(read);
  REQUIRE(read->size() == 3);
  REQUIRE((*read)[0].faces.size() == 2);
  CHECK((*read)[0].faces[0].left == 1);
  REQUIRE((*read)[0].faces[1].eyes);
  CHECK((*read)[0].faces[1].eyes->left == Point{12, 13});
  CHECK((*read)[1].file == "b.png");
  CHECK((*read)[1].line == 5);
  CHECK((*read)[1].faces.empty());
  CHECK((*read)[2].faces.empty());
}

TEST_CASE("boxes.csv and pairs.csv with a mistake are refused with their line") {
  const test::Folder folder;
  const auto boxes = [&](const std::string& text) { return read_boxes_csv(folder.write("boxes.csv", text)).error().message; };
  CHECK_THAT(boxes("a.png,1,2,30,40\na.png,1,2,30\n"), Contains("boxes.csv:2: 4 fields"));
  CHECK_THAT(boxes("a.png,1,2,wide,40\n"), Contains("boxes.csv:1: field 4 is \"wide\""));
  CHECK_THAT(boxes("a.png,1,2,-3,40\n"), Contains("above 0"));
  CHECK_THAT(boxes("a.png,1,2,3,4,5\n"), Contains("6 fields"));
  CHECK_THAT(boxes(",1,2,3,4\n"), Contains("a file is needed"));

  const auto pairs = [&](const std::string& text) { return read_pairs_csv(folder.write("pairs.csv", text)); };
  const auto good = pairs("file,file,same\na.png,b.png,1\na.png,c.png,different\n");
  REQUIRE(good);
  REQUIRE(good->size() == 2);
  CHECK((*good)[0].same);
  CHECK_FALSE((*good)[1].same);
  CHECK_THAT(pairs("a,b,1\na,b,perhaps\n").error().message, Contains("pairs.csv:2: \"perhaps\""));
  CHECK_THAT(pairs("a,b\n").error().message, Contains("pairs.csv:1: 2 fields"));
  CHECK_THAT(pairs("a,a,1\n").error().message, Contains("pairs.csv:1: a picture with itself"));
  CHECK_THAT(pairs("a,b,1\nb,a,0\n").error().message, Contains("pairs.csv:2: says the opposite of line 1"));
}

TEST_CASE("two lists about one face are one label with eyes") {
  std::vector<Label> labels{{10, 10, 40, 40, {}, false}};
  const Label with_eyes{11, 10, 40, 41, Eyes{{20, 20}, {35, 20}}, false}, elsewhere{60, 10, 40, 40, {}, false};
  merge_labels(labels, {with_eyes, elsewhere});
  REQUIRE(labels.size() == 2);
  CHECK(labels[0].left == 10);
  CHECK(labels[0].eyes.has_value());
}
