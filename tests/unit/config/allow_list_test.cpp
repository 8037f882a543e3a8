// SPDX-License-Identifier: MIT
#include "config/allow_list.hpp"

#include <filesystem>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

using namespace kanhu;

namespace {

constexpr const char* kKey = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
constexpr const char* kOther = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

std::string entry(const std::string& name, const std::string& key, const std::string& rest = "facilities: [f1]\n    rights: [live]\n") {
  return "  - name: " + name + "\n    public_key: \"" + key + "\"\n    " + rest;
}

std::string fault_of(const std::string& text) {
  const auto parsed = parse_allow_list(text, "subscribers.yaml");
  return parsed ? "" : parsed.error().message;
}

const std::string kTop = "version: 1\nsubscribers:\n";

}  // namespace

TEST_CASE("every right has its name") {
  constexpr std::pair<std::string_view, Right> kNamed[] = {
      {"live", Right::kLive}, {"fetch", Right::kFetch}, {"clip", Right::kClip}, {"picture", Right::kPicture}};
  CHECK(std::size(kRightNames) == std::size(kNamed));
  for (const auto& [name, right] : kNamed) CHECK(right_named(name) == right);
  for (const char* wrong : {"", "Live", "lives"}) CHECK_FALSE(right_named(wrong));
}

TEST_CASE("an allow-list names who may see what, and until when") {
  const auto list =
      parse_allow_list(kTop +
                           entry("dashboard", kKey,
                                 "facilities: [f1, 'g*']\n    rights: [live, fetch, clip, picture]\n    expires: 2027-01-01T00:00:00Z\n") +
                           entry("all", kOther, "facilities: ['*']\n    rights: [live]\n"),
                       "subscribers.yaml");
  REQUIRE(list);
  REQUIRE(list->subscribers.size() == 2);
  const AllowedSubscriber& one = list->subscribers[0];
  CHECK(one.name == "dashboard");
  CHECK(one.public_key == kKey);
  CHECK(one.facilities == std::vector<std::string>{"f1", "g*"});
  CHECK(one.rights.size() == 4);
  CHECK(format_utc(*one.expires) == "2027-01-01T00:00:00.000000Z");
  CHECK_FALSE(list->subscribers[1].expires);
  CHECK(parse_allow_list("version: 1\nsubscribers: []\n", "x")->subscribers.empty());
  // A file's name that stands in the message by chance is still said.
  CHECK(parse_allow_list("", "f").error().message.starts_with("f:1:1: "));
}

TEST_CASE("an allow-list is refused whole, with the place and what to mend") {
  struct Bad {
    std::string text, place, word;
  };
  const std::string good = entry("a", kKey);
  const Bad bad[] = {
      {"", ":1:1", "a mapping of keys"},
      {"version: 2\nsubscribers: []\n", ":1:10", "version"},
      {"version: 1\n", ":1:1", "subscribers is missing"},
      {"version: 1\nsubscribers: nobody\n", ":2:14", "list"},
      {kTop + good + entry("a", kOther), ":7:11", "twice"},
      {kTop + good + entry("b", kKey), ":8:17", "another subscriber has the same"},
      {kTop + entry("A b", kKey), ":3:11", "identifier"},
      {kTop + entry("a", std::string(39, 'a')), ":4:17", "40 characters"},
      {kTop + entry("a", std::string(39, 'a') + "~"), ":4:17", "no character of Z85"},
      {kTop + entry("a", std::string(40, '#')), ":4:17", "not a key"},
      {kTop + entry("a", kKey, "facilities: [F1]\n    rights: [live]\n"), ":5:18", "neither"},
      {kTop + entry("a", kKey, "facilities: ['-']\n    rights: [live]\n"), ":5:18", "neither"},
      {kTop + entry("a", kKey, "facilities: ['f*1']\n    rights: [live]\n"), ":5:18", "neither"},
      {kTop + entry("a", kKey, "facilities: []\n    rights: [live]\n"), ":5:17", "at least one"},
      {kTop + entry("a", kKey, "facilities: f1\n    rights: [live]\n"), ":5:17", "list"},
      {kTop + entry("a", kKey, "facilities: [f1]\n    rights: [lives]\n"), ":6:14", "did you mean live?"},
      {kTop + entry("a", kKey, "facilities: [f1]\n    rights: [live, live]\n"), ":6:20", "twice"},
      {kTop + entry("a", kKey, "facilities: [f1]\n    rights: [live]\n    expires: tomorrow\n"), ":7:14", "2027-01-01"},
      {kTop + entry("a", kKey, "facilities: [f1]\n    rights: [live]\n    expire: 2027-01-01T00:00:00Z\n"), ":7:5",
       "did you mean expires?"},
      {kTop + entry("a", kKey, "rights: [live]\n"), ":3:5", "facilities is missing"},
  };
  for (const Bad& one : bad) {
    const std::string fault = fault_of(one.text);
    INFO(one.text << "\n" << fault);
    CHECK(fault.find("subscribers.yaml" + one.place + ":") != std::string::npos);
    CHECK(fault.find(one.word) != std::string::npos);
  }
}

TEST_CASE("an allow-list that is written reads back the same, and one that cannot be is left alone") {
  const std::string folder = std::filesystem::temp_directory_path() / ("kanhu-allow-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/subscribers.yaml";
  const AllowList list{{{"a", kKey, {"f1", "g*"}, {"live", "fetch"}, WallTime(std::chrono::seconds(1'800'000'000))},
                        {"b", kOther, {"*"}, {"picture"}, std::nullopt}}};
  CHECK(load_allow_list(path).error().message.find("kanhu keys add") != std::string::npos);
  REQUIRE(store_allow_list(path, list));
  CHECK(*load_allow_list(path) == list);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 037) == 0);
  AllowList bad = list;
  bad.subscribers[1].name = "a";
  CHECK_FALSE(store_allow_list(path, bad));
  CHECK(*load_allow_list(path) == list);
  REQUIRE(store_allow_list(path, {}));
  CHECK(load_allow_list(path)->subscribers.empty());
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
  std::filesystem::remove_all(folder);
}
