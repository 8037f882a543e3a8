// SPDX-License-Identifier: MIT
// The journal on a real disk, in a process that is killed.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kanhu-journal-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string journal() const { return path_ + "/journal"; }

 private:
  std::string path_;
};

JournalConfig small_segments() {
  JournalConfig config;
  config.segment_bytes = 16384;
  config.commit_every = std::chrono::milliseconds(1);
  return config;
}

// One line of the child to its parent: this event was handed out as durable.
struct Acknowledged {
  char epoch[32];
  std::uint64_t seq;
};

[[noreturn]] void write_until_killed(const std::string& directory, int pipe) {
  const SystemClock clock;
  const auto io = make_posix_file_io();
  auto journal = Journal::open(*io, clock, directory, small_segments(), cloud_event, nullptr, [&](const Committed& committed) {
    Acknowledged line{};
    committed.event->id.epoch.copy(line.epoch, sizeof line.epoch);
    line.seq = committed.event->id.seq;
    if (committed.durable && ::write(pipe, &line, sizeof line) != sizeof line) _exit(1);
  });
  if (!journal) _exit(2);
  for (int i = 0;; ++i) {
    (*journal)->accept(point(i % 2 ? "a" : "b"));
    if (i % 64 == 63) (*journal)->flush();
  }
}

}  // namespace

TEST_CASE("thirty kills with -9 lose no acknowledged event and repeat no number") {
  const TemporaryFolder folder;
  std::set<std::pair<std::string, std::uint64_t>> acknowledged;
  for (int kill_number = 0; kill_number < 32; ++kill_number) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(ends[0]);
      write_until_killed(folder.journal(), ends[1]);
    }
    close(ends[1]);
    // Killed after so many acknowledgements, wherever the writing stands then.
    const int after = 1 + kill_number * 13;
    Acknowledged line{};
    for (int i = 0; i < after && read(ends[0], &line, sizeof line) == sizeof line; ++i) {
      acknowledged.emplace(std::string(line.epoch, 32), line.seq);
    }
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    while (read(ends[0], &line, sizeof line) == sizeof line) acknowledged.emplace(std::string(line.epoch, 32), line.seq);
    close(ends[0]);
    REQUIRE(WIFSIGNALED(status));
  }
  const SystemClock clock;
  const auto io = make_posix_file_io();
  const auto journal = Journal::open(*io, clock, folder.journal(), small_segments(), cloud_event, nullptr, [](const Committed&) {});
  REQUIRE(journal);
  CHECK((*journal)->recovery().damaged.empty());
  std::set<std::pair<std::string, std::uint64_t>> read;
  std::map<std::pair<std::string, std::string>, std::uint64_t> streams;
  const auto result = read_journal(*io, folder.journal(), [&](const JournalRecord& record) {
    const bool fresh = read.emplace(record.id.epoch, record.id.seq).second;
    const bool contiguous = record.id.stream_seq == ++streams[{record.id.epoch, record.facility}];
    CHECK((fresh && contiguous));
    return true;
  });
  REQUIRE(result);
  REQUIRE(acknowledged.size() > 32 * 31 / 2 * 13);
  for (const auto& id : acknowledged) REQUIRE(read.count(id) == 1);
}

TEST_CASE("a hundred thousand events go to a real disk") {
  const TemporaryFolder folder;
  const SystemClock clock;
  const auto io = make_posix_file_io();
  JournalConfig config;
  constexpr std::uint64_t kEvents = 100'000;
  {
    auto opened = Journal::open(*io, clock, folder.journal(), config, cloud_event, nullptr, [](const Committed&) {});
    REQUIRE(opened);
    auto& journal = **opened;
    const MonoTime start = clock.mono();
    for (std::uint64_t i = 1; i <= kEvents; ++i) {
      journal.accept(point("a"));
      if (i % 5000 == 0) journal.flush();  // stays below what the queue holds
    }
    journal.flush();
    const double seconds = to_seconds(clock.mono() - start);
    const JournalStats stats = journal.stats();
    std::cout << "journal: " << static_cast<int>(kEvents / seconds) << " events/s, " << stats.commits << " commits, accept to durable p50 "
              << to_seconds(stats.commit.quantile(0.5)) * 1000 << " ms p99 " << to_seconds(stats.commit.quantile(0.99)) * 1000 << " ms\n";
    CHECK(stats.durable == kEvents);
    CHECK(stats.not_durable == 0);
  }
  std::uint64_t last = 0;
  const auto result = read_journal(*io, folder.journal(), [&](const JournalRecord& record) { return record.id.seq == ++last; });
  CHECK(result);
  CHECK(last == kEvents);
}
