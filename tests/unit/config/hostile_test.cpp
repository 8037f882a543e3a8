// SPDX-License-Identifier: MIT
#include <string>

#include <catch2/catch.hpp>

#include "config/load.hpp"
#include "config/yaml/prescan.hpp"

namespace kanhu {
namespace {

std::string repeat(const std::string& text, std::size_t times) {
  std::string made;
  made.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) made += text;
  return made;
}

// How far the scan got before it refused: the YAML library never saw the text.
void refused_within(std::size_t bytes, const std::string& text, const char* fragment) {
  const PrescanResult result = prescan(text);
  REQUIRE(result.problem);
  INFO(result.problem->message);
  CHECK(result.problem->message.find(fragment) != std::string::npos);
  CHECK(result.bytes_looked_at <= bytes);
  CHECK_FALSE(check_config(text, "x.yaml").config);
}

TEST_CASE("a million brackets are refused after the 65th") {
  refused_within(300, repeat("[\n", 1'000'000), "nested deeper than 64");
  refused_within(300, repeat("{a:\n", 1'000'000), "nested deeper than 64");
  refused_within(1'000'001, repeat("[", 1'000'000), "the line has 1000000 bytes");
}

TEST_CASE("deep block nesting is refused") {
  std::string text;
  for (std::size_t depth = 0; depth < 100; ++depth) text += std::string(depth, ' ') + "k:\n";
  refused_within(4000, text, "nested deeper than 64");
  refused_within(4000, repeat("- ", 100) + "x\n", "nested deeper than 64");
}

TEST_CASE("a scalar of 50 MB is refused by its size alone") {
  refused_within(0, "a: " + std::string(50'000'000, 'x'), "at most 4194304 are read");
}

TEST_CASE("a map of more keys than are allowed is refused while it is scanned") {
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  refused_within(text.size(), text, "more than 200000 keys and values");
}

TEST_CASE("brackets hidden behind quotes that YAML does not take for quotes reach no recursion") {
  // In a flow list a text goes on in the next line, where a quote is an ordinary character.
  const std::string text = "a: [a\n" + repeat(" \"[[[[\" , \"]]]]\"\n", 20'000) + "]\n";
  const LoadReport report = check_config(text, "x.yaml");
  CHECK_FALSE(report.config);
  CHECK(report.problems.size() <= 100);
}

TEST_CASE("at most a hundred problems are kept") {
  CHECK(check_config(repeat("k: 1\n", 50'000), "x.yaml").problems.size() == 100);
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  CHECK(check_config(text, "x.yaml").problems.size() == 100);
}

TEST_CASE("nothing at all is refused without a fault") {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf", "[]", "42", "~"}) {
    const LoadReport report = check_config(text, "x.yaml");
    CHECK_FALSE(report.config);
    CHECK_FALSE(report.problems.empty());
  }
}

TEST_CASE("every beginning of a good configuration is either good or refused") {
  const std::string text =
      "---\nversion: 1\ngateway: {id: \"gw\", data_dir: 'a''b'}\nfacilities:\n  - id: f\n    name: 看护\n    class: street_centre\n    "
      "cameras:\n"
      "      - {id: c, main: {url: \"rtsp://h/x\"}, detector: {name: none}, ignore: [[[0, 0], [1, 0], [1, 1]]]}\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const LoadReport report = check_config(text.substr(0, length), "x.yaml");
    CHECK(report.config.has_value() == report.problems.empty());
  }
  CHECK(check_config(text, "x.yaml").config);
}

}  // namespace
}  // namespace kanhu
