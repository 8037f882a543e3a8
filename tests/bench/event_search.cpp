// SPDX-License-Identifier: MIT
// What a search of a journal costs, by its index and without: the figures of docs/design/0005.
//   bench_event_search FOLDER [EVENTS]     makes FOLDER/journal and FOLDER/index; the default is a million events
#include "pipelines/journal/search/event_search.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "pipelines/journal/record_format.hpp"
#include "pipelines/journal/segment_reader.hpp"

using namespace kanhu;
using namespace kanhu::publish;

namespace {

constexpr std::uint64_t kSegmentBytes = 16u << 20;
constexpr std::int64_t kBegin = 1'790'000'000'000'000;

// Four events an incident, 50 cameras of 5 facilities, one event a second.
Record made_event(std::uint64_t number) {
  static const char* const kTypes[] = {"presence.started", "presence.updated", "clip.updated", "presence.ended"};
  const std::string camera = "cam-" + std::to_string(number / 4 % 50), facility = "f" + std::to_string(number / 4 % 5);
  Record record;
  record.phase = static_cast<std::uint8_t>(number % 4 == 0 ? 0 : number % 4 == 3 ? 2 : 1);
  record.epoch_ordinal = 1;
  record.seq = number + 1;
  record.stream_seq = number / 5 + 1;
  record.time_us = record.accepted_us = kBegin + static_cast<std::int64_t>(number) * 1'000'000;
  record.stream = facility;
  record.source = camera;
  record.type = kTypes[number % 4];
  const std::string digest = to_hex(sha256(std::to_string(number)));
  record.body = canonical_json({{"id", "00000000000000000000000000000001:" + std::to_string(record.seq)},
                                {"source", "/gateway/g/facility/" + facility + "/source/" + camera},
                                {"subject", content_id({"bench", std::to_string(number / 4)})},
                                {"time", format_utc(wall_from_microseconds(record.time_us))},
                                {"type", "kanhu." + record.type},
                                {"data",
                                 {{"severity", number % 1000 == 0 ? "warning" : "info"},
                                  {"zone", "zone-" + std::to_string(number % 7)},
                                  {"count", number % 3},
                                  {"facility", {{"id", facility}, {"name", "Facility"}, {"class", "street_centre"}}},
                                  {"camera", {{"id", camera}, {"name", "Camera"}, {"role", "main"}}},
                                  {"provenance", {{"config", digest}, {"models", digest}, {"build", "bench"}}}}}});
  return record;
}

void make_journal(const std::string& folder, std::uint64_t events) {
  std::filesystem::create_directories(folder);
  SegmentHeader header;
  header.epoch = epoch_bytes("00000000000000000000000000000001");
  header.epoch_ordinal = 1;
  Sha256 last{};
  Bytes bytes;
  const auto finish = [&] {
    std::ofstream file(segment_path(folder, header.number), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    bytes.clear();
  };
  for (std::uint64_t i = 0; i < events; ++i) {
    if (bytes.empty()) {
      ++header.number;
      header.first_seq = i + 1;
      header.previous_hash = last;
      bytes = encode(header);
    }
    Record record = made_event(i);
    Bytes one;
    encode(record, last, one);
    bytes.insert(bytes.end(), one.begin(), one.end());
    last = record.hash;
    if (bytes.size() > kSegmentBytes) finish();
  }
  if (!bytes.empty()) finish();
}

void measure(const char* what, const SearchPlan& plan, const EventFilter& filter) {
  auto files = make_posix_file_io();
  std::uint64_t found = 0;
  const auto begun = std::chrono::steady_clock::now();
  const std::clock_t used = std::clock();
  auto notes = search_events(*files, plan, filter, [&](const StoredEvent&) { return ++found > 0; });
  const double seconds = to_seconds(std::chrono::steady_clock::now() - begun);
  if (!notes) std::exit((fmt::print(stderr, "{}\n", notes.error().message), 1));
  const double cpu = static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
  fmt::print("{:<34} {:<8} {:>9} found {:>9.3f} s, {:>8.3f} s of CPU{}\n", what, plan.index.empty() ? "scan" : "index", found, seconds, cpu,
             notes->index.empty() ? "" : "  " + notes->index);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1];
  const std::uint64_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  const SearchPlan scan{folder + "/journal", ""}, index{folder + "/journal", folder + "/index"};
  if (!std::filesystem::exists(scan.journal)) make_journal(scan.journal, events);
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scan.journal)) bytes += entry.file_size();

  EventFilter subject;
  subject.subject = content_id({"bench", std::to_string(events / 8)});
  EventFilter hour;
  hour.since = wall_from_microseconds(kBegin + static_cast<std::int64_t>(events / 2) * 1'000'000);
  hour.until = *hour.since + std::chrono::hours(1);
  EventFilter camera;
  camera.source = "cam-7";
  camera.most = 100;
  EventFilter severity;
  severity.severity = "warning";
  EventFilter one;
  one.epoch = "00000000000000000000000000000001";
  one.seq = events / 3;
  std::filesystem::remove(index.index);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  measure("first use: the index is made", index, one);
  for (const SearchPlan& plan : {index, scan}) {
    measure("one event by its id", plan, one);
    measure("an incident by its subject", plan, subject);
    measure("an hour in the middle", plan, hour);
    measure("the newest 100 of a camera", plan, camera);
    measure("all warnings", plan, severity);
    measure("everything", plan, {});
  }
  fmt::print("{} events, journal {} MiB, index {} MiB\n", events, bytes >> 20, std::filesystem::file_size(index.index) >> 20);
  return 0;
}
