// SPDX-License-Identifier: MIT
// What may be done to a gallery. Every change counts its version up and leaves an entry in its history.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gallery/gallery.hpp"
#include "gallery/matcher.hpp"

namespace kanhu::gallery {

// Who does it and when; `by` is an operator's login name or who was named on the command line.
struct Act {
  std::string by;
  WallTime now{};
};

// What templates come from. An empty gallery takes any network (and forgets a calibration made with another); one with people
// refuses another than its own (check_embedder).
Result<void> take_embedder(Gallery& gallery, std::string_view name, std::string_view digest, int dimension);

// Adds a person (a new ref when it has none). kInvalidArgument: no consent (who and which text), an expiry in the past, no
// templates, templates of another length than the gallery's, a ref that is there.
Result<std::string> add_person(Gallery& gallery, Person person, const Act& act, std::string_view what = "enrolled");
// Further templates of somebody who is there; at most kMostTemplates are kept, the best by quality.
inline constexpr std::size_t kMostTemplates = 10;
Result<void> add_templates(Gallery& gallery, std::string_view ref, std::vector<Template> templates, const Act& act);
Result<void> set_consent(Gallery& gallery, std::string_view ref, Consent consent, const Act& act);
// False when nobody has this ref. `what`: withdrawn, purged.
bool erase_person(Gallery& gallery, std::string_view ref, std::string_view what, const Act& act);
// Erases whose consent has expired; their refs.
std::vector<std::string> purge_expired(Gallery& gallery, const Act& act);
void set_calibration(Gallery& gallery, const Calibration& calibration, const Act& act);

// Takes in the people of another gallery (an export). Somebody who is there already with the same content is passed over, with
// other content kInvalidArgument by ref, unless `replace`. Left out are consents that have expired, and who has withdrawn here
// since that consent was recorded: an old export brings nobody back. kUnsupported when another network made it. All or nothing.
struct Merged {
  int added = 0, replaced = 0, same = 0, expired = 0, withdrawn = 0;
};
Result<Merged> merge(Gallery& gallery, const Gallery& from, bool replace, const Act& act, std::span<const Gallery> everywhere = {});

// Whether the person withdrew, in one of these galleries, after this consent was recorded.
bool has_withdrawn(std::span<const Gallery> galleries, const Person& person);

// Who else in the gallery these templates are most like: the best of all single comparisons.
std::optional<Candidate> most_alike(const Gallery& gallery, std::span<const Template> templates, std::string_view but_not);

}  // namespace kanhu::gallery
