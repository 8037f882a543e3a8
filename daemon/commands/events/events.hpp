// SPDX-License-Identifier: MIT
// What `kanhu events list`, `kanhu events show` and `kanhu journal check` share.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.hpp"
#include "config/config.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/whereabouts.hpp"
#include "pipelines/journal/search/event_search.hpp"

namespace kanhu {

struct JournalOptions : WhereOptions {
  std::string journal, index, time_zone;
  bool no_index = false, utc = false;
};
void add_journal_options(CLI::App& command, JournalOptions& options);
void add_search_options(CLI::App& command, JournalOptions& options);

// Which journal is read, by which index, and in whose time it is shown.
struct JournalAccess {
  journal::SearchPlan plan;
  std::optional<Config> config;  // nothing: a copied journal alone
  std::string clips;             // folder; empty without a configuration
  std::string common_zone;       // of all facilities; empty when they differ or nothing is known
  std::string forced_zone;       // --utc, --time-zone

  // Where it happened; what belongs to no facility is shown in the common zone, else in UTC.
  std::string zone_of(const std::string& facility) const;
};
// Of all facilities; empty when they differ.
std::string common_zone_of(const Config& config);
// kNotFound when no journal is there.
Result<JournalAccess> open_journal_access(const JournalOptions& options);

// Damage and what else is to be said, to standard error. The exit code: 1 with damage.
int report_notes(const journal::SearchNotes& notes);
void warn(const std::string& text);

// `no facility "x"; nearest "y"`, or what is known when nothing is near.
std::string unknown_value(const std::string& what, const std::string& value, const std::vector<std::string>& known);

void add_events_show(CLI::App& events, Command& chosen);

}  // namespace kanhu
