// SPDX-License-Identifier: MIT
#include "gallery/people.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "gallery/gallery_file.hpp"

namespace kanhu::gallery {
namespace {

void note(Gallery& gallery, std::string_view what, std::string_view ref, const Act& act) {
  gallery.history.push_back({++gallery.version, act.now, act.by, std::string(what), std::string(ref)});
}

std::vector<Person>::iterator place_of(Gallery& gallery, std::string_view ref) {
  return std::lower_bound(gallery.people.begin(), gallery.people.end(), ref,
                          [](const Person& person, std::string_view r) { return person.ref < r; });
}

Person* find(Gallery& gallery, std::string_view ref) {
  const auto place = place_of(gallery, ref);
  return place != gallery.people.end() && place->ref == ref ? &*place : nullptr;
}

tl::unexpected<Error> nobody(const Gallery& gallery, std::string_view ref) {
  return fail(ErrorKind::kNotFound, fmt::format("nobody in the gallery of {} has the ref {} (kanhu gallery list)", gallery.facility, ref));
}

Result<void> check_consent(const Consent& consent, WallTime now) {
  if (consent.recorded_by.empty() || consent.text_version.empty())
    return fail(ErrorKind::kInvalidArgument, "without a consent nobody is enrolled: say who took it and which text was agreed to");
  if (consent.expires && *consent.expires <= now)
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("the consent expires on {}, which is over", format_utc(*consent.expires).substr(0, 10)));
  return {};
}

Result<void> check_templates(const Gallery& gallery, const std::vector<Template>& templates) {
  if (templates.empty()) return fail(ErrorKind::kInvalidArgument, "a person needs templates");
  for (const Template& shot : templates) {
    double square = 0;
    for (const float value : shot.embedding) square += static_cast<double>(value) * value;
    if (shot.embedding.size() != static_cast<std::size_t>(gallery.dimension) || !(std::abs(square - 1) < 1e-3))
      return fail(ErrorKind::kInvalidArgument, fmt::format("a template is {} numbers of unit length", gallery.dimension));
  }
  return {};
}

}  // namespace

bool has_withdrawn(std::span<const Gallery> galleries, const Person& person) {
  return std::any_of(galleries.begin(), galleries.end(), [&](const Gallery& gallery) {
    return std::any_of(gallery.history.begin(), gallery.history.end(), [&](const Change& change) {
      return change.ref == person.ref && change.what == "withdrawn" && change.time >= person.consent.recorded;
    });
  });
}

Result<void> take_embedder(Gallery& gallery, std::string_view name, std::string_view digest, int dimension) {
  if (auto fits = check_embedder(gallery, name, digest); !fits) return fits;
  if (gallery.embedder_digest != digest) gallery.calibration.reset();
  gallery.embedder = name;
  gallery.embedder_digest = digest;
  gallery.dimension = dimension;
  return {};
}

Result<std::string> add_person(Gallery& gallery, Person person, const Act& act, std::string_view what) {
  if (auto consent = check_consent(person.consent, act.now); !consent) return tl::unexpected(consent.error());
  if (auto templates = check_templates(gallery, person.templates); !templates) return tl::unexpected(templates.error());
  if (person.ref.empty()) person.ref = new_person_ref();
  if (!is_person_ref(person.ref)) return fail(ErrorKind::kInvalidArgument, "a ref is 26 of a-z and 2-7");
  if (find(gallery, person.ref)) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is in the gallery of {} already", person.ref, gallery.facility));
  }
  const std::string ref = person.ref;
  gallery.people.insert(place_of(gallery, ref), std::move(person));
  note(gallery, what, ref, act);
  return ref;
}

Result<void> add_templates(Gallery& gallery, std::string_view ref, std::vector<Template> templates, const Act& act) {
  Person* person = find(gallery, ref);
  if (!person) return nobody(gallery, ref);
  if (auto checked = check_templates(gallery, templates); !checked) return checked;
  for (Template& shot : templates) person->templates.push_back(std::move(shot));
  std::stable_sort(person->templates.begin(), person->templates.end(),
                   [](const Template& a, const Template& b) { return a.quality.total > b.quality.total; });
  if (person->templates.size() > kMostTemplates) person->templates.resize(kMostTemplates);
  note(gallery, "templates_added", ref, act);
  return {};
}

Result<void> set_consent(Gallery& gallery, std::string_view ref, Consent consent, const Act& act) {
  Person* person = find(gallery, ref);
  if (!person) return nobody(gallery, ref);
  if (auto checked = check_consent(consent, act.now); !checked) return checked;
  person->consent = std::move(consent);
  note(gallery, "consent_changed", ref, act);
  return {};
}

bool erase_person(Gallery& gallery, std::string_view ref, std::string_view what, const Act& act) {
  const auto place = place_of(gallery, ref);
  if (place == gallery.people.end() || place->ref != ref) return false;
  const std::string gone = place->ref;  // `ref` may point into the person
  gallery.people.erase(place);
  note(gallery, what, gone, act);
  return true;
}

std::vector<std::string> purge_expired(Gallery& gallery, const Act& act) {
  std::vector<std::string> refs;
  for (const Person& person : gallery.people) {
    if (!may_be_compared(person, act.now)) refs.push_back(person.ref);
  }
  for (const std::string& ref : refs) erase_person(gallery, ref, "purged", act);
  return refs;
}

void set_calibration(Gallery& gallery, const Calibration& calibration, const Act& act) {
  gallery.calibration = calibration;
  gallery.calibration->made = act.now;
  note(gallery, "calibrated", "", act);
}

Result<Merged> merge(Gallery& gallery, const Gallery& from, bool replace, const Act& act, std::span<const Gallery> everywhere) {
  Gallery merged = gallery;
  if (auto fits = take_embedder(merged, from.embedder, from.embedder_digest, from.dimension); !fits) {
    return fail(ErrorKind::kUnsupported,
                fmt::format("the export was made by {} ({:.12}), the gallery of {} by {} ({:.12}); they cannot be mixed", from.embedder,
                            from.embedder_digest, gallery.facility, gallery.embedder, gallery.embedder_digest));
  }
  Merged counts;
  for (const Person& person : from.people) {
    const bool here = merged.find(person.ref) != nullptr;
    if (here && *merged.find(person.ref) == person) {
      ++counts.same;
      continue;
    }
    if (!may_be_compared(person, act.now)) {
      ++counts.expired;
      continue;
    }
    if (has_withdrawn(std::span(&gallery, 1), person) || has_withdrawn(everywhere, person)) {
      ++counts.withdrawn;
      continue;
    }
    if (here && !replace) {
      return fail(ErrorKind::kInvalidArgument,
                  fmt::format("{} is in the gallery of {} with other content; nothing was taken in (--replace takes "
                              "the export's)",
                              person.ref, gallery.facility));
    }
    if (here) merged.people.erase(place_of(merged, person.ref));
    ++(here ? counts.replaced : counts.added);
    if (auto added = add_person(merged, person, act, "imported"); !added)
      return fail(added.error().kind, fmt::format("{}: {}; nothing was taken in", person.ref, added.error().message));
  }
  gallery = std::move(merged);
  return counts;
}

std::optional<Candidate> most_alike(const Gallery& gallery, std::span<const Template> templates, std::string_view but_not) {
  std::optional<Candidate> best;
  for (const Person& person : gallery.people) {
    if (person.ref == but_not) continue;
    for (const Template& theirs : person.templates) {
      for (const Template& shot : templates) {
        const double score = score_of(scalar_product(shot.embedding, theirs.embedding));
        if (!best || score > best->score) best = Candidate{person.ref, score};
      }
    }
  }
  return best;
}

}  // namespace kanhu::gallery
