// SPDX-License-Identifier: MIT
// A journal on a disk in memory, with what it handed out.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/faulty_file_io.hpp"

namespace kanhu::test {

inline const std::string kJournalDir = "/data/journal";

inline std::string cloud_event(const EventDraft& draft, const EventId& id) {
  Json data = draft.data;
  data["phase"] = to_string(draft.phase);
  return canonical_json(
      {{"id", id.text()}, {"specversion", "1.0"}, {"type", "kanhu." + draft.type}, {"subject", draft.subject}, {"data", data}});
}

inline EventDraft draft_of(const std::string& facility, const std::string& type, const std::string& subject, Phase phase,
                           Json data = Json::object()) {
  EventDraft draft;
  draft.facility = facility;
  draft.source = facility == "-" ? "-" : facility + "-cam";
  draft.type = type;
  draft.subject = subject;
  draft.phase = phase;
  draft.time = wall_from_microseconds(1'790'000'000'000'000);
  draft.data = std::move(data);
  return draft;
}

inline EventDraft point(const std::string& facility) { return draft_of(facility, "camera.online", "subject", Phase::kPoint); }

struct JournalRig {
  FaultyFileIo io;
  FakeClock clock;
  JournalConfig config;
  Json snapshot_answer = Json::object();
  journal::Journal::Body body = cloud_event;

  JournalRig() { config.commit_every = std::chrono::milliseconds(1); }

  Result<std::unique_ptr<journal::Journal>> try_open() { return try_open(io); }
  Result<std::unique_ptr<journal::Journal>> try_open(FileIo& disk) {
    return journal::Journal::open(
        disk, clock, kJournalDir, config, body, [this] { return snapshot_answer; },
        [this](journal::Committed committed) {
          std::scoped_lock lock(mutex);
          out.push_back(std::move(committed));
        });
  }
  std::unique_ptr<journal::Journal> open() {
    auto journal = try_open();
    if (!journal) throw std::runtime_error(journal.error().message);
    return std::move(*journal);
  }

  std::vector<journal::Committed> handed_out() {
    std::scoped_lock lock(mutex);
    return out;
  }
  std::vector<std::string> segments() const {
    std::vector<std::string> paths;
    for (const std::string& path : io.files()) {
      if (path.starts_with(kJournalDir + "/") && path.find(".journal") != std::string::npos) paths.push_back(path);
    }
    return paths;
  }

  std::mutex mutex;
  std::vector<journal::Committed> out;
};

struct ReadBack {
  std::vector<journal::JournalRecord> records;
  Result<void> result;
};
inline ReadBack read_back(FileIo& io, const std::string& directory = kJournalDir) {
  ReadBack read;
  read.result = journal::read_journal(io, directory, [&](const journal::JournalRecord& record) {
    read.records.push_back(record);
    return true;
  });
  return read;
}

}  // namespace kanhu::test
