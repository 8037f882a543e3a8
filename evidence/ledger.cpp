// SPDX-License-Identifier: MIT
#include "evidence/ledger.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"

namespace kanhu {
namespace {

constexpr auto kBetweenComplaints = std::chrono::minutes(1);
constexpr auto kBetweenRetention = std::chrono::hours(1);
constexpr std::size_t kMostBatch = 256;
constexpr std::string_view kSuffix = ".jsonl";

std::string day_of(WallTime time) {
  std::string day = format_utc(time).substr(0, 10);
  std::erase(day, '-');
  return day;
}

std::string file_of(const std::string& ledger, WallTime time) { return fmt::format("{}-{}{}", ledger, day_of(time), kSuffix); }

bool belongs(const std::string& file, const std::string& ledger) {
  return file.size() == ledger.size() + 9 + kSuffix.size() && file.starts_with(ledger + "-") && file.ends_with(kSuffix);
}

constexpr std::size_t kMostFileBytes = 1u << 30;  // of a day

Result<std::string> read_all(FileIo& files, const std::string& path) {
  auto file = files.open(path, OpenMode::kRead);
  if (!file) return tl::make_unexpected(file.error());
  std::string text;
  std::vector<std::byte> chunk(1 << 16);
  for (;;) {
    auto got = (*file)->read_at(text.size(), chunk);
    if (!got) return tl::make_unexpected(got.error());
    if (*got == 0) return text;
    if (text.size() > kMostFileBytes)
      return fail(ErrorKind::kCorrupt,
                  fmt::format("{} has more than {} bytes, as no ledger of a day has; move it out of the folder", path, kMostFileBytes));
    text.append(reinterpret_cast<const char*>(chunk.data()), *got);
  }
}

}  // namespace

EvidenceLedger::EvidenceLedger(FileIo& files, std::string folder, std::string name, std::function<Retention()> retention,
                               const Clock& clock)
    : files_(files),
      folder_(std::move(folder)),
      name_(std::move(name)),
      retention_(std::move(retention)),
      clock_(clock),
      age_(clock),
      thread_([this] { run(); }) {}

EvidenceLedger::~EvidenceLedger() {
  queue_.close();
  thread_.join();
}

void EvidenceLedger::record(EvidenceEntry entry) {
  if (!queue_.try_push(std::move(entry))) lose(1, "the ledger's disk is too slow");
}

void EvidenceLedger::run() {
  name_this_thread("ledger");
  MonoTime looked = clock_.mono() - kBetweenRetention;
  for (;;) {
    auto first = queue_.pop_for(std::chrono::seconds(10));
    if (!first && queue_.closed()) return;
    if (first) {
      std::vector<EvidenceEntry> batch;
      batch.push_back(std::move(*first));
      for (auto& more : queue_.drain(kMostBatch)) batch.push_back(std::move(more));
      const std::size_t size = batch.size();
      if (!faults::contained("ledger", [&] { write(std::move(batch)); })) give_up(size, "they could not be written");
    }
    if (const MonoTime now = clock_.mono(); now - looked >= kBetweenRetention) {
      looked = now;
      faults::contained("ledger", [&] { apply_retention(); });
    }
  }
}

void EvidenceLedger::write(std::vector<EvidenceEntry> entries) {
  std::string lines;
  for (EvidenceEntry& each : entries) lines += canonical_json(Json{{"digest", each.digest}, {"entry", std::move(each.entry)}}) + "\n";
  if (auto done = append(lines, file_of(name_, clock_.wall())); !done) return give_up(entries.size(), done.error().message);
  written_ += entries.size();
}

// The file's end is not known any more: the next entries look at it first.
void EvidenceLedger::give_up(std::size_t count, const std::string& why) {
  file_.reset();
  file_name_.clear();
  lose(count, why);
}

Result<void> EvidenceLedger::append(const std::string& lines, const std::string& name) {
  if (!file_ || name != file_name_) {
    const std::string path = folder_ + "/" + name;
    if (auto made = files_.make_directories(folder_); !made) return made;
    const bool there = files_.exists(path);
    auto opened = files_.open(path, there ? OpenMode::kAppend : OpenMode::kCreateNew);
    if (!opened) return tl::make_unexpected(opened.error());
    file_ = std::move(*opened);
    file_name_ = name;
    if (!there) {
      if (auto synced = files_.sync_directory(folder_); !synced) return synced;
    } else if (auto size = file_->size(); size && *size > 0) {
      // A line that was cut off by a crash must not swallow the next one.
      std::byte last{};
      auto got = file_->read_at(*size - 1, std::span(&last, 1));
      if (!got || last != static_cast<std::byte>('\n')) {
        const std::byte end = static_cast<std::byte>('\n');
        if (auto ended = file_->append(std::span(&end, 1)); !ended) return ended;
      }
    }
  }
  if (auto written = file_->append(std::as_bytes(std::span(lines))); !written) return written;
  return file_->sync();
}

void EvidenceLedger::lose(std::size_t count, const std::string& why) {
  lost_ += count;
  const std::int64_t now = clock_.mono().time_since_epoch().count();
  std::int64_t before = complained_;
  if (before != 0 && now - before < std::chrono::nanoseconds(kBetweenComplaints).count()) return;
  if (complained_.compare_exchange_strong(before, now))
    log::error("evidence", "{} entries of the ledger of {} are lost so far: {}", lost_.load(), name_, why);
}

void EvidenceLedger::apply_retention() {
  const auto names = files_.list(folder_);
  if (!names) return;
  const Retention retention = retention_();
  const std::string oldest = file_of(name_, wall_from_microseconds(age_.now_us()) - retention.keep), today = file_of(name_, clock_.wall());
  std::uint64_t total = 0;
  // Names are days: newest first.
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    if (!belongs(*name, name_)) continue;
    const std::string path = folder_ + "/" + *name;
    if (retention.most_bytes > 0) {
      if (auto file = files_.open(path, OpenMode::kRead)) total += (*file)->size().value_or(0);
    }
    // One of a day to come was written while this machine's clock was wrong: it makes room like any other.
    const bool kept = *name == today || (*name >= oldest && (retention.most_bytes == 0 || total <= retention.most_bytes));
    if (kept || *name == file_name_) continue;
    if (auto gone = files_.remove(path); !gone) log::warning("evidence", "{}", gone.error().message);
  }
}

Result<Json> find_evidence(FileIo& files, const std::string& folder, const std::string& name, const std::string& digest) {
  const auto names = files.list(folder);
  if (!names && names.error().kind != ErrorKind::kNotFound) return tl::make_unexpected(names.error());
  const std::string wanted = fmt::format("\"digest\":\"{}\"", digest);
  for (const std::string& file : names.value_or(std::vector<std::string>{})) {
    if (!belongs(file, name)) continue;
    auto text = read_all(files, folder + "/" + file);
    if (!text) return tl::make_unexpected(text.error());
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t end = std::min(text->find('\n', at), text->size());
      const std::string_view line = std::string_view(*text).substr(at, end - at);
      at = end + 1;
      if (line.find(wanted) == std::string_view::npos) continue;
      const auto parsed = parse_json(line);
      if (!parsed || !parsed->is_object() || parsed->value("digest", "") != digest || !parsed->contains("entry")) continue;
      if (to_hex(sha256(canonical_json((*parsed)["entry"]))) != digest)
        return fail(ErrorKind::kCorrupt,
                    fmt::format("{}/{}: the entry {} was changed: its content has another digest", folder, file, digest));
      return (*parsed)["entry"];
    }
  }
  return fail(ErrorKind::kNotFound,
              fmt::format("no entry {} in {}: dropped by retention, or lost when the gateway or its disk failed", digest, folder));
}

}  // namespace kanhu
