// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "daemon/commands/events/event_columns.hpp"
#include "daemon/commands/events/events.hpp"
#include "daemon/commands/events/local_time.hpp"
#include "pipelines/journal/journal_check.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu {
namespace {

struct ShowOptions {
  JournalOptions journal;
  std::string what, format = "text";
};

std::string plain(const Json& value) {
  if (value.is_null()) return {};
  return harmless(value.is_string() ? value.get<std::string>() : canonical_json(value));
}

// What the whole of an incident is made of.
struct Incident {
  std::vector<journal::StoredEvent> events;
  std::vector<Json> bodies;
  journal::SearchNotes notes;
  std::map<std::uint64_t, std::string> chain;  // by segment
};

Result<Incident> collect(const JournalAccess& access, const journal::EventFilter& filter) {
  Incident incident;
  auto files = make_posix_file_io();
  auto notes = journal::search_events(*files, access.plan, filter, [&](const journal::StoredEvent& event) {
    incident.events.push_back(event);
    return true;
  });
  if (!notes) return tl::unexpected(notes.error());
  incident.notes = std::move(*notes);
  return incident;
}

Result<void> must_be_one(const std::set<std::string>& names, const std::string& what, const char* kind) {
  constexpr std::size_t kMostNamed = 8;
  if (names.size() == 1) return {};
  if (names.empty()) return fail(ErrorKind::kNotFound, fmt::format("the journal has no {} {}", kind, harmless(what)));
  std::vector<std::string> some(names.begin(), std::next(names.begin(), static_cast<std::ptrdiff_t>(std::min(names.size(), kMostNamed))));
  return fail(ErrorKind::kInvalidArgument,
              fmt::format("{} may be any of {}: {}{}", what, names.size(), fmt::join(some, ", "), names.size() > some.size() ? ", …" : ""));
}

// ID or the beginning of one, or of a subject: all events of that incident.
Result<Incident> find_incident(const JournalAccess& access, const std::string& what) {
  journal::EventFilter filter;
  const std::size_t colon = what.find(':');
  if (colon == std::string::npos) {
    filter.subject = what;
  } else {
    filter.epoch = what.substr(0, colon);
    const std::string number = what.substr(colon + 1);
    if (number.empty() || number.size() > 16 || number.find_first_not_of("0123456789") != std::string::npos ||
        (filter.seq = std::stoull(number)) == 0)
      return fail(ErrorKind::kInvalidArgument, fmt::format("{}: an id is <epoch>:<number>, such as 3f2a9c:17", harmless(what)));
  }
  auto found = collect(access, filter);
  if (!found) return found;
  std::set<std::string> names;
  for (const auto& event : found->events) names.insert(colon == std::string::npos ? event.facts.subject : event.record.id.text());
  if (auto one = must_be_one(names, what, colon == std::string::npos ? "incident" : "event"); !one) {
    (void)report_notes(found->notes);
    return tl::unexpected(one.error());
  }
  const std::string subject = found->events.front().facts.subject;
  if (colon == std::string::npos || subject.empty()) return found;
  filter = {};
  filter.subject = subject;
  found = collect(access, filter);
  if (found) std::erase_if(found->events, [&](const auto& event) { return event.facts.subject != subject; });
  return found;
}

// Follows the hash chain through the segments an incident stands in, and into them from the one in front.
Result<void> check_chain_around(const JournalAccess& access, Incident& incident) {
  auto files = make_posix_file_io();
  std::set<std::uint64_t> segments;
  for (const auto& event : incident.events) segments.insert(event.place.segment);
  for (const std::uint64_t number : segments) {
    auto findings = journal::check_journal(*files, access.plan.journal, number > 0 ? number - 1 : 0, number);
    if (!findings) return tl::unexpected(findings.error());
    std::string& verdict = incident.chain[number];
    for (const journal::SegmentFinding& finding : findings->segments) {
      const std::string name = std::filesystem::path(finding.path).filename().string();
      for (const std::string& wrong : finding.modified) verdict += fmt::format("{}{}: {}", verdict.empty() ? "" : "; ", name, wrong);
      for (const std::string& wrong : finding.truncated) verdict += fmt::format("{}{}: {}", verdict.empty() ? "" : "; ", name, wrong);
    }
    if (verdict.empty()) verdict = "right";
  }
  return {};
}

void line(const char* name, const std::string& text) {
  if (!text.empty()) fmt::print("{:<12}{}\n", name, text);
}

void show_clips(const JournalAccess& access, const Incident& incident) {
  std::map<std::string, Json> latest;  // of several statuses the newest is the truth
  for (const Json& body : incident.bodies) {
    const Json& clip = member(member(body, "data"), "clip");
    if (clip.is_object()) latest[plain(member(clip, "id"))] = clip;
  }
  // Without an id it is the reason why there is none.
  for (const auto& [id, clip] : latest) {
    if (id.empty() && latest.size() > 1) continue;
    const std::string reason = plain(member(clip, "reason"));
    std::string text = id + (id.empty() ? "" : " ") + plain(member(clip, "status")) + (reason.empty() ? "" : " (" + reason + ")");
    if (member(clip, "start").is_string()) text += fmt::format(", {} to {}", plain(member(clip, "start")), plain(member(clip, "end")));
    line("clip", text);
    const Json &paths = member(clip, "path"), &sums = member(clip, "sha256");
    for (std::size_t i = 0; paths.is_array() && i < paths.size(); ++i) {
      const std::string path = plain(paths[i]);
      const bool there = access.clips.empty() || path.empty() || std::filesystem::exists(access.clips + "/" + path);
      line("", fmt::format("{}  sha256 {}{}", access.clips.empty() ? path : access.clips + "/" + path,
                           sums.is_array() && i < sums.size() ? plain(sums[i]) : "-", there ? "" : "  NOT THERE"));
    }
  }
}

void show_series(const Incident& incident) {
  std::set<std::string> shown;
  for (const Json& body : incident.bodies) {
    const Json& series = member(member(body, "data"), "series");
    const std::string sum = plain(member(series, "sha256"));
    if (sum.empty() || !shown.insert(sum).second) continue;
    line("series", fmt::format("sha256 {}, {} frames, {} to {} (kanhu look --series)", sum, plain(member(series, "frames")),
                               plain(member(series, "start")), plain(member(series, "end"))));
  }
}

void show_provenance(const Incident& incident) {
  std::set<std::string> shown;
  for (const Json& body : incident.bodies) {
    const Json& provenance = member(member(body, "data"), "provenance");
    if (!provenance.is_object()) continue;
    for (const auto& [what, digest] : provenance.items()) {
      const std::string text = harmless(what) + " " + plain(digest);
      if (shown.insert(text).second) line(shown.size() == 1 ? "provenance" : "", text);
    }
  }
}

std::string named(const Json& data, const char* key, const std::string& id) {
  const std::string name = plain(member(member(data, key), "name"));
  return harmless(id) + (name.empty() ? "" : " (" + name + ")");
}

void show_text(const JournalAccess& access, const Incident& incident) {
  const auto& first = incident.events.front();
  const auto& last = incident.events.back();
  const Json& data = member(incident.bodies.front(), "data");
  const std::string zone = access.zone_of(first.record.facility);
  line("incident", harmless(first.facts.subject));
  line("facility", first.record.facility == "-" ? "the gateway" : named(data, "facility", first.record.facility));
  if (first.record.source != "-") line("source", named(data, "camera", first.record.source));
  line("zone", harmless(first.facts.zone));
  const bool begins = first.phase == Phase::kStart, point = first.phase == Phase::kPoint;
  line("began", begins || point ? local_time_text(first.record.time, zone) : "its start is not in the journal any more");
  const auto end =
      std::find_if(incident.events.rbegin(), incident.events.rend(), [](const auto& event) { return event.phase == Phase::kEnd; });
  if (end != incident.events.rend()) {
    const Json& body = incident.bodies[incident.bodies.size() - 1 - static_cast<std::size_t>(end - incident.events.rbegin())];
    const std::string why = plain(member(member(body, "data"), "end_reason"));
    const auto* kind = rules::find_kind_of_type(end->record.type);
    const bool over = kind == nullptr || rules::is_earned(*kind, why);
    line("ended", fmt::format("{}  {}{}, after {:.1f} s", local_time_text(end->record.time, zone), why, over ? "" : " (no longer followed)",
                              to_seconds(end->record.time - first.record.time)));
  } else if (begins) {
    line("ended", "not yet, as far as the journal goes");
  }
  line("last", local_time_text(last.record.time, zone));
  show_clips(access, incident);
  show_series(incident);
  show_provenance(incident);
  fmt::print("\n");
  for (const auto& event : incident.events) {
    fmt::print("{}\n", table_line(event, zone, 0));
    fmt::print("    {} at byte {} of {}, {} bytes, {}{}{}\n    hash {}, chain {}\n", event.record.id.text(), event.place.offset,
               event.segment_path, event.place.size,
               event.late ? "handed out before it was durable (durable: false)" : "durable before it was handed out",
               event.provisional ? ", provisional at first" : "", ", accepted " + local_time_text(event.accepted, zone), to_hex(event.hash),
               incident.chain.at(event.place.segment));
  }
}

int show_event(const ShowOptions& options) {
  auto access = open_journal_access(options.journal);
  if (!access) return report(access.error());
  auto incident = find_incident(*access, options.what);
  if (!incident) return report(incident.error());
  if (incident->events.empty()) return report({ErrorKind::kNotFound, "it was dropped by retention just now"});
  if (auto checked = check_chain_around(*access, *incident); !checked) return report(checked.error());
  for (const auto& event : incident->events) {
    auto body = parse_json(event.record.body);
    incident->bodies.push_back(body ? std::move(*body) : Json());
  }
  if (options.format == "json") {
    for (const auto& event : incident->events)
      fmt::print("{}\n", stored_json(event, access->zone_of(event.record.facility), incident->chain.at(event.place.segment)));
  } else {
    show_text(*access, *incident);
  }
  const bool right = std::all_of(incident->chain.begin(), incident->chain.end(), [](const auto& one) { return one.second == "right"; });
  const int code = report_notes(incident->notes);
  return right ? code : 1;
}

}  // namespace

void add_events_show(CLI::App& events, Command& chosen) {
  auto* command =
      events.add_subcommand("show", "One incident: its events, clip, series, provenance, where they are stored and whether the chain fits");
  command->footer("Exit code 1 when the journal is damaged or the chain around the incident does not fit.");
  auto options = std::make_shared<ShowOptions>();
  add_search_options(*command, options->journal);
  command
      ->add_option("what", options->what, "Id of an event, <epoch>:<number>, or a subject; the first digits of epoch or subject are enough")
      ->required();
  command->add_option("--format", options->format, "text, or json: a line an event, its body byte for byte and where it is stored")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([&chosen, options] { chosen = [options] { return show_event(*options); }; });
}

}  // namespace kanhu
