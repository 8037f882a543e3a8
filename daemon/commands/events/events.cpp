// SPDX-License-Identifier: MIT
#include "daemon/commands/events/events.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/commands/events/event_columns.hpp"
#include "daemon/commands/events/local_time.hpp"
#include "daemon/commands/look/look_text.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu {
namespace {

struct ListOptions {
  JournalOptions journal;
  std::string since, until, format = "table";
  journal::EventFilter filter;
  bool bom = false;
};

constexpr std::array<std::string_view, 3> kSeverities{"info", "warning", "alarm"};

// A filter that names nothing there is: a usage error. Looked for when nothing was found, since it may cost a look at everything.
Result<void> check_names(const JournalAccess& access, const journal::EventFilter& filter) {
  auto files = make_posix_file_io();
  auto known = journal::known_names(*files, access.plan);
  if (!known) return tl::unexpected(known.error());
  known->facilities.insert("-");
  if (access.config) {
    for (const FacilityConfig& facility : access.config->facilities) {
      known->facilities.insert(facility.id);
      for (const ZoneConfig& zone : facility.zones) known->zones.insert(zone.id);
      for (const CameraConfig& camera : facility.cameras) known->sources.insert(camera.id);
    }
  }
  for (const rules::EventType& type : rules::kEventTypes) known->types.insert(std::string(type.name));
  const auto check = [](const char* what, const std::string& value, const std::set<std::string>& names) -> Result<void> {
    if (value.empty() || names.contains(value)) return {};
    return fail(ErrorKind::kInvalidArgument, unknown_value(what, value, {names.begin(), names.end()}));
  };
  const std::pair<const char*, std::pair<const std::string*, const std::set<std::string>*>> all[] = {
      {"facility", {&filter.facility, &known->facilities}},
      {"source", {&filter.source, &known->sources}},
      {"zone", {&filter.zone, &known->zones}},
      {"person", {&filter.person, &known->people}}};
  for (const auto& [what, pair] : all) {
    if (auto checked = check(what, *pair.first, *pair.second); !checked) return checked;
  }
  const bool of_known_type =
      std::any_of(known->types.begin(), known->types.end(), [&](const std::string& type) { return journal::is_of_type(filter, type); });
  return of_known_type ? Result<void>() : check("type", filter.type, known->types);
}

Result<void> read_times(const JournalAccess& access, ListOptions& options) {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  std::string zone = access.forced_zone.empty() ? access.common_zone : access.forced_zone;
  const FacilityConfig* facility = access.config ? access.config->facility(options.filter.facility) : nullptr;
  if (access.forced_zone.empty() && facility) zone = facility->time_zone;
  const auto read = [&](const char* option, const std::string& text, TimeEdge edge, std::optional<WallTime>& into) -> Result<void> {
    if (text.empty()) return {};
    auto time = parse_time_argument(option, text, zone, edge, now);
    if (!time) return tl::unexpected(time.error());
    into = *time;
    return {};
  };
  if (auto done = read("--since", options.since, TimeEdge::kFirst, options.filter.since); !done) return done;
  if (auto done = read("--until", options.until, TimeEdge::kLast, options.filter.until); !done) return done;
  if (options.filter.since && options.filter.until && *options.filter.since >= *options.filter.until)
    return fail(ErrorKind::kInvalidArgument, fmt::format("--since {} is not before --until {}", options.since, options.until));
  return {};
}

int list_events(ListOptions options) {
  auto access = open_journal_access(options.journal);
  if (!access) return report(access.error());
  journal::EventFilter& filter = options.filter;
  if (filter.type.starts_with("kanhu.")) filter.type.erase(0, 6);  // as it stands in events
  if (!filter.severity.empty() && std::find(kSeverities.begin(), kSeverities.end(), filter.severity) == kSeverities.end())
    return report({ErrorKind::kInvalidArgument, unknown_value("severity", filter.severity, {kSeverities.begin(), kSeverities.end()})});
  if (auto times = read_times(*access, options); !times) return report(times.error());

  const bool table = options.format == "table", csv = options.format == "csv";
  const std::size_t columns = ::isatty(STDOUT_FILENO) == 1 ? static_cast<std::size_t>(screen_of_stdout().columns) : 0;
  if (csv) fmt::print("{}{}", options.bom ? "\xef\xbb\xbf" : "", csv_heading());
  std::uint64_t found = 0;
  auto files = make_posix_file_io();
  auto notes = journal::search_events(*files, access->plan, filter, [&](const journal::StoredEvent& event) {
    const std::string zone = access->zone_of(event.record.facility);
    if (table && found == 0 && columns > 0) fmt::print("{}\n", fitted(table_heading(), columns));
    ++found;
    std::string line = table ? table_line(event, zone, columns) + "\n" : csv ? csv_line(event, zone) : event.record.body + "\n";
    return std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
  });
  if (!notes) return report(notes.error());
  if (found == 0) {
    if (auto checked = check_names(*access, filter); !checked) {
      (void)report_notes(*notes);
      return report(checked.error());
    }
    warn("nothing in " + access->plan.journal + " matches");
  }
  return report_notes(*notes);
}

void add_events_list(CLI::App& events, Command& chosen) {
  auto* command = events.add_subcommand("list", "Events of the journal, newest last");
  command->footer(
      "Times without an offset are local to the facility. Exit code 1 when the journal is damaged: what can be read is printed. JSON is "
      "the\n"
      "events as subscribers get them, one a line.");
  auto options = std::make_shared<ListOptions>();
  add_search_options(*command, options->journal);
  command->add_option("--since", options->since,
                      "Captured then or later: 2026-11-26T08:00, with or without an offset, 2h for so long ago, start");
  command->add_option("--until", options->until, "Captured before then");
  command->add_option("--facility", options->filter.facility, "Of this facility; - for the gateway's own");
  command->add_option("--source,--camera", options->filter.source, "Of this camera or sensor");
  command->add_option("--zone", options->filter.zone, "In this zone");
  command->add_option("--type", options->filter.type, "Of this type, such as face.appeared, or of all that begin so: camera.");
  command->add_option("--subject", options->filter.subject, "Of this incident; its first digits are enough");
  command->add_option("--person", options->filter.person, "Of this person, by the opaque name events have");
  command->add_option("--severity", options->filter.severity, "info, warning or alarm");
  command->add_option("--limit", options->filter.most, "Only the newest so many");
  command->add_option("--format", options->format, "table, json (lines) or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  command->add_flag("--bom", options->bom, "Begin CSV with a byte order mark, for spreadsheets that need one to see UTF-8");
  command->callback([&chosen, options] { chosen = [options] { return list_events(*options); }; });
}

}  // namespace

void add_events(CLI::App& app, Command& chosen) {
  auto* events =
      app.add_subcommand("events", "Search the journal: by time, place, type and subject; one incident with all that belongs to it");
  events->require_subcommand(1);
  add_events_list(*events, chosen);
  add_events_show(*events, chosen);
}

}  // namespace kanhu
