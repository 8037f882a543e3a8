// SPDX-License-Identifier: MIT
// kanhu gallery list, show, consent, share.
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/text.hpp"
#include "daemon/commands/gallery/gallery.hpp"
#include "gallery/calibration.hpp"
#include "gallery/gallery_file.hpp"

namespace kanhu {
namespace {

struct ListOptions : GalleryOptions {
  std::string ref;
  bool no_names = false;
};

Json person_json(const gallery::Gallery& in, const gallery::Person& person, bool names, WallTime now) {
  Json json{{"facility", in.facility},
            {"person_ref", person.ref},
            {"templates", person.templates.size()},
            {"compared", gallery::may_be_compared(person, now)},
            {"consent",
             {{"recorded_by", person.consent.recorded_by},
              {"recorded", format_utc(person.consent.recorded)},
              {"text_version", person.consent.text_version}}}};
  if (person.consent.expires) json["consent"]["expires"] = format_utc(*person.consent.expires);
  if (names) {
    json["name"] = person.name;
    json["role"] = person.role;
  }
  return json;
}

std::string consent_words(const gallery::Person& person, WallTime now) {
  const auto& consent = person.consent;
  const char* until = !consent.expires ? "no expiry" : gallery::may_be_compared(person, now) ? "until " : "EXPIRED ";
  return fmt::format("consent {} {}{}", consent.text_version, until, consent.expires ? day_of(*consent.expires) : "");
}

void print_gallery(const gallery::Gallery& in, WallTime now) {
  std::size_t compared = 0;
  for (const gallery::Person& person : in.people) compared += gallery::may_be_compared(person, now) ? 1 : 0;
  const double threshold = in.calibration ? in.calibration->threshold : gallery::default_threshold(in.embedder, compared);
  fmt::print("{}: version {}, {} people ({} compared), embedder {}, threshold {:.4f} {}\n", in.facility, in.version, in.people.size(),
             compared, in.embedder.empty() ? "-" : in.embedder, threshold,
             in.calibration ? fmt::format("calibrated {} for {:g}", day_of(in.calibration->made), in.calibration->false_match_rate)
                            : "by default (kanhu gallery calibrate)");
}

int list(const ListOptions& options) {
  const auto galleries = Galleries::open(options, Galleries::Purpose::kReading);
  if (!galleries) return report(galleries.error());
  std::vector<gallery::Gallery> found;
  std::vector<std::string> unreadable;
  if (options.facility.empty()) {
    auto all = galleries->all(&unreadable);
    if (!all) return report(all.error());
    found = std::move(*all);
  } else {
    auto facility = galleries->facility(options.facility);
    if (!facility) return report(facility.error());
    auto one = galleries->read(*facility);
    if (!one) return report(one.error());
    found.push_back(std::move(*one));
  }
  const WallTime now = act_now().now;
  for (const gallery::Gallery& in : found) {
    if (!options.json) print_gallery(in, now);
    for (const gallery::Person& person : in.people) {
      if (options.json) {
        fmt::print("{}\n", canonical_json(person_json(in, person, !options.no_names, now)));
      } else {
        fmt::print("  {}  {} templates  {:<36} {}\n", person.ref, person.templates.size(), consent_words(person, now),
                   options.no_names ? "" : fmt::format("{}{}", person.name, person.role.empty() ? "" : " (" + person.role + ")"));
      }
    }
  }
  for (const std::string& problem : unreadable) fmt::print(stderr, "kanhu: {}\n", problem);
  if (found.empty() && unreadable.empty()) fmt::print(stderr, "kanhu: nobody is enrolled anywhere yet (kanhu gallery enroll)\n");
  return unreadable.empty() ? EX_OK : 1;
}

void print_person(const gallery::Gallery& in, const gallery::Person& person, bool names, WallTime now) {
  fmt::print("{} at {}\n", person.ref, in.facility);
  if (names) fmt::print("  name        {}\n  role        {}\n", person.name, person.role.empty() ? "-" : person.role);
  fmt::print("  consent     text {}, taken by {} on {}, {}{}\n", person.consent.text_version, person.consent.recorded_by,
             day_of(person.consent.recorded), person.consent.expires ? "expires " + day_of(*person.consent.expires) : "no expiry",
             gallery::may_be_compared(person, now) ? "" : ": EXPIRED, not compared any more");
  for (const gallery::Template& shot : person.templates) {
    fmt::print("  template    of {}: {:.0f} px between the eyes, sharpness {:.2f}, turned {:.0f}, up {:.0f} degrees, quality {:.2f}\n",
               day_of(shot.taken), shot.quality.inter_pupil_px, shot.quality.sharpness, shot.quality.yaw_degrees,
               shot.quality.pitch_degrees, shot.quality.total);
  }
}

int show(const ListOptions& options) {
  const auto galleries = Galleries::open(options, Galleries::Purpose::kReading);
  if (!galleries) return report(galleries.error());
  if (!options.facility.empty()) {
    if (auto known = galleries->facility(options.facility); !known) return report(known.error());
  }
  // Of somebody who is gone the history still tells.
  std::vector<std::string> unreadable;
  const auto all = galleries->all(&unreadable);
  if (!all) return report(all.error());
  const WallTime now = act_now().now;
  bool seen = false;
  Json history = Json::array(), people = Json::array();
  for (const gallery::Gallery& in : *all) {
    if (!options.facility.empty() && in.facility != options.facility) continue;
    if (const gallery::Person* person = in.find(options.ref); person != nullptr) {
      seen = true;
      people.push_back(person_json(in, *person, !options.no_names, now));
      if (!options.json) print_person(in, *person, !options.no_names, now);
    }
    for (const gallery::Change& change : in.history) {
      if (change.ref != options.ref) continue;
      seen = true;
      history.push_back({{"facility", in.facility},
                         {"version", change.version},
                         {"time", format_utc(change.time)},
                         {"what", change.what},
                         {"by", change.by}});
    }
  }
  for (const std::string& problem : unreadable) fmt::print(stderr, "kanhu: {}\n", problem);
  if (!seen) return report({ErrorKind::kNotFound, fmt::format("nobody here has the ref {} (kanhu gallery list)", quoted(options.ref, 32))});
  if (options.json) {
    fmt::print("{}\n", Json{{"person_ref", options.ref}, {"galleries", people}, {"history", history}, {"unreadable", unreadable}}.dump(2));
    return unreadable.empty() ? EX_OK : 1;
  }
  if (people.empty()) fmt::print("{}: in no gallery {}\n", options.ref, unreadable.empty() ? "any more" : "that can be read");
  for (const Json& change : history) {
    fmt::print("  {}  {} version {}: {} by {}\n", change.value("time", "").substr(0, 19) + "Z", change.value("facility", ""),
               change.value("version", 0), change.value("what", ""), change.value("by", ""));
  }
  return unreadable.empty() ? EX_OK : 1;
}

struct ConsentOptions : GalleryOptions {
  std::string ref, by, text, expires;
  bool no_expiry = false;
};

int consent(const ConsentOptions& options) {
  std::optional<WallTime> expires;
  if (!options.expires.empty()) {
    auto day = parse_day(options.expires);
    if (!day) return report(day.error());
    expires = *day;
  }
  for (const auto& [text, what] : {std::pair{&options.by, "--consent-by"}, std::pair{&options.text, "--consent-text"}}) {
    if (text->empty()) continue;
    if (auto checked = checked_text(*text, what); !checked) return report(checked.error());
  }
  const auto galleries = Galleries::open(options, Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  auto found = galleries->holding(options.ref, options.facility);
  if (!found) return report(found.error());
  const gallery::Act act = act_now();
  for (gallery::Gallery& in : *found) {
    gallery::Consent changed = in.find(options.ref)->consent;
    // A new text or taker is a new consent; without one only the expiry changes.
    if (!options.by.empty() || !options.text.empty()) changed.recorded = act.now;
    if (!options.by.empty()) changed.recorded_by = options.by;
    if (!options.text.empty()) changed.text_version = options.text;
    if (expires || options.no_expiry) changed.expires = expires;
    if (auto set = gallery::set_consent(in, options.ref, std::move(changed), act); !set) return report(set.error());
  }
  for (const gallery::Gallery& in : *found) {
    if (auto written = galleries->write(in); !written) return report(written.error());
    fmt::print("{} at {}: {}\n", options.ref, in.facility, consent_words(*in.find(options.ref), act.now));
  }
  return EX_OK;
}

struct ShareOptions : GalleryOptions {
  std::string ref, to;
};

int share(const ShareOptions& options) {
  const auto galleries = Galleries::open(options, Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  const auto to = galleries->facility(options.to);
  if (!to) return report(to.error());
  const auto found = galleries->holding(options.ref, options.facility);
  if (!found) return report(found.error());
  const gallery::Gallery& from = found->front();
  const auto everywhere = galleries->all(nullptr);
  if (!everywhere) return report(everywhere.error());
  if (gallery::has_withdrawn(*everywhere, *from.find(options.ref))) {
    return report({ErrorKind::kUnsupported, fmt::format("{} withdrew after the consent that stands at {}; nothing was changed. Withdraw "
                                                        "there too, or record the new consent first (kanhu gallery consent)",
                                                        options.ref, from.facility)});
  }
  auto into = galleries->read_or_begin(*to);
  if (!into) return report(into.error());
  if (auto fits = gallery::take_embedder(*into, from.embedder, from.embedder_digest, from.dimension); !fits) return report(fits.error());
  if (auto added = gallery::add_person(*into, *from.find(options.ref), act_now(), "shared"); !added) return report(added.error());
  if (auto written = galleries->write(*into); !written) return report(written.error());
  fmt::print("{} of {} is compared at {} too (version {})\n", options.ref, from.facility, *to, into->version);
  return EX_OK;
}

}  // namespace

void add_gallery_list(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("list", "Who is enrolled; names are shown here and nowhere else");
  auto options = std::make_shared<ListOptions>();
  add_gallery_options(*command, *options, true, false);
  command->add_flag("--json", options->json, "One object a line");
  command->add_flag("--no-names", options->no_names, "Refs only");
  command->callback([&chosen, options] { chosen = [options] { return list(*options); }; });
}

void add_gallery_show(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("show", "One person: consent, templates' figures, what was done and by whom");
  auto options = std::make_shared<ListOptions>();
  command->add_option("ref", options->ref, "The person_ref")->required();
  add_gallery_options(*command, *options, true, true);
  command->add_flag("--no-names", options->no_names, "Without name and role");
  command->callback([&chosen, options] { chosen = [options] { return show(*options); }; });
}

void add_gallery_consent(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("consent", "Renew a consent or change its expiry, in every gallery the person is in");
  auto options = std::make_shared<ConsentOptions>();
  command->add_option("ref", options->ref, "The person_ref")->required();
  add_gallery_options(*command, *options, false, false);
  auto* by = command->add_option("--consent-by", options->by, "Who took the new consent; with --consent-text");
  auto* text = command->add_option("--consent-text", options->text, "Version of the text that was agreed to; with --consent-by");
  by->needs(text);
  text->needs(by);
  auto* expires = command->add_option("--consent-expires", options->expires, "From this day on (UTC) nobody is compared: 2027-01-31");
  command->add_flag("--no-expiry", options->no_expiry, "It does not expire")->excludes(expires);
  command->callback([&chosen, options] {
    if (options->by.empty() && options->text.empty() && options->expires.empty() && !options->no_expiry)
      throw CLI::ValidationError("consent", "say what changes: --consent-by, --consent-text, --consent-expires or --no-expiry");
    chosen = [options] { return consent(*options); };
  });
}

void add_gallery_share(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("share", "Compare a person at another facility too, under the same ref");
  auto options = std::make_shared<ShareOptions>();
  command->add_option("ref", options->ref, "The person_ref")->required();
  command->add_option("--to", options->to, "The other facility")->required();
  add_gallery_options(*command, *options, true, false);
  command->callback([&chosen, options] { chosen = [options] { return share(*options); }; });
}

}  // namespace kanhu
