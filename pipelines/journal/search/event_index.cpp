// SPDX-License-Identifier: MIT
#include "pipelines/journal/search/event_index.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <span>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include "pipelines/journal/search/index_file.hpp"
#include "pipelines/journal/search/index_schema.hpp"

namespace kanhu::journal {
namespace {

constexpr auto kIndexPatience = std::chrono::seconds(2);

std::string_view as_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
std::string hash_text(const std::optional<Sha256>& hash) { return hash ? std::string(as_text(*hash)) : std::string(); }

std::string header_text(const SegmentFile& file) { return file.header ? std::string(as_text(encode(*file.header))) : std::string(); }

}  // namespace

EventIndex::EventIndex(EventIndex&& other) noexcept
    : path_(other.path_),
      lock_(std::exchange(other.lock_, -1)),
      anew_(other.anew_),
      database_(std::move(other.database_)),
      insert_(std::move(other.insert_)),
      names_(std::move(other.names_)),
      last_(other.last_),
      journal_(std::move(other.journal_)),
      files_(std::move(other.files_)) {}

EventIndex::~EventIndex() {
  insert_.reset();
  database_.reset();
  if (lock_ >= 0) ::close(lock_);
}

Result<EventIndex> EventIndex::open(FileIo& io, const std::string& path) {
  EventIndex index(index_path(path));
  if (path != ":memory:") {
    if (auto ours = check_is_index(index.path_); !ours) return tl::unexpected(ours.error());
    if (auto locked = index.lock(); !locked) return tl::unexpected(locked.error());
  }
  auto opened = index.open_database(io);
  if (!opened && opened.error().kind == ErrorKind::kCorrupt) opened = index.begin_anew(io);
  if (!opened) return tl::unexpected(opened.error());
  return index;
}

Result<void> EventIndex::lock() {
  if (auto made = make_private_file(path_ + ".lock"); !made) return made;
  lock_ = ::open((path_ + ".lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock_ < 0) return fail(ErrorKind::kPermission, fmt::format("{}.lock: {}", path_, std::strerror(errno)));
  const auto until = std::chrono::steady_clock::now() + kIndexPatience;
  while (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() > until) return fail(ErrorKind::kTimeout, fmt::format("{} is in use by another search", path_));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

Result<void> EventIndex::open_database(FileIo& io) {
  bool is_new = true;
  if (path_ != ":memory:") {
    auto file = io.open(path_, OpenMode::kRead);
    if (file) {
      auto size = (*file)->size();
      is_new = size && *size == 0;
    }
    if (auto made = make_private_file(path_); !made) return made;
  }
  auto database = SqliteDatabase::open(path_);
  if (!database) return tl::unexpected(database.error());
  database_ = std::move(*database);
  // The write-ahead log of Debian's SQLite can lose a page when two connections meet, and is not needed: there is only one. Nothing is
  // synced: after a power cut the sum is wrong, and the index is made anew.
  if (auto set = database_->execute("PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"); !set) return set;
  auto version = database_->prepare("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  // The first look rolls back what a killed process left half done.
  const auto row = version->step();
  if (!row) return tl::unexpected(row.error());
  if (is_new)
    return database_->execute(kIndexSchema +
                              fmt::format("PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;", kIndexApplication, kIndexVersion));
  if (version->integer(0) != kIndexVersion) return fail(ErrorKind::kCorrupt, path_ + " is of another version");
  (void)version->run();
  const auto right = sum_is_right(io);
  if (!right) return tl::unexpected(right.error());
  if (!*right) return fail(ErrorKind::kCorrupt, path_ + " is not whole");
  return {};
}

Result<void> EventIndex::begin_anew(FileIo& io) {
  insert_.reset();
  database_.reset();
  anew_ = true;
  names_.clear();
  for (const char* end : {".sum", "", "-journal", "-wal", "-shm"}) {
    if (!io.exists(path_ + end)) continue;
    if (auto removed = io.remove(path_ + end); !removed) return removed;
  }
  return open_database(io);
}

void EventIndex::disown(FileIo& io, const std::string& path) {
  if (io.exists(path + ".sum")) (void)io.remove(path + ".sum");
}

Result<bool> EventIndex::sum_is_right(FileIo& io) {
  if (path_ == ":memory:") return true;
  auto file = io.open(path_ + ".sum", OpenMode::kRead);
  if (!file) return false;
  Bytes said(32);
  auto got = (*file)->read_at(0, said);
  if (!got) return tl::unexpected(got.error());
  auto sum = sum_of_file(io, path_);
  if (!sum) return tl::unexpected(sum.error());
  return as_text(std::span(said).first(*got)) == fmt::format("{:016x}\n", *sum);
}

Result<void> EventIndex::write_sum(FileIo& io) {
  if (path_ == ":memory:") return {};
  auto sum = sum_of_file(io, path_);
  if (!sum) return tl::unexpected(sum.error());
  const std::string target = path_ + ".sum", temporary = path_ + ".sum.new", text = fmt::format("{:016x}\n", *sum);
  if (io.exists(temporary)) {
    if (auto removed = io.remove(temporary); !removed) return removed;
  }
  if (auto made = make_private_file(temporary); !made) return made;
  auto file = io.open(temporary, OpenMode::kAppend);
  if (!file) return tl::unexpected(file.error());
  if (auto written = (*file)->append(std::as_bytes(std::span(text))); !written) return written;
  file->reset();
  return io.rename(temporary, target);
}

Result<std::vector<EventIndex::Segment>> EventIndex::stored_segments() {
  auto rows = database_->prepare(
      "SELECT id, name, header, successor, last_hash, damage, size, modified, changed, inode, ends, repeated FROM segment ORDER BY id");
  if (!rows) return tl::unexpected(rows.error());
  std::vector<Segment> segments;
  while (true) {
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return segments;
    Segment one;
    one.id = rows->integer(0);
    one.name = rows->text(1);
    one.header = rows->text(2);
    one.successor = rows->text(3);
    one.last_hash = rows->text(4);
    one.damage = rows->text(5);
    one.stamp = {rows->integer(6), rows->integer(7), rows->integer(8), rows->integer(9)};
    one.end = static_cast<std::uint64_t>(rows->integer(10));
    one.repeated = static_cast<std::uint64_t>(rows->integer(11));
    segments.push_back(std::move(one));
  }
}

Result<void> EventIndex::forget(const char* comparison, std::int64_t segment) {
  return database_->execute(
      fmt::format("DELETE FROM event WHERE segment{0}{1}; DELETE FROM said WHERE segment{0}{1}; DELETE FROM segment WHERE id{0}{1};",
                  comparison, segment));
}

Result<void> EventIndex::find_last() {
  auto newest = database_->prepare("SELECT ordinal, seq FROM event ORDER BY ordinal DESC, seq DESC LIMIT 1");
  if (!newest) return tl::unexpected(newest.error());
  const auto row = newest->step();
  if (!row) return tl::unexpected(row.error());
  last_ = {0, 0};
  if (*row) last_ = {static_cast<std::uint32_t>(newest->integer(0)), static_cast<std::uint64_t>(newest->integer(1))};
  return {};
}

Result<void> EventIndex::catch_up(FileIo& io, const std::string& journal) {
  journal_ = journal;
  auto files = list_segments(io, journal);
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  auto stored = stored_segments();
  if (!stored) return tl::unexpected(stored.error());
  if (auto begun = database_->execute("BEGIN"); !begun) return begun;
  auto changes = database_->prepare("SELECT total_changes()");
  if (!changes) return tl::unexpected(changes.error());
  const auto counted = [&]() -> Result<std::int64_t> {
    if (const auto row = changes->step(); !row) return tl::unexpected(row.error());
    const std::int64_t count = changes->integer(0);
    (void)changes->run();
    return count;
  };
  const auto before = counted();
  if (!before) return tl::unexpected(before.error());
  if (auto done = bring_up_to_date(io, files_, *stored); !done) {
    (void)database_->execute("ROLLBACK");
    return done;
  }
  const auto after = counted();
  if (!after) return tl::unexpected(after.error());
  insert_.reset();
  if (auto committed = database_->execute("COMMIT"); !committed) return committed;
  return *after == *before ? Result<void>() : write_sum(io);
}

Result<void> EventIndex::bring_up_to_date(FileIo& io, const std::vector<SegmentFile>& files, std::vector<Segment>& stored) {
  const auto name_of = [](const SegmentFile& file) { return file.path.substr(file.path.rfind('/') + 1); };
  std::set<std::string> present;
  for (const SegmentFile& file : files) present.insert(name_of(file));
  // Retention drops the oldest. An event that was given up there, because it stood in front, then counts where it was passed over.
  std::size_t front = 0;
  while (front < stored.size() && !present.contains(stored[front].name)) ++front;
  if (front > 0) {
    if (auto gone = forget("<=", stored[front - 1].id); !gone) return gone;
  }
  stored.erase(stored.begin(), stored.begin() + static_cast<std::ptrdiff_t>(front));
  std::size_t same = 0;
  const Segment* to_continue = nullptr;
  for (; same < std::min(stored.size(), files.size()); ++same) {
    const Segment& known = stored[same];
    const SegmentFile& file = files[same];
    const FileStamp now = stamp_of(file.path);
    if (known.name != name_of(file) || known.header != header_text(file) || (front > 0 && known.repeated > 0)) break;
    const bool untouched = known.stamp.changed_ns != 0 && known.stamp == now;
    const std::string successor = hash_text(successor_of(files, same));
    if (untouched && known.successor == successor) continue;
    // The newest one has grown, or got a successor. What was read of it ends in a record whose hash speaks for everything in front.
    const bool grown = now.bytes > known.stamp.bytes && now.inode == known.stamp.inode;
    if (same + 1 == stored.size() && known.successor.empty() && !known.last_hash.empty() && (untouched || grown)) to_continue = &known;
    break;
  }
  const std::size_t kept = same + (to_continue ? 1 : 0);
  if (kept < stored.size()) {
    if (auto gone = forget(">=", stored[kept].id); !gone) return gone;
  }
  if (auto found = find_last(); !found) return found;
  for (std::size_t i = same; i < files.size(); ++i) {
    if (auto read = read_segment(io, files[i], successor_of(files, i), i == same ? to_continue : nullptr); !read) return read;
  }
  return {};
}

// `known`: what has been read of it stays, if it still fits.
Result<void> EventIndex::read_segment(FileIo& io, const SegmentFile& file, const std::optional<Sha256>& successor, const Segment* known) {
  const FileStamp stamp = stamp_of(file.path);
  auto bytes = read_whole(io, file.path);
  if (!bytes) {
    if (bytes.error().kind != ErrorKind::kNotFound) return tl::unexpected(bytes.error());
    return known ? forget("=", known->id) : Result<void>();  // retention was faster
  }
  Segment now;
  std::size_t from = std::min(kHeaderBytes, bytes->size());
  std::optional<Sha256> hash = file.header ? std::optional(file.header->previous_hash) : std::nullopt;
  if (known && known->end <= bytes->size()) {
    now = *known;
    from = known->end;
    hash.emplace();
    std::memcpy(hash->data(), known->last_hash.data(), hash->size());
  } else {
    if (known) {
      if (auto gone = forget("=", known->id); !gone) return gone;
    }
    known = nullptr;
    if (!file.header) now.damage = Damage{0, from}.text() + "\n";
    if (auto made = database_->execute("INSERT INTO segment(name) VALUES('')"); !made) return made;
    auto id = database_->prepare("SELECT last_insert_rowid()");
    if (!id) return tl::unexpected(id.error());
    if (const auto row = id->step(); !row) return tl::unexpected(row.error());
    now.id = id->integer(0);
  }
  Result<void> added;
  const auto scan = scan_records(*bytes, from, hash, successor, [&](const Record& record, std::size_t begins) {
    if (!file.header && (record.kind == RecordKind::kEpoch || record.kind == RecordKind::kSnapshot)) {
      const std::string epoch = epoch_said_by(record);
      if (!epoch.empty()) {
        auto said = database_->prepare("INSERT INTO said VALUES(?,?,?)");
        added = said ? said->bind(now.id).bind(record.epoch_ordinal).bind(epoch).run() : tl::unexpected(said.error());
      }
    } else if (record.kind == RecordKind::kEvent) {
      const std::pair<std::uint32_t, std::uint64_t> number{record.epoch_ordinal, record.seq};
      if (number > last_) {
        last_ = number;
        added = add(now.id, record, begins, encoded_size(record));
      } else {
        ++now.repeated;
      }
    }
    return added.has_value();
  });
  if (!added) return added;
  const bool breaks_at_once = !scan.damage.empty() && scan.damage.front().from == from;
  const bool ends_elsewhere = successor && !scan.reached_successor;
  if (known && (breaks_at_once || ends_elsewhere)) {
    // It is another file, or it ends before what was read of it: from the beginning.
    if (auto gone = forget("=", known->id); !gone) return gone;
    if (auto found = find_last(); !found) return found;
    return read_segment(io, file, successor, nullptr);
  }
  for (const Damage& place : scan.damage) now.damage += place.text() + "\n";
  if (ends_elsewhere && now.damage.empty()) now.damage = missing_behind(scan.good_bytes) + "\n";
  auto update = database_->prepare(
      "UPDATE segment SET name=?, number=?, header=?, successor=?, last_hash=?, damage=?, size=?, modified=?, changed=?, inode=?, ends=?, "
      "repeated=? WHERE id=?");
  if (!update) return tl::unexpected(update.error());
  const bool any = known || scan.records > 0 || file.header;
  return update->bind(file.path.substr(file.path.rfind('/') + 1))
      .bind(static_cast<std::int64_t>(file.number))
      .bind(header_text(file))
      .bind(hash_text(successor))
      .bind(any ? as_text(scan.last_hash) : std::string_view())
      .bind(now.damage)
      .bind(stamp.bytes)
      .bind(stamp.modified_ns)
      .bind(stamp.changed_ns)
      .bind(stamp.inode)
      .bind(static_cast<std::int64_t>(scan.good_bytes))
      .bind(static_cast<std::int64_t>(now.repeated))
      .bind(now.id)
      .run();
}

Result<void> EventIndex::add(std::int64_t segment, const Record& record, std::uint64_t begins, std::uint64_t size) {
  if (!insert_) {
    auto prepared = database_->prepare("INSERT INTO event VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    if (!prepared) return tl::unexpected(prepared.error());
    insert_ = std::move(*prepared);
  }
  const EventFacts facts = facts_of(record.body);
  const std::array<std::string_view, kNameKinds> texts{record.stream, record.source, record.type, facts.severity, facts.zone, facts.person};
  std::array<std::int64_t, kNameKinds> ids{};
  for (int kind = 0; kind < kNameKinds; ++kind) {
    auto id = name_id(kind, std::string(texts[static_cast<std::size_t>(kind)]));
    if (!id) return tl::unexpected(id.error());
    ids[static_cast<std::size_t>(kind)] = *id;
  }
  insert_->bind(record.epoch_ordinal)
      .bind(static_cast<std::int64_t>(record.seq))
      .bind(segment)
      .bind(static_cast<std::int64_t>(begins))
      .bind(static_cast<std::int64_t>(size))
      .bind(static_cast<std::int64_t>(mark_of(record.hash)))
      .bind(record.time_us);
  for (const std::int64_t id : ids) insert_->bind(id);
  facts.subject.empty() ? insert_->bind_nothing() : insert_->bind(facts.subject);
  return insert_->run();
}

Result<std::int64_t> EventIndex::name_id(int kind, const std::string& text) {
  if (text.empty()) return 0;
  const auto known = names_.find({kind, text});
  if (known != names_.end()) return known->second;
  auto made = database_->prepare("INSERT OR IGNORE INTO name(kind, text) VALUES(?,?)");
  if (!made) return tl::unexpected(made.error());
  if (auto done = made->bind(kind).bind(text).run(); !done) return tl::unexpected(done.error());
  auto asked = database_->prepare("SELECT id FROM name WHERE kind=? AND text=?");
  if (!asked) return tl::unexpected(asked.error());
  const auto row = asked->bind(kind).bind(text).step();
  if (!row) return tl::unexpected(row.error());
  const std::int64_t id = *row ? asked->integer(0) : 0;
  names_[{kind, text}] = id;
  return id;
}

}  // namespace kanhu::journal
