// SPDX-License-Identifier: MIT
// kanhu gallery enroll: somebody who agreed becomes recognisable.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <sysexits.h>

#include "config/detectors.hpp"
#include "config/text_file.hpp"
#include "daemon/commands/gallery/gallery.hpp"
#include "daemon/replay/enrolment.hpp"
#include "daemon/replay/media_worker.hpp"
#include "gallery/calibration.hpp"
#include "gallery/gallery_file.hpp"
#include "models/registry.hpp"

namespace kanhu {
namespace {

struct EnrollOptions : GalleryOptions {
  std::string name_file, role, consent_by, consent_text, consent_expires, clip, add_to;
  std::vector<std::string> pictures;
  bool although_alike = false, although_drawn = false;
  double inter_pupil_px = EnrolmentBounds{}.inter_pupil_px;
};

Result<std::string> name_of(const EnrollOptions& options) {
  if (options.name_file.empty()) {
    const auto line = read_line("Name (kept in the encrypted gallery only): ", false);
    if (!line) return tl::make_unexpected(line.error());
    return checked_text(line->reveal(), "the name, from standard input or --name-file,");
  }
  const auto text = read_text_file(options.name_file, "name");
  if (!text) return fail(ErrorKind::kNotFound, "--name-file: " + text.error().message);
  if (text->empty()) return fail(ErrorKind::kNotFound, fmt::format("{}: there is no line to read in it", options.name_file));
  return checked_text(text->substr(0, text->find('\n')), "the name, from --name-file,");
}

Result<gallery::Consent> consent_of(const EnrollOptions& options, WallTime now) {
  const auto by = checked_text(options.consent_by, "--consent-by, who took the consent,");
  if (!by) return tl::make_unexpected(by.error());
  const auto text = checked_text(options.consent_text, "--consent-text, which text was agreed to,");
  if (!text) return tl::make_unexpected(text.error());
  gallery::Consent consent{*by, now, *text, {}};
  if (!options.consent_expires.empty()) {
    const auto day = parse_day(options.consent_expires);
    if (!day) return tl::make_unexpected(day.error());
    if (*day <= now) return fail(ErrorKind::kInvalidArgument, fmt::format("the consent would be over on {} already", day_of(*day)));
    consent.expires = *day;
  }
  return consent;
}

// The one the facility's cameras find faces with.
DetectorConfig detector_of(const Config& config, const std::string& facility) {
  DetectorConfig detector;
  detector.name = kUsualFaceDetector;
  const FacilityConfig* here = config.facility(facility);
  if (here == nullptr) return detector;
  const auto found =
      std::find_if(here->cameras.begin(), here->cameras.end(), [](const CameraConfig& camera) { return camera.faces.recognize; });
  return found == here->cameras.end() ? detector : found->detector;
}

// What was looked at, and why some of it is not taken.
std::string with_lines(std::string what, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) what += "\n  " + line;
  return what;
}

// What pictures or the recording show. They are foreign, and this process holds the gallery's key: a worker looks at them.
Result<EnrolmentShots> seen_by_worker(const Enrolment& enrolment, const DetectorConfig& detector, const Config& config,
                                      const EnrollOptions& options) {
  const std::vector<std::string> files = options.clip.empty() ? options.pictures : std::vector<std::string>{options.clip};
  MediaWorker worker({paths_to_read(files), models::model_search_path(config.gateway.models_dir), config.gateway.worker_memory_bytes});
  EnrolTask task;
  task.detector = detector;
  task.inter_pupil_px = options.inter_pupil_px;
  if (!options.clip.empty()) {
    task.path = task.name = options.clip;
    task.is_clip = true;
    return worker.shots(task, enrolment.embedder().dimension);
  }
  EnrolmentShots shots;
  const auto names = names_of_pictures(options.pictures);
  for (std::size_t i = 0; i < names.size(); ++i) {
    task.path = options.pictures[i];
    task.name = names[i];
    auto seen = worker.shots(task, enrolment.embedder().dimension);
    // A picture that ends its worker costs only itself.
    if (!seen && seen.error().kind != ErrorKind::kCorrupt && seen.error().kind != ErrorKind::kStalled) return seen;
    if (!seen) {
      shots.refused.push_back(seen.error().message);
      continue;
    }
    std::move(seen->good.begin(), seen->good.end(), std::back_inserter(shots.good));
    std::move(seen->refused.begin(), seen->refused.end(), std::back_inserter(shots.refused));
  }
  return shots;
}

// Enough good shots, all of one person; otherwise an error with a line for each that is not.
Result<EnrolmentShots> shots_of(Enrolment& enrolment, const DetectorConfig& detector, const Config& config, const EnrollOptions& options) {
  auto seen = seen_by_worker(enrolment, detector, config, options);
  if (!seen) return seen;
  EnrolmentShots shots = std::move(*seen);
  const auto copies = take_out_copies(shots.good);
  shots.refused.insert(shots.refused.end(), copies.begin(), copies.end());
  keep_best(shots.good);
  const std::size_t needed = options.add_to.empty() ? Enrolment::kFewestShots : 1;
  // Why all of them are none; also said where there are too few of them anyway.
  const auto drawn = options.although_drawn ? Result<std::string>(std::string()) : enrolment.why_drawn(shots.good);
  if (!drawn) return tl::make_unexpected(drawn.error());
  if (shots.good.size() < needed) {
    if (!drawn->empty()) shots.refused.push_back("what can be used: " + *drawn);
    const std::string of = options.clip.empty() ? fmt::format("{} pictures", options.pictures.size()) : options.clip;
    return fail(
        ErrorKind::kUnsupported,
        with_lines(fmt::format("{} of {} can be used, {} needed; nothing was enrolled", shots.good.size(), of, needed), shots.refused));
  }
  if (!drawn->empty()) return fail(ErrorKind::kUnsupported, *drawn + "; nothing was enrolled. Photographs all the same: --although-drawn");
  const std::size_t before = shots.good.size();
  const auto others = take_out_others(shots.good, same_person_score(enrolment.embedder().name));
  // One among five can be left out; where it is more, nobody can say whose the others are.
  if (shots.good.size() < needed || before - shots.good.size() > 1)
    return fail(ErrorKind::kUnsupported, with_lines("the shots do not show one person; nothing was enrolled", others));
  shots.refused.insert(shots.refused.end(), others.begin(), others.end());
  return shots;
}

double threshold_of(const gallery::Gallery& in) {
  return in.calibration ? in.calibration->threshold : gallery::default_threshold(in.embedder, in.people.size());
}

// Nobody is enrolled twice, and nobody under another's ref.
Result<std::optional<gallery::Candidate>> check_alike(const gallery::Gallery& in, std::span<const gallery::Template> templates,
                                                      const EnrollOptions& options) {
  const auto alike = gallery::most_alike(in, templates, options.add_to);
  const double threshold = threshold_of(in);
  if (!alike || alike->score < threshold) return std::optional<gallery::Candidate>{};
  if (options.although_alike) return alike;
  return fail(
      ErrorKind::kUnsupported,
      fmt::format("as alike to {} as one person's pictures are (score {:.4f}, threshold {:.4f}); nothing was enrolled. The same person: "
                  "kanhu gallery enroll --add-to {}, or share. Another person: --although-alike, and expect both to be uncertain at times",
                  alike->person_ref, alike->score, threshold, alike->person_ref));
}

// Two refs for one person at two facilities would make one withdrawal leave the other.
Result<void> check_alike_elsewhere(const Galleries& galleries, const gallery::Gallery& here, std::span<const gallery::Template> templates) {
  std::vector<std::string> unreadable;
  const auto all = galleries.all(&unreadable);
  if (!all) return tl::make_unexpected(all.error());
  for (const std::string& problem : unreadable) fmt::print(stderr, "kanhu: not compared with the people there: {}\n", problem);
  for (const gallery::Gallery& other : *all) {
    if (other.facility == here.facility || other.embedder_digest != here.embedder_digest) continue;
    const auto alike = gallery::most_alike(other, templates, "");
    const double threshold = threshold_of(other);
    if (!alike || alike->score < threshold) continue;
    return fail(ErrorKind::kUnsupported,
                fmt::format("as alike to {} at {} as one person's pictures are (score {:.4f}, threshold {:.4f}); nothing was enrolled. The "
                            "same person: kanhu gallery share {} --to {}. Another person: --although-alike",
                            alike->person_ref, other.facility, alike->score, threshold, alike->person_ref, here.facility));
  }
  return {};
}

// Shots the person has already are no further ones.
Result<void> take_out_known(const gallery::Gallery& in, const std::string& ref, std::vector<gallery::Template>& templates,
                            std::vector<std::string>& refused) {
  const gallery::Person* person = in.find(ref);
  if (person == nullptr) return {};  // told by who adds
  const std::size_t before = templates.size();
  std::erase_if(templates, [&](const gallery::Template& shot) { return best_score(shot, person->templates) >= kSameShot; });
  if (templates.empty()) return fail(ErrorKind::kUnsupported, fmt::format("{} has all of these shots already; nothing was added", ref));
  if (templates.size() < before) refused.push_back(fmt::format("{} that {} has already", before - templates.size(), ref));
  return {};
}

Result<std::string> put_in(gallery::Gallery& in, const EnrollOptions& options, std::string name, const gallery::Consent& consent,
                           std::vector<gallery::Template> templates, const gallery::Act& act) {
  if (options.add_to.empty()) return gallery::add_person(in, {"", std::move(name), options.role, consent, std::move(templates)}, act);
  const gallery::Person* person = in.find(options.add_to);
  if (person == nullptr) return fail(ErrorKind::kNotFound, fmt::format("nobody at {} has the ref {}", in.facility, options.add_to));
  for (const gallery::Template& shot : templates) {
    const double score = best_score(shot, person->templates), needed = same_person_score(in.embedder);
    if (score < needed) {
      return fail(ErrorKind::kUnsupported,
                  fmt::format("a shot is not like {} (score {:.4f}, {:.4f} needed); nothing was added", options.add_to, score, needed));
    }
  }
  if (auto added = gallery::add_templates(in, options.add_to, std::move(templates), act); !added) return tl::make_unexpected(added.error());
  return options.add_to;
}

int enroll(const EnrollOptions& options) {
  const gallery::Act act = act_now();
  gallery::Consent consent;
  std::string name;
  std::string facility;
  EnrolmentShots shots;
  models::EmbedderInfo embedder;
  {
    // Looking takes seconds; nobody else waits for it.
    const auto galleries = Galleries::open(options, Galleries::Purpose::kBeginning);
    if (!galleries) return report(galleries.error());
    auto asked = galleries->facility(options.facility);
    if (!asked) return report(asked.error());
    facility = *asked;
    if (options.add_to.empty()) {
      auto agreed = consent_of(options, act.now);
      if (!agreed) return report(agreed.error());
      consent = *agreed;
      if (!options.role.empty()) {
        if (auto role = checked_text(options.role, "--role"); !role) return report(role.error());
      }
      auto given = name_of(options);
      if (!given) return report(given.error());
      name = *given;
    }
    if (!options.clip.empty()) {
      if (auto file = check_is_file(options.clip); !file) return report(file.error());
    }
    EnrolmentBounds bounds;
    bounds.inter_pupil_px = options.inter_pupil_px;
    const DetectorConfig detector = detector_of(galleries->config(), facility);
    auto enrolment = Enrolment::make(detector, models::model_search_path(galleries->config().gateway.models_dir), bounds);
    if (!enrolment) return report(enrolment.error());
    embedder = enrolment->embedder();
    const auto there = galleries->read_or_begin(facility);
    if (!there) return report(there.error());
    if (auto fits = gallery::check_embedder(*there, embedder.name, embedder.digest); !fits) return report(fits.error());
    auto found = shots_of(*enrolment, detector, galleries->config(), options);
    if (!found) return report(found.error());
    shots = std::move(*found);
  }
  std::vector<gallery::Template> templates;
  for (EnrolmentShot& shot : shots.good) templates.push_back(std::move(shot.made));
  const auto galleries = Galleries::open(options, Galleries::Purpose::kChanging);
  if (!galleries) return report(galleries.error());
  auto in = galleries->read_or_begin(facility);
  if (!in) return report(in.error());
  if (auto fits = gallery::take_embedder(*in, embedder.name, embedder.digest, embedder.dimension); !fits) return report(fits.error());
  const auto alike = check_alike(*in, templates, options);
  if (!alike) return report(alike.error());
  if (options.add_to.empty() && !options.although_alike) {
    if (auto elsewhere = check_alike_elsewhere(*galleries, *in, templates); !elsewhere) return report(elsewhere.error());
  }
  if (!options.add_to.empty()) {
    if (auto kept = take_out_known(*in, options.add_to, templates, shots.refused); !kept) return report(kept.error());
  }
  const std::size_t count = templates.size();
  const auto ref = put_in(*in, options, std::move(name), consent, std::move(templates), act);
  if (!ref) return report(ref.error());
  if (auto written = galleries->write(*in); !written) return report(written.error());

  if (options.json) {
    Json json{{"person_ref", *ref}, {"facility", facility}, {"templates", count}, {"version", in->version}, {"refused", shots.refused}};
    if (*alike) json["alike"] = {{"person_ref", (*alike)->person_ref}, {"score", round4((*alike)->score)}};
    fmt::print("{}\n", json.dump(2));
    return EX_OK;
  }
  fmt::print("{} at {}: {} templates, version {}\n", *ref, facility, count, in->version);
  for (const std::string& line : shots.refused) fmt::print("  left out: {}\n", line);
  if (*alike) fmt::print("  alike: {} with a score of {:.4f}\n", (*alike)->person_ref, (*alike)->score);
  return EX_OK;
}

}  // namespace

void add_gallery_enroll(CLI::App& gallery, Command& chosen) {
  auto* command = gallery.add_subcommand("enroll", "Enrol a person who agreed, from 3 to 5 pictures or a recording; prints the person_ref");
  auto options = std::make_shared<EnrollOptions>();
  add_gallery_options(*command, *options, true, true);
  auto* pictures = command->add_option("pictures", options->pictures, "JPEG, PNG or PGM, each with this one face; the best 5 are taken");
  command->add_option("--clip", options->clip, "A video file instead: the best shots of the largest face, spread over its time")
      ->excludes(pictures);
  auto* name_file =
      command->add_option("--name-file", options->name_file, "File whose first line is the name; otherwise standard input is asked");
  auto* add_to = command->add_option("--add-to", options->add_to, "Add templates to this person_ref instead")->excludes(name_file);
  command->add_option("--role", options->role, "resident, staff, visitor, ...; stays in the gallery")->excludes(add_to);
  command->add_option("--consent-by", options->consent_by, "Who took the consent; nobody is enrolled without")->excludes(add_to);
  command->add_option("--consent-text", options->consent_text, "Version of the text that was agreed to")->excludes(add_to);
  command->add_option("--consent-expires", options->consent_expires, "From this day on (UTC) nobody is compared: 2027-01-31")
      ->excludes(add_to);
  command->add_flag("--although-alike", options->although_alike, "Enrol although another enrolled person looks the same to the network");
  command->add_flag("--although-drawn", options->although_drawn, "Enrol although the pictures look drawn to the network");
  command
      ->add_option("--eyes-apart", options->inter_pupil_px, "Pixels between the eyes that a picture must have; fewer recognise less surely")
      ->check(CLI::Range(20, 500))
      ->capture_default_str();
  command->callback([&chosen, options] {
    if (options->pictures.empty() && options->clip.empty()) throw CLI::ValidationError("enroll", "say which pictures, or --clip FILE");
    chosen = [options] { return enroll(*options); };
  });
}

}  // namespace kanhu
