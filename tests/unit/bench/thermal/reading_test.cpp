// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "bench/thermal/labels.hpp"
#include "bench/thermal/recording.hpp"
#include "bench/thermal/row.hpp"
#include "bench/thermal/set.hpp"
#include "tests/unit/bench/folder.hpp"

using namespace kanhu;
using namespace kanhu::bench;
using Catch::Contains;

namespace {

// 64 temperatures, one of them warm.
std::string row_of(const std::string& separator, const std::string& base = "22.5", const std::string& warm = "30.25") {
  std::string row;
  for (int i = 0; i < 64; ++i) row += (i == 0 ? "" : separator) + (i == 9 ? warm : base);
  return row;
}

ThermalRecording read(const test::Folder& folder, const std::string& text, const ThermalDefaults& defaults = {}) {
  const auto recording = read_thermal_csv(folder.write("r.csv", text), "r.csv", defaults);
  INFO((recording ? "" : recording.error().message));
  REQUIRE(recording);
  return *recording;
}

}  // namespace

TEST_CASE("a header names the columns, comments what else there is to know") {
  const test::Folder folder;
  const auto recording = read(folder,
                              "# size: 2x2\n# unit: kelvin\n# rate: 4\n# pitch_m: 0.3\n"
                              "t,people,unknown_allowed,p0,p1,p2,p3,ambient\n"
                              "10.5,2,1,295.15,295.15,303.15,295.15,1\n10.75,0,0,295.15,295.15,295.15,295.16,1\n");
  CHECK(recording.width == 2);
  CHECK(recording.rate == 4);
  CHECK(recording.pitch_m == 0.3);
  REQUIRE(recording.frames.size() == 2);
  CHECK(recording.frames[0].kind == ThermalKind::kRadiometric);
  CHECK(recording.frames[0].values == std::vector<std::int16_t>{2200, 2200, 3000, 2200});
  CHECK(recording.truths[0].people == 2);
  CHECK(recording.truths[0].unknown_allowed);
  CHECK(recording.truths[0].counted);
  CHECK(recording.truths[1].seconds == Approx(0.25));
  CHECK(recording.left_out.empty());
}

TEST_CASE("rows without a header are read when their number of values is that of an array") {
  const test::Folder folder;
  CHECK(read(folder, row_of(",") + "\n" + row_of(",") + "\n").width == 8);
  const auto with_time = read(folder, "3.0\t" + row_of("\t", "22,5") + "\n3.5\t" + row_of("\t", "22,5") + "\n");
  CHECK(with_time.truths[1].seconds == Approx(0.5));
  CHECK(with_time.frames[0].values[0] == 2250);
  const auto with_both = read(folder, "0.1;" + row_of(";", "22.5") + ";1\n0.2;" + row_of(";", "22.5") + ";0\n");
  CHECK(with_both.truths[0].people == 1);
  CHECK(with_both.truths[1].people == 0);
  CHECK(with_both.frames[1].values[9] == 3025);
  const auto with_label = read(folder, "2," + row_of(",") + "\n2," + row_of(",") + "\n");
  CHECK(with_label.truths[1].people == 2);
  const auto bracketed = read(folder, "[" + row_of(", ") + "]\n[" + row_of(", ") + "]\n");
  CHECK(bracketed.frames.size() == 2);
}

TEST_CASE("a time above each row that counts frames is turned into seconds by the rate") {
  const test::Folder folder;
  std::string text;
  for (int i = 1; i <= 3; ++i) text += std::to_string(i) + ".0\n" + row_of(",") + "\n";
  ThermalDefaults defaults;
  defaults.rate = 10;
  const auto recording = read(folder, text, defaults);
  REQUIRE(recording.frames.size() == 3);
  CHECK(recording.truths[2].seconds == Approx(0.2));
  CHECK(recording.truths[2].people == ThermalTruth::kNotLabelled);
}

TEST_CASE("units are told from the first row's middle when no file names them") {
  const test::Folder folder;
  for (const auto& [base, warm] :
       {std::pair<std::string, std::string>{"22.5", "30.25"}, {"2250", "3025"}, {"295.65", "303.40"}, {"29565", "30340"}}) {
    const auto recording = read(folder, row_of(",", base, warm) + "\n");
    CHECK(recording.frames[0].values[0] == 2250);
    CHECK(recording.frames[0].values[9] == 3025);
  }
}

TEST_CASE("a row that makes no sense is left out and named with its line") {
  const test::Folder folder;
  const std::string good = row_of(",");
  const auto recording = read(folder, "# size: 8x8\n" + good + "\n" + good + "\n" + good + ",1\n" + row_of(",", "22.5", "nan") + "\n" +
                                          row_of(",", "22.5", "warm") + "\n" + row_of(",", "22.5", "1e9") + "\n\n" + good + "\n");
  CHECK(recording.frames.size() == 3);
  REQUIRE(recording.left_out.size() == 4);
  CHECK_THAT(recording.left_out[0], Contains("r.csv:4: 65 values, 64 are needed"));
  CHECK_THAT(recording.left_out[1], Contains("r.csv:5: \"nan\" is no temperature"));
  CHECK_THAT(recording.left_out[2], Contains("r.csv:6: \"warm\""));
  CHECK_THAT(recording.left_out[3], Contains("r.csv:7: 1000000000 is beyond"));
}

TEST_CASE("a clock that runs backwards costs its rows, not the recording") {
  const test::Folder folder;
  const auto recording = read(folder, "t,present,p0\n# size: 1x1\n1,yes,20\n2,no,20\n1.5,no,20\n3,unknown,20\n4,maybe,20\n");
  CHECK(recording.frames.size() == 3);
  CHECK(recording.truths[0].people == 1);
  CHECK_FALSE(recording.truths[0].counted);
  CHECK(recording.truths[2].people == ThermalTruth::kNotLabelled);
  REQUIRE(recording.left_out.size() == 2);
  CHECK_THAT(recording.left_out[0], Contains("does not rise from 2"));
  CHECK_THAT(recording.left_out[1], Contains("\"maybe\" is no number of people"));
}

TEST_CASE("files without a row that makes sense are refused, with the reason") {
  const test::Folder folder;
  const auto refused = [&](const std::string& text) {
    const auto recording = read_thermal_csv(folder.write("r.csv", text), "r.csv", {});
    REQUIRE_FALSE(recording);
    CHECK(recording.error().kind == ErrorKind::kCorrupt);
    return recording.error().message;
  };
  CHECK_THAT(refused(""), Contains("r.csv: is empty"));
  CHECK_THAT(refused("# size: 8by8\n"), Contains("r.csv:1: size \"8by8\": WIDTHxHEIGHT is needed"));
  CHECK_THAT(refused("1,2,3,4,5\n6,7,8,9,10\n"), Contains("r.csv:1: 5 numbers are no row of a known size"));
  CHECK_THAT(refused(std::string("\0\x01\x02\xff binary \n", 12)), Contains("r.csv"));
  CHECK(read_thermal_csv(folder / "absent.csv", "absent.csv", {}).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("a pattern's stars stand for any text") {
  CHECK(fits_pattern("Nothing12", "Nothing*"));
  CHECK(fits_pattern("abcabd", "*ab?d") == false);
  CHECK(fits_pattern("abcabd", "*ab*d"));
  CHECK(fits_pattern("", "*"));
  CHECK_FALSE(fits_pattern("SitAndFall", "Sitting*"));
}

TEST_CASE("labels come from the recording, then from intervals beside it, then from names") {
  const test::Folder folder;
  folder.write("labels.json",
               R"({"names": [["Nothing*", "absent"], ["*/1*", "skip"], ["Two*", 2]], "folders": [["hall", "present"]], "rate": 10})");
  folder.write("bed/Nothing1", row_of(",") + "\n" + row_of(",") + "\n");
  folder.write("bed/Two", row_of(",") + "\n");
  folder.write("bed/11", row_of(",") + "\n");
  folder.write("bed/Other", row_of(",") + "\n");
  folder.write("hall/a.csv", row_of(",") + "\n");
  folder.write("hall/b.csv", row_of(",") + "\n" + row_of(",") + "\n");
  folder.write("hall/b.labels.csv", "from_s,to_s,people\n0,0.05,3\n");
  const auto set = find_thermal_set(folder.path(), "", {});
  REQUIRE(set);
  REQUIRE(set->left_out.size() == 1);
  CHECK_THAT(set->left_out[0], Contains("bed/11: labels.json says skip"));
  REQUIRE(set->items.size() == 5);
  const auto people = [&](std::size_t item, std::size_t frame) { return read_thermal_item(set->items[item])->truths.at(frame).people; };
  CHECK(set->items[0].name == "bed/Nothing1");
  CHECK(people(0, 1) == 0);
  CHECK_THAT(read_thermal_item(set->items[1]).error().message, Contains("bed/Other: nothing says who is there"));
  CHECK(people(2, 0) == 2);
  CHECK(people(3, 0) == 1);
  CHECK(people(4, 0) == 3);
  CHECK(people(4, 1) == ThermalTruth::kNotLabelled);
}

TEST_CASE("pictures in folders named for what they show are one recording each; one that cannot be read is named") {
  const test::Folder folder;
  folder.write("human/10.pgm", std::string("P5 2 2 255\n") + "\x0a\x14\x1e\x28");
  folder.write("human/9.pgm", std::string("P5 2 2 255\n") + "\x01\x01\x01\x01");
  folder.write("human/broken.pgm", "P5 2 2");
  folder.write("other/1.pgm", std::string("P5 2 2 255\n") + "\x01\x01\x01\x01");
  const auto set = find_thermal_set(folder.path(), "", {});
  REQUIRE(set);
  REQUIRE(set->items.size() == 1);
  REQUIRE(set->left_out.size() == 1);
  CHECK_THAT(set->left_out[0], Contains("other: 1 pictures; its name says nothing"));
  const auto pictures = read_thermal_item(set->items[0]);
  REQUIRE(pictures);
  CHECK(pictures->stills);
  REQUIRE(pictures->frames.size() == 2);  // 9 before 10
  CHECK(pictures->frames[1].kind == ThermalKind::kRelative);
  CHECK(pictures->frames[1].values == std::vector<std::int16_t>{100, 200, 300, 400});
  CHECK(pictures->truths[0].people == 1);
  REQUIRE(pictures->left_out.size() == 1);
  CHECK_THAT(pictures->left_out[0], Contains("broken.pgm"));
}

TEST_CASE("a link that leads back to its folder is not followed for ever") {
  const test::Folder folder;
  folder.write("human/a.csv", row_of(",") + "\n");
  std::filesystem::create_directory_symlink(folder.path(), folder / "human/back");
  const auto set = find_thermal_set(folder.path(), "", {});
  REQUIRE(set);
  CHECK(set->items.size() == 1);
}

TEST_CASE("a labels.json with a mistake is refused, with what is wrong and what there is") {
  const test::Folder folder;
  const auto refused = [&](const std::string& text) {
    folder.write("labels.json", text);
    const auto set = find_thermal_set(folder.path(), "", {});
    REQUIRE_FALSE(set);
    CHECK(set.error().kind == ErrorKind::kCorrupt);
    return set.error().message;
  };
  CHECK_THAT(refused("{"), Contains("labels.json"));
  CHECK_THAT(refused(R"({"names": {"a": "absent"}})"), Contains("pairs are needed"));
  CHECK_THAT(refused(R"({"names": [["a", "gone"]]})"), Contains("present, absent, unknown, skip or a number"));
  CHECK_THAT(refused(R"({"names": [["a", 99999999999]]})"), Contains("present, absent, unknown, skip or a number"));
  CHECK_THAT(refused(R"({"rats": 8})"), Contains("there are folders, names, size, unit, rate, pitch_m"));
  CHECK_THAT(refused(R"({"size": "8"})"), Contains("WIDTHxHEIGHT"));
  CHECK(find_thermal_set(folder / "absent", "", {}).error().kind == ErrorKind::kNotFound);
}
