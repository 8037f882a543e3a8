// SPDX-License-Identifier: MIT
// kanhu gallery withdraw, purge: erase, and prove it.
#include <map>
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "daemon/commands/gallery/gallery.hpp"
#include "gallery/gallery_file.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu {
namespace {

// Events that name a ref. They hold no template and no name, and stay: they are the record of what was decided.
struct Referring {
  std::uint64_t events = 0;
  std::string first_id, last_id;
  WallTime first{}, last{};
  std::string trouble;  // when the journal could not be read to its end
};

Referring events_about(FileIo& files, const std::string& journal, const std::string& ref) {
  Referring found;
  if (!files.exists(journal)) return found;
  const auto read = journal::read_journal(files, journal, [&](const journal::JournalRecord& record) {
    if (record.body.find(ref) == std::string::npos) return true;
    const auto body = parse_json(record.body);
    const Json::json_pointer place("/data/person/person_ref");
    if (!body || !body->contains(place) || (*body)[place] != ref) return true;
    if (found.events++ == 0) {
      found.first_id = record.id.text();
      found.first = record.time;
    }
    found.last_id = record.id.text();
    found.last = record.time;
    return true;
  });
  if (!read) found.trouble = read.error().message;
  return found;
}

// Entries of the ledger of decisions, which name candidates by ref.
std::uint64_t ledger_entries_about(FileIo& files, const std::string& folder, const std::string& ref) {
  std::uint64_t entries = 0;
  const auto names = files.list(folder);
  if (!names) return 0;
  for (const std::string& name : *names) {
    const auto bytes = gallery::read_bytes(files, folder + "/" + name);
    if (!bytes) continue;
    for (std::size_t at = 0; at < bytes->size();) {
      const std::size_t end = std::min(bytes->find('\n', at), bytes->size());
      entries += std::string_view(*bytes).substr(at, end - at).find(ref) != std::string_view::npos ? 1 : 0;
      at = end + 1;
    }
  }
  return entries;
}

struct Erased {
  gallery::Person person;
  std::vector<std::string> facilities;
  std::vector<std::string> still_at;  // under a consent that is valid there
  gallery::Remains remains;
  Referring referring;
  std::uint64_t ledger_entries = 0;
};

// After the files were written: looks at all of them again.
Result<void> prove(const Galleries& galleries, Erased& erased) {
  auto remains = gallery::remains_of(galleries.files(), galleries.folder(), galleries.key(), erased.person);
  if (!remains) return tl::make_unexpected(remains.error());
  erased.remains = std::move(*remains);
  const std::string& data = galleries.config().gateway.data_dir;
  erased.referring = events_about(galleries.files(), data + "/journal", erased.person.ref);
  erased.ledger_entries = ledger_entries_about(galleries.files(), data + "/faces", erased.person.ref);
  return {};
}

Json to_json(const Erased& erased) {
  Json json{{"person_ref", erased.person.ref},
            {"erased_from", erased.facilities},
            {"still_at", erased.still_at},
            {"files_read_back", erased.remains.files_read},
            {"proven", erased.remains.nothing_left()},
            {"holding", erased.remains.holding},
            {"unreadable", erased.remains.unreadable},
            {"same_name", erased.remains.same_name},
            {"named_as_operator", erased.remains.as_operator},
            {"events", {{"count", erased.referring.events}}},
            {"ledger_entries", erased.ledger_entries}};
  if (erased.referring.events > 0) {
    json["events"]["first"] = {{"id", erased.referring.first_id}, {"time", format_utc(erased.referring.first)}};
    json["events"]["last"] = {{"id", erased.referring.last_id}, {"time", format_utc(erased.referring.last)}};
  }
  if (!erased.referring.trouble.empty()) json["events"]["trouble"] = erased.referring.trouble;
  return json;
}

void print_words(const Erased& erased) {
  const std::string& ref = erased.person.ref;
  if (erased.facilities.empty()) {
    fmt::print("{} was erased before; looked for again by ref, for name and templates are not known any more\n", ref);
  } else {
    fmt::print("{} erased from {}\n", ref, fmt::join(erased.facilities, ", "));
  }
  const gallery::Remains& remains = erased.remains;
  if (remains.nothing_left() && erased.facilities.empty()) {
    fmt::print("  looked      {} files of the folder read back: nobody has this ref, and all could be opened\n", remains.files_read);
  } else if (remains.nothing_left()) {
    fmt::print("  proof       {} files of the folder read back: no template and no name of this person in any\n", remains.files_read);
  }
  if (!erased.still_at.empty()) fmt::print("  stays       at {}, where the consent is valid\n", fmt::join(erased.still_at, ", "));
  for (const std::string& line : remains.holding) fmt::print("  LEFT        {}\n", line);
  for (const std::string& line : remains.unreadable) fmt::print("  NOT LOOKED  {}\n", line);
  if (!remains.same_name.empty()) fmt::print("  same name   {} (other people; they stay)\n", fmt::join(remains.same_name, ", "));
  if (remains.as_operator > 0)
    fmt::print("  the name stands {} times as who recorded a consent or made a change; those records stay\n", remains.as_operator);
  const Referring& events = erased.referring;
  if (events.events == 0) {
    fmt::print("  events      none referred to it\n");
  } else {
    fmt::print("  events      {} referred to it by ref: {} ({}) to {} ({})\n", events.events, events.first_id, format_utc(events.first),
               events.last_id, format_utc(events.last));
  }
  if (!events.trouble.empty()) fmt::print("  events      not all could be read: {}\n", events.trouble);
  fmt::print("  ledger      {} entries of decisions name the ref\n", erased.ledger_entries);
  fmt::print("  clips and exports are not touched; clips go with their retention, exports are yours to destroy\n");
}

bool was_erased(const std::vector<gallery::Gallery>& galleries, const std::string& ref) {
  for (const gallery::Gallery& in : galleries) {
    for (const gallery::Change& change : in.history) {
      if (change.ref == ref && (change.what == "withdrawn" || change.what == "purged")) return true;
    }
  }
  return false;
}

struct EraseOptions : GalleryOptions {
  std::string ref, by;
  bool dry_run = false;
};

int withdraw(const EraseOptions& options) {
  const auto by = checked_text(options.by, "--by");
  if (!by) return report(by.error());
  const auto galleries = Galleries::open(options, Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  std::vector<std::string> unreadable;
  auto all = galleries->all(&unreadable);
  if (!all) return report(all.error());
  Erased erased;
  gallery::Act act = act_now(*by);
  for (gallery::Gallery& in : *all) {
    const gallery::Person* person = in.find(options.ref);
    if (person == nullptr) continue;
    if (erased.person.ref.empty()) {
      erased.person = *person;
    } else {
      erased.person.templates.insert(erased.person.templates.end(), person->templates.begin(), person->templates.end());
    }
    // The history stays, so the name must not come into it by this way.
    if (!person->name.empty() && act.by.find(person->name) != std::string::npos) act.by = "the person";
    gallery::erase_person(in, options.ref, "withdrawn", act);
    if (auto written = galleries->write(in); !written) return report(written.error());
    erased.facilities.push_back(in.facility);
  }
  if (erased.facilities.empty()) {
    if (!was_erased(*all, options.ref)) {
      for (const std::string& problem : unreadable) fmt::print(stderr, "kanhu: {}\n", problem);
      return report({ErrorKind::kNotFound, "nobody here has this ref (kanhu gallery list); nothing was changed"});
    }
    // Erased before, perhaps without a proof: it is looked again, by ref, since name and templates are gone.
    erased.person.ref = options.ref;
  }
  if (auto proven = prove(*galleries, erased); !proven) return report(proven.error());
  if (options.json) {
    fmt::print("{}\n", to_json(erased).dump(2));
  } else {
    print_words(erased);
  }
  if (erased.remains.nothing_left()) return EX_OK;
  fmt::print(stderr,
             "kanhu: the erasure is not proven: put in order what is named above (mend or remove a file, withdraw the other ref), then run "
             "the same command again\n");
  return 1;
}

int purge(const EraseOptions& options) {
  const auto galleries = Galleries::open(options, options.dry_run ? Galleries::Purpose::kReading : Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  std::vector<std::string> unreadable;
  auto all = galleries->all(&unreadable);
  if (!all) return report(all.error());
  if (!options.facility.empty()) {
    if (auto known = galleries->facility(options.facility); !known) return report(known.error());
  }
  std::map<std::string, Erased> erased;  // by ref
  for (gallery::Gallery& in : *all) {
    if (!options.facility.empty() && in.facility != options.facility) continue;
    const gallery::Gallery before = in;
    for (const std::string& ref : gallery::purge_expired(in, act_now())) {
      Erased& one = erased[ref];
      if (one.person.ref.empty()) one.person = *before.find(ref);
      one.facilities.push_back(in.facility);
    }
    if (options.dry_run || in.version == before.version) continue;
    if (auto written = galleries->write(in); !written) return report(written.error());
  }
  bool proven = unreadable.empty();
  for (auto& [ref, one] : erased) {
    if (options.dry_run) {
      fmt::print("{} at {}: the consent is over\n", ref, fmt::join(one.facilities, ", "));
      continue;
    }
    if (auto looked = prove(*galleries, one); !looked) return report(looked.error());
    for (const gallery::Gallery& in : *all) {
      if (in.find(ref) != nullptr) one.still_at.push_back(in.facility);
    }
    if (options.json) {
      fmt::print("{}\n", canonical_json(to_json(one)));
    } else {
      print_words(one);
    }
    proven = proven && (one.remains.nothing_left() || !one.still_at.empty());
  }
  if (erased.empty() && !options.json) fmt::print("no consent is over{}\n", unreadable.empty() ? "" : " in what can be read");
  for (const std::string& problem : unreadable) fmt::print(stderr, "kanhu: {}\n", problem);
  return proven ? EX_OK : 1;
}

}  // namespace

void add_gallery_withdraw(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand(
      "withdraw", "A consent is withdrawn: erase the person from every gallery, prove it, and say which events referred to the ref");
  auto options = std::make_shared<EraseOptions>();
  command->add_option("ref", options->ref, "The person_ref")->required();
  command->add_option("--by", options->by, "Who withdrew it: the person, or who speaks for the person; stays in the history")->required();
  add_gallery_options(*command, *options, false, true);
  command->callback([&chosen, options] { chosen = [options] { return withdraw(*options); }; });
}

void add_gallery_purge(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("purge", "Erase everybody whose consent has expired, as withdraw does");
  auto options = std::make_shared<EraseOptions>();
  add_gallery_options(*command, *options, false, true);
  command->add_option("--facility", options->facility, "Only there");
  command->add_flag("--dry-run", options->dry_run, "Only say whom");
  command->callback([&chosen, options] { chosen = [options] { return purge(*options); }; });
}

}  // namespace kanhu
