// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include "base/file_io.hpp"
#include "base/text.hpp"
#include "config/checks.hpp"
#include "config/load.hpp"
#include "daemon/commands/events/events.hpp"
#include "pipelines/journal/journal_check.hpp"

namespace kanhu {

void add_journal_options(CLI::App& command, JournalOptions& options) {
  add_where_options(command, options, ", to find its journal and its time zones");
  command.add_option("--journal", options.journal, "Folder of a journal instead, such as a copy");
}

void add_search_options(CLI::App& command, JournalOptions& options) {
  add_journal_options(command, options);
  command.add_option("--index", options.index,
                     "File of the index that speeds searches up; made when it is not there, and again when it does not fit. "
                     "Left out: beside the gateway's journal; none for --journal");
  command.add_flag("--no-index", options.no_index, "Read the whole journal");
  command.add_flag("--utc", options.utc, "Times in UTC instead of the facility's local time");
  command.add_option("--time-zone", options.time_zone, "Times in this zone, such as Asia/Shanghai");
}

std::string JournalAccess::zone_of(const std::string& facility) const {
  if (!forced_zone.empty()) return forced_zone;
  const FacilityConfig* known = config ? config->facility(facility) : nullptr;
  return known ? known->time_zone : common_zone.empty() ? "UTC" : common_zone;
}

std::string common_zone_of(const Config& config) {
  const auto& all = config.facilities;
  const bool same =
      std::all_of(all.begin(), all.end(), [&](const FacilityConfig& facility) { return facility.time_zone == all.front().time_zone; });
  return all.empty() || !same ? std::string() : all.front().time_zone;
}

namespace {

// For a copied journal a configuration gives time zones and names only: it need not be there, unless it was named.
Result<Whereabouts> journal_zones(const JournalOptions& options) {
  auto config = load_config(options.config);
  if (config) return Whereabouts{std::move(*config), true};
  if (options.config != default_config_path()) return tl::unexpected(config.error());
  return Whereabouts{Config{}, false};
}

}  // namespace

Result<JournalAccess> open_journal_access(const JournalOptions& options) {
  JournalAccess access;
  access.forced_zone = options.utc ? "UTC" : options.time_zone;
  if (!options.time_zone.empty()) {
    if (const std::string fault = time_zone_fault(options.time_zone); !fault.empty())
      return fail(ErrorKind::kInvalidArgument, "--time-zone: " + fault);
  }
  auto where = options.journal.empty() ? find_whereabouts(options) : journal_zones(options);
  if (!where) return tl::unexpected(where.error());
  const std::string data = where->config.gateway.data_dir;
  if (where->whole) {
    access.config = std::move(where->config);
    access.common_zone = common_zone_of(*access.config);
  }
  auto files = make_posix_file_io();
  if (options.journal.empty()) {
    access.plan.journal = data + "/journal";
    access.plan.index = fmt::format("{}/{}", data, journal::kIndexName);
    access.clips = data + "/clips";
    if (!files->exists(access.plan.journal)) {
      if (const std::string missed = journal::missed_journal(*files, access.plan.journal); !missed.empty())
        return fail(ErrorKind::kNotFound, access.plan.journal + " is not there; " + missed);
      return fail(ErrorKind::kNotFound, access.plan.journal + " is not there: has the gateway of this configuration ever run?");
    }
  } else {
    access.plan.journal = options.journal;
    while (access.plan.journal.size() > 1 && access.plan.journal.back() == '/') access.plan.journal.pop_back();
    if (!files->exists(access.plan.journal)) return fail(ErrorKind::kNotFound, access.plan.journal + " is not there");
    auto names = files->list(access.plan.journal);
    if (!names) return tl::unexpected(names.error());
    const bool any =
        std::any_of(names->begin(), names->end(), [](const std::string& name) { return name.find(".journal") != std::string::npos; });
    if (!any) return fail(ErrorKind::kNotFound, access.plan.journal + " has no segments (*.journal); name the folder they lie in");
  }
  if (!options.index.empty()) access.plan.index = options.index;
  if (options.no_index) access.plan.index.clear();
  return access;
}

void warn(const std::string& text) { fmt::print(stderr, "kanhu: {}\n", text); }

int report_notes(const journal::SearchNotes& notes) {
  constexpr std::size_t kMostSaid = 5;
  if (!notes.index.empty()) warn("note: index: " + notes.index);
  if (notes.removed > 0) warn(fmt::format("note: {} more were found and dropped by retention before they could be read", notes.removed));
  for (std::size_t i = 0; i < notes.damage.size() && i < kMostSaid; ++i) warn("the journal is damaged: " + notes.damage[i]);
  if (notes.damage.size() > kMostSaid) warn(fmt::format("and {} more places; see kanhu journal check", notes.damage.size() - kMostSaid));
  return notes.damage.empty() ? EX_OK : 1;
}

std::string unknown_value(const std::string& what, const std::string& value, const std::vector<std::string>& known) {
  constexpr std::size_t kMostNamed = 12;
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  std::string text = fmt::format("no {} {}", what, kanhu::quoted(value));
  if (const std::string near = nearest(value, candidates); !near.empty()) return text + "; nearest " + kanhu::quoted(near);
  if (known.empty()) return text + "; none is known";
  const std::vector<std::string> some(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kMostNamed)));
  return text + fmt::format("; known: {}{}", fmt::join(some, ", "), known.size() > kMostNamed ? ", …" : "");
}

}  // namespace kanhu
