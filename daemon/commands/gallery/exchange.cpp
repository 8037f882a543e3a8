// SPDX-License-Identifier: MIT
// kanhu gallery calibrate, import, export, key.
#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/private_output.hpp"
#include "config/keys.hpp"
#include "daemon/commands/gallery/gallery.hpp"
#include "gallery/calibration.hpp"
#include "gallery/gallery_file.hpp"
#include "gallery/gallery_json.hpp"
#include "gallery/sealing.hpp"

namespace kanhu {
namespace {

struct CalibrateOptions : GalleryOptions {
  double false_match_rate = 1e-4;
  bool dry_run = false;
};

Error too_few(const gallery::Gallery& in, std::size_t comparisons) {
  std::size_t templates = 0;
  for (const gallery::Person& person : in.people) templates += person.templates.size();
  const std::size_t each = in.people.empty() ? 5 : std::max<std::size_t>(1, templates / in.people.size());
  return {ErrorKind::kInvalidArgument,
          fmt::format("the gallery of {} has {} people and {} comparisons between different ones; {} are needed, which {} people with {} "
                      "templates each give. Until then the embedder's own threshold is in force",
                      in.facility, in.people.size(), comparisons, gallery::kFewestComparisons, gallery::people_needed(each), each)};
}

struct Pair {
  std::string first, second;
  double score = 0;
};

std::optional<Pair> most_alike_pair(const gallery::Gallery& in) {
  std::optional<Pair> most;
  for (const gallery::Person& person : in.people) {
    const auto alike = gallery::most_alike(in, person.templates, person.ref);
    if (alike && (!most || alike->score > most->score)) most = Pair{person.ref, alike->person_ref, alike->score};
  }
  return most;
}

int calibrate(const CalibrateOptions& options) {
  const auto galleries = Galleries::open(options, options.dry_run ? Galleries::Purpose::kReading : Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  const auto facility = galleries->facility(options.facility);
  if (!facility) return report(facility.error());
  auto in = galleries->read(*facility);
  if (!in) return report(in.error());
  const std::vector<double> impostors = gallery::impostor_scores(*in), own = gallery::genuine_scores(*in);
  if (impostors.size() < gallery::kFewestComparisons) return report(too_few(*in, impostors.size()));
  const auto made = gallery::threshold_for(impostors, options.false_match_rate);
  if (!made) return report(made.error());
  const auto missed =
      static_cast<std::uint64_t>(std::count_if(own.begin(), own.end(), [&](double score) { return score < made->threshold; }));
  // A threshold at which nobody is recognised comes from one person who is enrolled twice.
  if (const auto twice = most_alike_pair(*in); 2 * missed > own.size() && twice) {
    return report({ErrorKind::kUnsupported,
                   fmt::format("at the threshold of {:.4f} {} of {} shots would not be recognised; nothing was stored. {} and {} look the "
                               "same (score {:.4f}): if that is one person, withdraw one of them",
                               made->threshold, missed, own.size(), twice->first, twice->second, twice->score)});
  }
  const gallery::Interval missed_interval = gallery::proportion_interval(missed, own.size());
  const bool extrapolated = static_cast<double>(impostors.size()) * options.false_match_rate < 3;
  if (!options.dry_run) {
    gallery::set_calibration(*in, *made, act_now());
    if (auto written = galleries->write(*in); !written) return report(written.error());
  }
  if (options.json) {
    Json json{{"facility", *facility},
              {"threshold", round4(made->threshold)},
              {"false_match_rate", made->false_match_rate},
              {"interval_95", {made->interval_low, made->interval_high}},
              {"comparisons", made->comparisons},
              {"extrapolated", extrapolated},
              {"people", in->people.size()},
              {"version", in->version},
              {"own", {{"comparisons", own.size()}, {"below_threshold", missed}}}};
    if (!own.empty()) {
      json["own"]["false_non_match_rate"] = round4(static_cast<double>(missed) / static_cast<double>(own.size()));
      json["own"]["interval_95"] = {round4(missed_interval.low), round4(missed_interval.high)};
    }
    fmt::print("{}\n", json.dump(2));
    return EX_OK;
  }
  fmt::print("{}: threshold {:.4f} for a false-match rate of {:g}{}\n", *facility, made->threshold, made->false_match_rate,
             options.dry_run ? " (not stored)" : fmt::format(", in force as version {}", in->version));
  fmt::print("  others      {} comparisons of {} people; the rate at this threshold is between {:.2g} and {:.2g} (95 %)\n",
             made->comparisons, in->people.size(), made->interval_low, made->interval_high);
  if (extrapolated) {
    fmt::print(
        "  extrapolated: {:.0f} comparisons would show this rate, so the tail of those there are was continued (generalised Pareto)\n",
        3 / options.false_match_rate);
  }
  fmt::print("  with {} people a third party is taken for one of them in about {:.2g} of cases\n", in->people.size(),
             1 - std::pow(1 - made->false_match_rate, static_cast<double>(in->people.size())));
  if (!own.empty()) {
    fmt::print("  own         {} of {} shots would not be recognised by themselves: {:.1f} % ({:.1f} to {:.1f} %, 95 %)\n", missed,
               own.size(), 100 * static_cast<double>(missed) / static_cast<double>(own.size()), 100 * missed_interval.low,
               100 * missed_interval.high);
  }
  return EX_OK;
}

struct FileOptions : GalleryOptions {
  std::string file;
  std::vector<std::string> refs;
  bool replace = false;
};

Result<Secret> passphrase(bool twice) {
  auto first = read_line("Passphrase (not shown): ", true);
  if (!first) return first;
  if (first->reveal().size() < 8) return fail(ErrorKind::kInvalidArgument, "a passphrase of at least 8 bytes on standard input is needed");
  if (twice && ::isatty(STDIN_FILENO)) {
    const auto second = read_line("Again: ", true);
    if (!second || !(*second == *first)) return fail(ErrorKind::kInvalidArgument, "the two passphrases differ; nothing was written");
  }
  return first;
}

int import_file(const FileOptions& options) {
  const auto galleries = Galleries::open(options, Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  const auto facility = galleries->facility(options.facility);
  if (!facility) return report(facility.error());
  auto into = galleries->read_or_begin(*facility);
  if (!into) return report(into.error());
  const auto bytes = gallery::read_bytes(galleries->files(), options.file);
  if (!bytes) return report(bytes.error());
  const auto secret = passphrase(false);
  if (!secret) return report(secret.error());
  const auto opened = gallery::open_sealed(gallery::SealedKind::kExport, options.file, *bytes, *secret);
  if (!opened) return report(opened.error());
  const auto from = gallery::from_text(opened->content.view());
  if (!from) return report({from.error().kind, fmt::format("{}: {}", options.file, from.error().message)});
  // A withdrawal counts at every facility, so all of them must be readable.
  const auto everywhere = galleries->all(nullptr);
  if (!everywhere) return report(everywhere.error());
  const auto merged = gallery::merge(*into, *from, options.replace, act_now(), *everywhere);
  if (!merged) return report({merged.error().kind, fmt::format("{}: {}", options.file, merged.error().message)});
  if (merged->added + merged->replaced > 0) {
    if (auto written = galleries->write(*into); !written) return report(written.error());
  }
  fmt::print("{}: {} people added, {} replaced, {} there already; left out: {} whose consent is over, {} who withdrew since\n", *facility,
             merged->added, merged->replaced, merged->same, merged->expired, merged->withdrawn);
  return EX_OK;
}

int export_file(const FileOptions& options) {
  const auto galleries = Galleries::open(options, Galleries::Purpose::kReading);
  if (!galleries) return report(galleries.error());
  const auto facility = galleries->facility(options.facility);
  if (!facility) return report(facility.error());
  auto in = galleries->read(*facility);
  if (!in) return report(in.error());
  if (!options.refs.empty()) {
    for (const std::string& ref : options.refs) {
      if (in->find(ref) == nullptr) return report({ErrorKind::kNotFound, fmt::format("nobody at {} has the ref {}", *facility, ref)});
    }
    std::erase_if(in->people, [&](const gallery::Person& person) {
      return std::find(options.refs.begin(), options.refs.end(), person.ref) == options.refs.end();
    });
  }
  const auto secret = passphrase(true);
  if (!secret) return report(secret.error());
  const gallery::WipedText content(gallery::to_text(*in));
  const auto sealed = gallery::seal(gallery::SealedKind::kExport, *facility, *secret, content.view());
  if (!sealed) return report(sealed.error());
  if (auto written = write_private_output(options.file, *sealed, Existing::kKeep); !written) return report(written.error());
  fmt::print(
      "{}: {} people of {}, sealed with the passphrase. Whoever has both has their names and templates: a withdrawal does not "
      "reach it\n",
      options.file, in->people.size(), *facility);
  return EX_OK;
}

int key(const GalleryOptions& options) {
  const auto where = find_whereabouts(options, Needs::kBoth);
  if (!where) return report(where.error());
  const std::string& dir = where->config.gateway.secrets_dir;
  const auto there = load_key(kGalleryKey, dir);
  if (there) {
    fmt::print("there is a key already (gallery-key), and it stays; keep a copy where the galleries are not\n");
    return EX_OK;
  }
  if (there.error().kind != ErrorKind::kNotFound) return report(there.error());
  const auto files = make_posix_file_io();
  const std::string folder = gallery::gallery_folder(where->config.gateway.data_dir);
  const auto sealed = gallery::facilities_in(*files, folder);
  if (!sealed) return report(sealed.error());
  if (!sealed->empty()) {
    return report(
        {ErrorKind::kUnsupported,
         fmt::format("{} galleries in {} were sealed with a key that is not here; no new one was made, it could not open them. Put "
                     "back the copy of gallery-key ({}/gallery-key); without any, move the galleries away and start over",
                     sealed->size(), folder, dir)});
  }
  if (auto made = make_key(kGalleryKey, dir); !made) return report(made.error());
  const std::string path = fmt::format("{}/{}", dir, kGalleryKey);
  if (auto given = hand_to_owner(path); !given) return report(given.error());
  fmt::print("{} made, readable by its owner alone. Keep a copy where the galleries are not: without it they are lost\n", path);
  return EX_OK;
}

}  // namespace

void add_gallery_calibrate(CLI::App& gallery, Command& chosen) {
  auto* command =
      gallery.add_subcommand("calibrate", "Measure how alike different people look in this gallery and set the threshold from it");
  auto options = std::make_shared<CalibrateOptions>();
  add_gallery_options(*command, *options, true, true);
  command->add_option("--false-match-rate", options->false_match_rate, "How often a third party may be taken for one given person")
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run, "Print it, change nothing");
  command->callback([&chosen, options] { chosen = [options] { return calibrate(*options); }; });
}

void add_gallery_import(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("import", "Take in the people of an export; its passphrase comes from standard input");
  auto options = std::make_shared<FileOptions>();
  command->add_option("file", options->file, "What `kanhu gallery export` wrote")->required();
  add_gallery_options(*command, *options, true, false);
  command->add_flag("--replace", options->replace, "Where a person is there with other content, take the export's");
  command->callback([&chosen, options] { chosen = [options] { return import_file(*options); }; });
}

void add_gallery_export(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("export", "Write a gallery to a file, sealed with a passphrase from standard input");
  auto options = std::make_shared<FileOptions>();
  command->add_option("--to", options->file, "File to make; one that is there stays")->required();
  command->add_option("--ref", options->refs, "Only these people");
  add_gallery_options(*command, *options, true, false);
  command->callback([&chosen, options] { chosen = [options] { return export_file(*options); }; });
}

void add_gallery_key(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("key", "Make the key the galleries are sealed with, if there is none; it is never shown");
  auto options = std::make_shared<GalleryOptions>();
  add_gallery_options(*command, *options, false, false);
  command->callback([&chosen, options] { chosen = [options] { return key(*options); }; });
}

}  // namespace kanhu
