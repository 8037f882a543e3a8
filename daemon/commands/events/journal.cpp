// SPDX-License-Identifier: MIT
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/digest.hpp"
#include "daemon/commands/events/events.hpp"
#include "pipelines/journal/journal_check.hpp"

namespace kanhu {
namespace {

constexpr int kTruncated = 3;

struct JournalCheckOptions {
  JournalOptions journal;
  std::string expect;
  bool json = false;
};

Json findings_json(const journal::JournalFindings& findings, const std::string& verdict) {
  Json segments = Json::array();
  std::uint64_t records = 0, events = 0;
  for (const journal::SegmentFinding& one : findings.segments) {
    records += one.records;
    events += one.events;
    if (one.modified.empty() && one.truncated.empty() && one.set_back.empty() && one.torn_bytes == 0) continue;
    segments.push_back({{"segment", one.path},
                        {"modified", one.modified},
                        {"truncated", one.truncated},
                        {"set_back", one.set_back.empty() ? Json() : Json(one.set_back)},
                        {"torn_bytes", one.torn_bytes}});
  }
  return {{"verdict", verdict},
          {"missing_end", findings.missing_end.empty() ? Json() : Json(findings.missing_end)},
          {"segments", findings.segments.size()},
          {"records", records},
          {"events", events},
          {"last", {{"id", findings.last_id}, {"hash", to_hex(findings.last_hash)}}},
          {"findings", std::move(segments)}};
}

int check_journal(const JournalCheckOptions& options) {
  auto access = open_journal_access(options.journal);
  if (!access) return report(access.error());
  const std::size_t equals = options.expect.find('=');
  const std::string expected_id = options.expect.substr(0, equals);
  const std::string expected_hash = equals == std::string::npos ? "" : options.expect.substr(equals + 1);
  auto files = make_posix_file_io();
  auto findings = journal::check_journal(*files, access->plan.journal, 0, UINT64_MAX, expected_id, expected_hash);
  if (!findings) return report(findings.error());
  const bool lacks = !expected_id.empty() && !findings->expected_found;
  const int code = findings->modified() ? 1 : findings->truncated() || lacks ? kTruncated : EX_OK;
  const std::string verdict = code == EX_OK ? "right" : code == 1 ? "modified" : "truncated";
  for (const journal::SegmentFinding& one : findings->segments) {
    const std::string name = std::filesystem::path(one.path).filename().string();
    for (const std::string& wrong : one.modified) warn(name + ": " + wrong);
    for (const std::string& wrong : one.truncated) warn(name + ": " + wrong);
    if (!one.set_back.empty()) warn("note: " + name + ": " + one.set_back + ", as it says itself");
    if (one.torn_bytes > 0)
      warn(fmt::format("note: {}: {} bytes at its end are no whole record: being written, or left by a power cut", name, one.torn_bytes));
  }
  if (!findings->missing_end.empty()) warn(access->plan.journal + ": " + findings->missing_end + "; restored from a backup, or cut");
  if (!findings->doubtful_witness.empty()) warn("note: " + findings->doubtful_witness);
  if (lacks)
    warn(fmt::format("{} is not in the journal: its end was cut, retention has dropped it, or it is another journal", options.expect));
  const Json json = findings_json(*findings, verdict);
  if (options.json) {
    fmt::print("{}\n", canonical_json(json));
  } else {
    fmt::print("{}: {} segments, {} records, {} events\n", verdict, findings->segments.size(), json.at("records").get<std::uint64_t>(),
               json.at("events").get<std::uint64_t>());
    if (!findings->last_id.empty()) fmt::print("last event {}={}\n", findings->last_id, to_hex(findings->last_hash));
  }
  return code;
}

}  // namespace

void add_journal(CLI::App& app, Command& chosen) {
  auto* journal = app.add_subcommand("journal", "The journal as files: is it what was written?");
  journal->require_subcommand(1);
  auto* command = journal->add_subcommand("check", "Follow the hash chain through every record");
  command->footer(
      "Exit code 0: every record is what was written. 1: modified. 3: truncated, an end or a segment is missing.\n"
      "A journal whose newest records were cut off cleanly still fits: the witness beside the folder (journal.witness) tells up to where\n"
      "it was written; beyond that, note the last event and ask for it with --expect. Where a journal was restored from a backup and the\n"
      "gateway has run since, it says so itself: that is shown, and is no finding.");
  auto options = std::make_shared<JournalCheckOptions>();
  add_journal_options(*command, options->journal);
  command->add_option("--expect", options->expect, "An event that must be there: ID, or ID=HASH as this command printed it");
  command->add_flag("--json", options->json, "As JSON");
  command->callback([&chosen, options] { chosen = [options] { return check_journal(*options); }; });
}

}  // namespace kanhu
