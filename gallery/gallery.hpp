// SPDX-License-Identifier: MIT
// People who agreed to be recognised at one facility, and their templates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "media/face_quality.hpp"

namespace kanhu::gallery {

// One enrolled shot. The picture it came from is not kept.
struct Template {
  std::vector<float> embedding;  // unit length
  FaceQuality quality;
  WallTime taken{};
  bool operator==(const Template&) const = default;
};

// Nobody is enrolled without one, and nobody is compared after it has expired or was withdrawn.
struct Consent {
  std::string recorded_by;   // who took it
  WallTime recorded{};       // when
  std::string text_version;  // which text was agreed to
  std::optional<WallTime> expires;
  bool operator==(const Consent&) const = default;
};

struct Person {
  std::string ref;   // opaque: 26 base32 digits of randomness; the only thing that leaves the gallery
  std::string name;  // never leaves it
  std::string role;  // "resident", "staff", ...; free text, never leaves it either
  Consent consent;
  std::vector<Template> templates;
  bool operator==(const Person&) const = default;
};

// How alike different people look to this gallery's embedder, and the threshold that follows (gallery/calibration.hpp).
struct Calibration {
  double threshold = 0;                        // a score from here on counts
  double false_match_rate = 0;                 // the one asked for, per comparison of a third party with one person
  double interval_low = 0, interval_high = 0;  // 95 % interval of the rate at the threshold
  std::uint64_t comparisons = 0;               // impostor comparisons it rests on
  WallTime made{};
  bool operator==(const Calibration&) const = default;
};

// One change, for the record: what happened to whom, when and by whom. Survives the person it names (by ref).
struct Change {
  std::uint64_t version = 0;
  WallTime time{};
  std::string by;    // operator's login name, or who was named as asking for it
  std::string what;  // enrolled, templates_added, consent_changed, withdrawn, purged, calibrated, imported, shared
  std::string ref;   // of the person, empty when it concerns all
  bool operator==(const Change&) const = default;
};

struct Gallery {
  std::string facility;
  std::uint64_t version = 0;    // counts changes
  std::string embedder;         // name; empty until somebody is enrolled
  std::string embedder_digest;  // of the weights and the way they are used
  int dimension = 0;
  std::vector<Person> people;  // by ref
  std::optional<Calibration> calibration;
  std::vector<Change> history;  // oldest first

  const Person* find(std::string_view ref) const;
  bool operator==(const Gallery&) const = default;
};

// SHA-256 (hex) over the canonical content that decides about faces: embedder, people's refs, consents and templates,
// calibration. Names and roles are not in it.
std::string digest_of(const Gallery& gallery);

// Expired consents do not count.
bool may_be_compared(const Person& person, WallTime now);

// 130 random bits as 26 base32 digits.
std::string new_person_ref();
bool is_person_ref(std::string_view text);

}  // namespace kanhu::gallery
