// SPDX-License-Identifier: MIT
#include "gallery/gallery_json.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <sodium.h>

#include "media/face_quality.hpp"

namespace kanhu::gallery {
namespace {

static_assert(std::endian::native == std::endian::little, "embeddings are stored little-endian");

// What is wrong with a member, found while reading; caught in from_text.
struct Wrong {
  std::string where;
};

const Json& member(const Json& object, const char* name) {
  if (!object.is_object()) throw Wrong{name};
  const auto found = object.find(name);
  if (found == object.end()) throw Wrong{name};
  return *found;
}

std::string text_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_string()) throw Wrong{name};
  return value.get<std::string>();
}

double number_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_number()) throw Wrong{name};
  return value.get<double>();
}

std::uint64_t count_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_number_unsigned()) throw Wrong{name};
  return value.get<std::uint64_t>();
}

const Json& list_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_array()) throw Wrong{name};
  return value;
}

WallTime time_of(const Json& object, const char* name) {
  const auto time = parse_utc(text_of(object, name));
  if (!time) throw Wrong{name};
  return *time;
}

std::vector<float> embedding_of(const std::string& text, int dimension) {
  std::vector<float> embedding(static_cast<std::size_t>(dimension));
  const std::size_t wanted = embedding.size() * sizeof(float);
  std::size_t got = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(embedding.data()), wanted, text.data(), text.size(), nullptr, &got, nullptr,
                        sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
      got != wanted) {
    throw Wrong{"embedding"};
  }
  double square = 0;
  for (const float value : embedding) square += static_cast<double>(value) * value;
  if (!(std::abs(square - 1) < 1e-3)) throw Wrong{"embedding"};
  return embedding;
}

Json to_json(const FaceQuality& quality) {
  Json json = Json::object();
  for (const FaceFigure& figure : kFaceFigures) json[figure.name] = quality.*figure.value;
  return json;
}

FaceQuality quality_of(const Json& json) {
  FaceQuality quality;
  for (const FaceFigure& figure : kFaceFigures) quality.*figure.value = number_of(json, figure.name);
  return quality;
}

Json to_json(const Consent& consent) {
  Json json{{"recorded_by", consent.recorded_by}, {"recorded", format_utc(consent.recorded)}, {"text_version", consent.text_version}};
  if (consent.expires) json["expires"] = format_utc(*consent.expires);
  return json;
}

Consent consent_of(const Json& json) {
  Consent consent{text_of(json, "recorded_by"), time_of(json, "recorded"), text_of(json, "text_version"), {}};
  if (json.contains("expires")) consent.expires = time_of(json, "expires");
  return consent;
}

Json to_json(const Calibration& calibration) {
  return {{"threshold", calibration.threshold},       {"false_match_rate", calibration.false_match_rate},
          {"interval_low", calibration.interval_low}, {"interval_high", calibration.interval_high},
          {"comparisons", calibration.comparisons},   {"made", format_utc(calibration.made)}};
}

Calibration calibration_of(const Json& json) {
  Calibration calibration;
  calibration.threshold = number_of(json, "threshold");
  calibration.false_match_rate = number_of(json, "false_match_rate");
  calibration.interval_low = number_of(json, "interval_low");
  calibration.interval_high = number_of(json, "interval_high");
  calibration.comparisons = count_of(json, "comparisons");
  calibration.made = time_of(json, "made");
  return calibration;
}

Person person_of(const Json& json, int dimension) {
  Person person{text_of(json, "ref"), text_of(json, "name"), text_of(json, "role"), consent_of(member(json, "consent")), {}};
  if (!is_person_ref(person.ref)) throw Wrong{"ref"};
  for (const Json& shot : list_of(json, "templates")) {
    person.templates.push_back(
        {embedding_of(text_of(shot, "embedding"), dimension), quality_of(member(shot, "quality")), time_of(shot, "taken")});
  }
  if (person.templates.empty()) throw Wrong{"templates"};
  return person;
}

Gallery gallery_of(const Json& json) {
  Gallery gallery;
  gallery.facility = text_of(json, "facility");
  gallery.version = count_of(json, "version");
  gallery.embedder = text_of(json, "embedder");
  gallery.embedder_digest = text_of(json, "embedder_digest");
  const std::uint64_t dimension = count_of(json, "dimension");
  if (dimension > 4096) throw Wrong{"dimension"};
  gallery.dimension = static_cast<int>(dimension);
  for (const Json& person : list_of(json, "people")) {
    if (gallery.dimension == 0) throw Wrong{"dimension"};
    gallery.people.push_back(person_of(person, gallery.dimension));
    const std::size_t count = gallery.people.size();
    if (count > 1 && gallery.people[count - 2].ref >= gallery.people[count - 1].ref) throw Wrong{"ref"};
  }
  if (json.contains("calibration")) gallery.calibration = calibration_of(json["calibration"]);
  for (const Json& change : list_of(json, "history")) {
    gallery.history.push_back(
        {count_of(change, "version"), time_of(change, "time"), text_of(change, "by"), text_of(change, "what"), text_of(change, "ref")});
  }
  return gallery;
}

}  // namespace

std::string embedding_text(const std::vector<float>& embedding) {
  const std::size_t bytes = embedding.size() * sizeof(float);
  std::string text(sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(embedding.data()), bytes,
                    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  text.resize(std::strlen(text.c_str()));
  return text;
}

Json deciding_content(const Gallery& gallery) {
  Json people = Json::array();
  for (const Person& person : gallery.people) {
    Json shots = Json::array();
    for (const Template& shot : person.templates) shots.push_back(embedding_text(shot.embedding));
    people.push_back({{"ref", person.ref}, {"consent", to_json(person.consent)}, {"templates", std::move(shots)}});
  }
  Json json{{"embedder", gallery.embedder},
            {"embedder_digest", gallery.embedder_digest},
            {"dimension", gallery.dimension},
            {"people", std::move(people)}};
  if (gallery.calibration) json["calibration"] = to_json(*gallery.calibration);
  return json;
}

std::string to_text(const Gallery& gallery) {
  Json people = Json::array();
  for (const Person& person : gallery.people) {
    Json shots = Json::array();
    for (const Template& shot : person.templates) {
      shots.push_back(
          {{"embedding", embedding_text(shot.embedding)}, {"quality", to_json(shot.quality)}, {"taken", format_utc(shot.taken)}});
    }
    people.push_back({{"ref", person.ref},
                      {"name", person.name},
                      {"role", person.role},
                      {"consent", to_json(person.consent)},
                      {"templates", std::move(shots)}});
  }
  Json history = Json::array();
  for (const Change& change : gallery.history) {
    history.push_back(
        {{"version", change.version}, {"time", format_utc(change.time)}, {"by", change.by}, {"what", change.what}, {"ref", change.ref}});
  }
  Json json{{"facility", gallery.facility},   {"version", gallery.version},
            {"embedder", gallery.embedder},   {"embedder_digest", gallery.embedder_digest},
            {"dimension", gallery.dimension}, {"people", std::move(people)},
            {"history", std::move(history)}};
  if (gallery.calibration) json["calibration"] = to_json(*gallery.calibration);
  return canonical_json(json);
}

Result<Gallery> from_text(std::string_view text) {
  auto json = parse_json(text, kMostContentBytes);
  // Its message might quote what it could not read.
  if (!json) return fail(ErrorKind::kCorrupt, "the content is no JSON");
  try {
    return gallery_of(*json);
  } catch (const Wrong& wrong) {
    return fail(ErrorKind::kCorrupt, fmt::format("the content's \"{}\" is missing or wrong", wrong.where));
  }
}

}  // namespace kanhu::gallery
