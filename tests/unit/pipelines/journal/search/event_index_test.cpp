// SPDX-License-Identifier: MIT
// The index gives what a scan of the journal gives, whatever happens to either.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/json.hpp"
#include "pipelines/journal/search/event_search.hpp"
#include "pipelines/journal/search/index_file.hpp"
#include "pipelines/journal/search/sqlite.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "tests/unit/pipelines/journal/made_journal.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

struct Answer {
  std::vector<std::string> events;  // id, place and body
  std::vector<std::string> damage;
  std::string index;
  bool operator==(const Answer& other) const { return events == other.events && damage == other.damage; }
};

Answer ask(const SearchPlan& plan, const EventFilter& filter) {
  auto files = make_posix_file_io();
  Answer answer;
  auto notes = search_events(*files, plan, filter, [&](const StoredEvent& event) {
    answer.events.push_back(fmt::format("{} {}@{}+{} {} {} {} {}", event.record.id.text(), event.place.segment, event.place.offset,
                                        event.place.size, event.record.facility, event.record.type, event.facts.subject,
                                        event.record.body));
    return true;
  });
  if (!notes) throw std::runtime_error(notes.error().message);
  answer.damage = notes->damage;
  answer.index = notes->index;
  return answer;
}

// The index now takes the segment as it is for the one that was read.
void stamp_again(const std::string& index, const std::string& segment) {
  auto files = make_posix_file_io();
  FileStamp stamp;
  while ((stamp = stamp_of(segment)).changed_ns == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  {
    auto database = SqliteDatabase::open(index);
    REQUIRE(database);
    REQUIRE(
        database->execute(fmt::format("UPDATE segment SET modified={}, changed={}, inode={}, size={} WHERE name='{}'", stamp.modified_ns,
                                      stamp.changed_ns, stamp.inode, stamp.bytes, segment.substr(segment.rfind('/') + 1))));
  }
  std::ofstream(index + ".sum") << fmt::format("{:016x}\n", sum_of_file(*files, index).value());
}

EventFilter random_filter(std::mt19937& random, const MadeJournal& journal) {
  const auto chance = [&](unsigned one_in) { return random() % one_in == 0; };
  EventFilter filter;
  if (chance(2)) filter.facility = journal.facilities[random() % journal.facilities.size()];
  if (chance(4)) filter.source = "cam-" + std::to_string(random() % 3);
  if (chance(3))
    filter.type = std::vector<std::string>{"camera.", "camera.offline", "face.*", "presence.started", "nothing.such"}[random() % 5];
  if (chance(4)) filter.subject = journal.subject(random() % 40).substr(0, 1 + random() % 26);
  if (chance(5)) filter.zone = "z" + std::to_string(random() % 3);
  if (chance(5)) filter.person = "person-" + std::to_string(random() % 3);
  if (chance(5)) filter.severity = chance(2) ? "alarm" : "info";
  if (chance(4)) filter.since = wall_from_microseconds(journal.random_time(random));
  if (chance(4)) filter.until = wall_from_microseconds(journal.random_time(random));
  if (chance(4)) filter.most = 1 + random() % 20;
  if (chance(8)) filter.seq = 1 + random() % 50;
  if (chance(8) && !journal.epochs.empty()) filter.epoch = journal.epochs[random() % journal.epochs.size()].substr(0, 1 + random() % 32);
  return filter;
}

}  // namespace

#ifdef KANHU_SANITIZED
constexpr unsigned kJournals = 2;  // a step costs ten times as much there
#else
constexpr unsigned kJournals = 8;
#endif

TEST_CASE("the index answers as a scan does, for random filters on random journals through random accidents") {
  auto files = make_posix_file_io();
  for (unsigned seed = 1; seed <= kJournals; ++seed) {
    std::mt19937 random(seed);
    ScratchFolder folder;
    MadeJournal journal(folder.path() + "/journal", random);
    const SearchPlan scan{folder.path() + "/journal", ""}, plan{folder.path() + "/journal", folder.path() + "/journal.index.sqlite"};
    std::size_t found = 0;
    for (int step = 0; step < 40; ++step) {
      const std::string happened = journal.something_happens();
      if (random() % 8 == 0) spoil_index(plan.index, random);
      INFO("seed " << seed << ", step " << step << ": " << happened);
      const Answer all = ask(scan, {});
      REQUIRE(ask(plan, {}) == all);
      std::size_t readable = 0;
      (void)read_journal(*files, scan.journal, [&](const JournalRecord&) { return ++readable > 0; });
      REQUIRE(readable == all.events.size());
      for (int tries = 0; tries < 4; ++tries) {
        const EventFilter filter = random_filter(random, journal);
        const Answer wanted = ask(scan, filter);
        found += wanted.events.size();
        const Answer got = ask(plan, filter);
        REQUIRE(got.events == wanted.events);
        REQUIRE(got.damage == wanted.damage);
      }
    }
    REQUIRE(found > 0);
  }
}

TEST_CASE("what is no index of Kanhu is never made anew") {
  std::mt19937 random(8);
  ScratchFolder folder;
  MadeJournal journal(folder.path() + "/journal", random);
  journal.append(20);
  const std::string other = folder.path() + "/precious";
  const auto text = GENERATE(std::string("gateway: {id: gw}\n"), std::string("SQLite format 3\0", 16) + std::string(200, 'x'));
  std::ofstream(other, std::ios::binary) << text;
  const Answer answer = ask({folder.path() + "/journal", other}, {});
  CHECK(answer.events.size() == 20);
  CHECK(answer.index.find("no index of Kanhu") != std::string::npos);
  std::ostringstream left;
  left << std::ifstream(other, std::ios::binary).rdbuf();
  CHECK(left.str() == text);
  // One of ours under any name, and through a folder that is a link.
  std::filesystem::create_directory_symlink(folder.path(), folder.path() + "/link");
  for (const char* name : {"/mine", "/link/mine", "/mine"}) {
    const Answer mine = ask({folder.path() + "/journal", folder.path() + name}, {});
    CHECK(mine.events.size() == 20);
    CHECK(mine.index.empty());
  }
}

TEST_CASE("an index is kept, caught up from where it ended, and made anew only when it must be") {
  std::mt19937 random(7);
  ScratchFolder folder;
  MadeJournal journal(folder.path() + "/journal", random);
  const SearchPlan plan{folder.path() + "/journal", folder.path() + "/journal.index.sqlite"};
  journal.append(200);
  REQUIRE(ask(plan, {}).events.size() == 200);
  const auto inode = inode_of(plan.index);
  journal.append(10);
  journal.rotate();
  journal.append(10);
  REQUIRE(ask(plan, {}).events.size() == 220);
  REQUIRE(ask(plan, {}).index.empty());
  REQUIRE(inode_of(plan.index) == inode);

  SECTION("nothing new, nothing written") {
    const auto before = std::filesystem::last_write_time(plan.index);
    std::filesystem::last_write_time(plan.index, before - std::chrono::hours(1));
    REQUIRE(ask(plan, {}).events.size() == 220);
    // The newest segment is young and so looked at again; that it holds the same is written down at most.
    REQUIRE(inode_of(plan.index) == inode);
  }
  SECTION("one byte of it is wrong, anywhere: it is made anew and says so") {
    for (const std::uint64_t at : {0ull, 20ull, 5000ull, 9000ull, 12345ull}) {
      flip_byte(plan.index, at);
      const Answer answer = ask(plan, {});
      REQUIRE(answer.events.size() == 220);
      REQUIRE(answer.index.find("made again") != std::string::npos);
      REQUIRE(ask(plan, {}).index.empty());
    }
  }
  SECTION("it is of another journal") {
    std::filesystem::rename(folder.path() + "/journal", folder.path() + "/other");
    MadeJournal other(folder.path() + "/journal", random);
    other.append(30);
    REQUIRE(ask(plan, {}).events == ask({plan.journal, ""}, {}).events);
  }
  SECTION("it is of another version") {
    REQUIRE(std::system(fmt::format("printf 'SQLite format 3' > {}", plan.index).c_str()) == 0);
    REQUIRE(ask(plan, {}).events.size() == 220);
  }
  SECTION("it was lost") {
    for (const char* end : {"", ".sum", ".lock"}) std::filesystem::remove(plan.index + end);
    REQUIRE(ask(plan, {}).events.size() == 220);
    REQUIRE(ask(plan, {}).index.empty());
  }
  SECTION("somebody else uses it: the journal is read instead, and that is said") {
    const int lock = ::open((plan.index + ".lock").c_str(), O_RDWR);
    REQUIRE(::flock(lock, LOCK_EX) == 0);
    const Answer answer = ask(plan, {});
    REQUIRE(answer.events.size() == 220);
    REQUIRE(answer.index.find("in use") != std::string::npos);
    ::close(lock);
  }
  SECTION("its folder is not there: likewise") {
    const Answer answer = ask({plan.journal, folder.path() + "/nowhere/journal.index.sqlite"}, {});
    REQUIRE(answer.events.size() == 220);
    REQUIRE(answer.index.find("nowhere") != std::string::npos);
  }
}

TEST_CASE("a change that the file system does not tell is noticed where it is read, and the rest comes from the journal") {
  std::mt19937 random(3);
  ScratchFolder folder;
  MadeJournal journal(folder.path() + "/journal", random);
  const SearchPlan plan{folder.path() + "/journal", folder.path() + "/journal.index.sqlite"};
  journal.append(50);
  journal.rotate();
  journal.append(50);
  REQUIRE(ask(plan, {}).events.size() == 100);
  // As rot on the disk does it: the file system tells nothing of it.
  flip_byte(journal.paths().front(), 4000);
  stamp_again(plan.index, journal.paths().front());
  const Answer answer = ask(plan, {});
  REQUIRE(answer.events == ask({plan.journal, ""}, {}).events);
  REQUIRE(answer.events.size() == 99);
  REQUIRE(answer.damage.size() == 1);
  REQUIRE(answer.index.find("made again") != std::string::npos);
  REQUIRE(ask(plan, {}).damage == answer.damage);
}

TEST_CASE("what a filter may name is known by the index as by a scan") {
  std::mt19937 random(5);
  ScratchFolder folder;
  MadeJournal journal(folder.path() + "/journal", random);
  const SearchPlan plan{folder.path() + "/journal", folder.path() + "/journal.index.sqlite"};
  journal.append(300);
  auto files = make_posix_file_io();
  const auto by_index = known_names(*files, plan), by_scan = known_names(*files, {plan.journal, ""});
  REQUIRE(by_index);
  REQUIRE(by_scan);
  REQUIRE(by_index->facilities == by_scan->facilities);
  REQUIRE(by_index->sources == by_scan->sources);
  REQUIRE(by_index->types == by_scan->types);
  REQUIRE(by_index->zones == by_scan->zones);
  REQUIRE(by_index->people == by_scan->people);
  REQUIRE(by_index->types.contains("camera.offline"));
}

TEST_CASE("facts are read where they stand and nowhere else") {
  const auto facts = facts_of(R"({"data":{"zone":"z1","severity":"alarm","person":{"person_ref":"p1","zone":"no"},"parts":[{"zone":"no"}],)"
                              R"("words":"\"zone\":\"no\""},"subject":"s1","zone":"no"})");
  REQUIRE(facts == EventFacts{"s1", "z1", "alarm", "p1"});
  REQUIRE(facts_of("no json") == EventFacts{});
  REQUIRE(facts_of(R"({"data":{"zone":)") == EventFacts{});
  REQUIRE(facts_of(std::string(1000, '[')) == EventFacts{});
  EventFilter filter;
  for (const auto& [type, matches] : {std::pair{"camera.", true},
                                      {"camera.*", true},
                                      {"camera.off", false},
                                      {"cam*", true},
                                      {"", true},
                                      {"camera.offline", true},
                                      {"camera.offline.", false},
                                      {"face.", false}}) {
    filter.type = type;
    CHECK(is_of_type(filter, "camera.offline") == matches);
  }
}
