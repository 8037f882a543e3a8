// SPDX-License-Identifier: MIT
#include "gallery/gallery.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "gallery/gallery_json.hpp"

namespace kanhu::gallery {

const Person* Gallery::find(std::string_view ref) const {
  const auto found =
      std::lower_bound(people.begin(), people.end(), ref, [](const Person& person, std::string_view r) { return person.ref < r; });
  return found != people.end() && found->ref == ref ? &*found : nullptr;
}

std::string digest_of(const Gallery& gallery) { return to_hex(sha256(canonical_json(deciding_content(gallery)))); }

bool may_be_compared(const Person& person, WallTime now) { return !person.consent.expires || now < *person.consent.expires; }

std::string new_person_ref() {
  // 256 random bits in, so that all of the digest's 130 are random.
  return content_id({random_id(), random_id()});
}

bool is_person_ref(std::string_view text) {
  return text.size() == 26 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

}  // namespace kanhu::gallery
