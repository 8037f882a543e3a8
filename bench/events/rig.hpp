// SPDX-License-Identifier: MIT
// A gateway without cameras: a real journal, publisher and query server in a folder of the disk that is asked about.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "base/result.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu::bench {

inline constexpr const char* kFacility = "fuxing";

// An event as a camera's rules make one, with all its members: what is counted in bytes here is what a gateway writes.
EventDraft sample_event(std::uint64_t number, bool with_data = true);
// The payload of `sample_event` under a number, as subscribers get it.
std::string sample_body(const EventDraft& draft, const EventId& id);

// A folder for one measurement, gone with it.
class WorkFolder {
 public:
  // Below `parent`; empty: the folder for temporary files. kIo.
  static Result<std::unique_ptr<WorkFolder>> make(const std::string& parent);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct RigOptions {
  std::string folder;                     // the journal is folder/journal
  std::string live, query;                // endpoints; empty: a free port of loopback
  std::uint64_t most_bytes = 1ull << 40;  // nothing is dropped unless a measurement is about that
  std::size_t most_waiting = 4'000;       // `offer` holds back while so many wait for the disk
  bool cheap_bodies = false;              // the same bytes without composing JSON each time: for filling a journal quickly
};

// Thread: `offer` and `accept` from one; the rest from any.
class EventsRig {
 public:
  static Result<std::unique_ptr<EventsRig>> open(FileIo& io, RigOptions options);
  ~EventsRig();
  EventsRig(const EventsRig&) = delete;
  EventsRig& operator=(const EventsRig&) = delete;

  std::uint64_t accept();  // the next event; its number
  std::uint64_t offer();   // the same as fast as the disk takes them, without ever overfilling the journal's queue
  void flush() { journal_->flush(); }

  std::string live() const { return publisher_->live_endpoint(); }
  std::string query() const { return server_->endpoint(); }
  std::string journal_folder() const { return options_.folder + "/journal"; }
  journal::JournalHead head() const;
  journal::JournalStats journal_stats() const { return journal_->stats(); }
  publish::PublisherStats publisher_stats() const { return publisher_->stats(); }

 private:
  EventsRig(FileIo& io, RigOptions options) : io_(io), options_(std::move(options)) {}
  Result<void> start();

  FileIo& io_;
  const RigOptions options_;
  const SystemClock clock_;
  std::uint64_t accepted_ = 0, durable_seen_ = 0;
  mutable std::mutex head_mutex_;  // the publisher asks for heads also while the journal is opened and closed
  journal::JournalHead last_head_;
  std::unique_ptr<publish::Publisher> publisher_;  // outlives the journal, which hands out to it
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<publish::QueryServer> server_;
};

}  // namespace kanhu::bench
