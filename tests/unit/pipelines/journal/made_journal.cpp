// SPDX-License-Identifier: MIT
#include "tests/unit/pipelines/journal/made_journal.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::test {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kBegin = 1'790'000'000'000'000;

void append_to(const std::string& path, const journal::Bytes& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error(path);
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "kanhu-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error(name);
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

MadeJournal::MadeJournal(std::string folder, std::mt19937& random) : folder_(std::move(folder)), random_(random) {
  fs::create_directories(folder_);
  begin_epoch();
}

std::vector<std::string> MadeJournal::paths() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().string());
  std::sort(found.begin(), found.end());
  return found;
}

std::string MadeJournal::subject(unsigned number) const { return content_id({"subject", std::to_string(number)}); }

std::int64_t MadeJournal::random_time(std::mt19937& random) const {
  return kBegin + static_cast<std::int64_t>(random() % (2 * seq_ + 100)) * 1'000'000;
}

journal::Record MadeJournal::next_event() {
  static const char* const kTypes[] = {"camera.offline", "camera.online", "face.appeared", "presence.started", "gateway.loss"};
  journal::Record record;
  record.phase = static_cast<std::uint8_t>(random_() % 4);
  record.seq = ++seq_;
  record.stream_seq = seq_;
  // Capture times are not in order: clocks step, cameras buffer.
  record.time_us = kBegin + static_cast<std::int64_t>(seq_) * 1'000'000 + static_cast<std::int64_t>(random_() % 60'000'000) - 30'000'000;
  record.accepted_us = record.time_us + 1000;
  record.stream = facilities[random_() % facilities.size()];
  record.source = record.stream == "-" ? "-" : "cam-" + std::to_string(random_() % 3);
  record.type = kTypes[random_() % 5];
  Json data{{"phase", "point"}, {"severity", random_() % 5 == 0 ? "alarm" : "info"}};
  if (random_() % 2 == 0) data["zone"] = "z" + std::to_string(random_() % 3);
  if (random_() % 3 == 0) data["person"] = {{"decision", "recognized"}, {"person_ref", "person-" + std::to_string(random_() % 3)}};
  Json body{{"id", epochs.back() + ":" + std::to_string(seq_)}, {"data", data}, {"type", "kanhu." + record.type}};
  if (random_() % 10 != 0) body["subject"] = subject(random_() % 40);
  record.body = canonical_json(body);
  return record;
}

void MadeJournal::write(journal::Record record) {
  record.epoch_ordinal = ordinal_;
  journal::Bytes bytes;
  last_ = journal::encode(record, last_, bytes);
  append_to(journal::segment_path(folder_, segment_), bytes);
}

void MadeJournal::begin_segment(bool of_new_epoch) {
  journal::SegmentHeader header;
  header.number = ++segment_;
  header.epoch = journal::epoch_bytes(epochs.back());
  header.epoch_ordinal = ordinal_;
  header.first_seq = seq_ + 1;
  header.previous_hash = last_;
  append_to(journal::segment_path(folder_, segment_), journal::encode(header));
  for (const auto kind : {journal::RecordKind::kEpoch, journal::RecordKind::kSnapshot}) {
    if (kind == journal::RecordKind::kEpoch && !of_new_epoch) continue;
    journal::Record record;
    record.kind = kind;
    record.seq = seq_;
    record.body = canonical_json({{"v", 1}, {"epoch", epochs.back()}});
    write(record);
  }
}

void MadeJournal::append(int events) {
  for (int i = 0; i < events; ++i) write(next_event());
}

void MadeJournal::rotate() { begin_segment(false); }

void MadeJournal::begin_epoch() {
  std::string epoch;
  for (int i = 0; i < 32; ++i) epoch += "0123456789abcdef"[random_() % 16];
  epochs.push_back(epoch);
  ++ordinal_;
  seq_ = 0;
  begin_segment(true);
}

void MadeJournal::repeat_a_batch() {
  const Sha256 before = last_;
  std::vector<journal::Record> batch;
  for (int i = 0; i < 3; ++i) {
    batch.push_back(next_event());
    write(batch.back());
  }
  last_ = before;
  seq_ -= 3;
  begin_segment(false);
  for (journal::Record& record : batch) {
    ++seq_;
    write(std::move(record));
  }
}

std::string MadeJournal::something_happens() {
  const auto segments = paths();
  const auto any = [&]() -> const std::string& { return segments[random_() % segments.size()]; };
  const auto size = [](const std::string& path) { return static_cast<std::uint64_t>(fs::file_size(path)); };
  switch (random_() % 14) {
    case 0:
      begin_epoch();
      return "an epoch begins";
    case 1:
      rotate();
      return "a segment begins";
    case 2:
      repeat_a_batch();
      return "a batch is repeated";
    case 3:
      if (segments.size() < 4) break;
      for (std::size_t i = 0; i < 1 + random_() % 2; ++i) fs::remove(segments[i]);
      return "retention";
    case 4: {
      const std::string path = any();
      const std::uint64_t at = random_() % std::max<std::uint64_t>(1, size(path));
      flip_byte(path, at);
      return fmt::format("{}: byte {} flips", path, at);
    }
    case 5: {
      if (segments.size() < 2) break;
      const std::string path = segments[random_() % (segments.size() - 1)];
      fs::resize_file(path, random_() % (size(path) + 1));
      return path + " is cut";
    }
    case 6: {
      if (segments.size() < 3 || random_() % 2 == 0) break;
      const std::string path = segments[random_() % (segments.size() - 1)];
      if (path.ends_with(".damaged")) break;
      fs::rename(path, path + ".damaged");
      return path + " is set aside";
    }
    case 7: {
      if (segments.size() < 4 || random_() % 2 == 0) break;
      const std::string path = segments[1 + random_() % (segments.size() - 2)];
      fs::remove(path);
      return path + " is removed from the middle";
    }
    case 8: {
      // A backup of some time ago: what came behind is gone, and an epoch begins that has the ordinal of another.
      if (segments.size() < 3) break;
      fs::remove(segments.back());
      auto files = make_posix_file_io();
      last_ = {};
      ordinal_ = std::max<std::uint32_t>(ordinal_ - 1, 1);
      --segment_;
      begin_epoch();
      append(5);
      return "an older journal is restored and goes on";
    }
    case 9: {
      // Half a record, as a reader may meet it while it is written.
      const auto event = next_event();
      journal::Record record = event;
      record.epoch_ordinal = ordinal_;
      journal::Bytes bytes;
      journal::encode(record, last_, bytes);
      const std::string path = journal::segment_path(folder_, segment_);
      if (!fs::exists(path)) break;
      bytes.resize(random_() % bytes.size());
      append_to(path, bytes);
      begin_epoch();
      return "a torn tail, and another epoch";
    }
    default:
      break;
  }
  append(static_cast<int>(1 + random_() % 30));
  return "events";
}

void flip_byte(const std::string& path, std::uint64_t at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(0, std::ios::end);
  const auto size = static_cast<std::uint64_t>(file.tellg());
  if (size == 0) return;
  at = std::min(at, size - 1);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x20));
}

std::uint64_t inode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

void spoil_index(const std::string& index, std::mt19937& random) {
  if (!fs::exists(index)) return;
  const auto size = static_cast<std::uint64_t>(fs::file_size(index));
  switch (random() % 5) {
    case 0:
      fs::remove(index);
      break;
    case 1:
      fs::resize_file(index, random() % (size + 1));
      break;
    case 2:
      flip_byte(index, random() % (size + 1));
      break;
    case 3:
      fs::resize_file(index, 0);
      break;
    default:
      fs::remove(index + ".sum");
  }
}

}  // namespace kanhu::test
