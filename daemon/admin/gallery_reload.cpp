// SPDX-License-Identifier: MIT
#include "daemon/admin/gallery_reload.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "config/keys.hpp"
#include "gallery/gallery_file.hpp"

namespace kanhu {

GalleryWatch::GalleryWatch(FileIo& files, std::string folder, std::string secrets_dir,
                           std::function<Result<models::EmbedderInfo>()> embedder, Upcalls upcalls)
    : files_(files),
      folder_(std::move(folder)),
      secrets_dir_(std::move(secrets_dir)),
      ask_embedder_(std::move(embedder)),
      upcalls_(std::move(upcalls)) {}

void GalleryWatch::look(const Config& config, WallTime now) {
  std::set<std::string> wanted;
  for (const FacilityConfig& facility : config.facilities) {
    const bool compares = std::any_of(facility.cameras.begin(), facility.cameras.end(),
                                      [](const CameraConfig& camera) { return camera.enabled && camera.faces.recognize; });
    if (compares) wanted.insert(facility.id);
  }
  bool changed = std::erase_if(watched_, [&](const auto& entry) { return !wanted.contains(entry.first); }) > 0;
  for (const std::string& facility : wanted) {
    const bool fresh = !watched_.contains(facility);
    Watched& watched = watched_[facility];
    const auto stamp = file_stamp(gallery::gallery_path(folder_, facility), FollowLinks::kNo);
    const bool expired = watched.next_expiry && now >= *watched.next_expiry;
    if (!fresh && stamp == watched.stamp && !expired) continue;
    watched.stamp = stamp;
    changed = read(facility, watched, now) || changed;
  }
  if (changed) {
    identify::Matchers matchers;
    for (const auto& [facility, watched] : watched_)
      if (watched.matcher) matchers[facility] = watched.matcher;
    upcalls_.use(std::move(matchers));
  }
  Json info = Json::object();
  for (const auto& [facility, watched] : watched_) {
    Json one = Json::object();
    if (watched.matcher)
      one = {{"version", watched.matcher->version()},
             {"digest", watched.matcher->digest()},
             {"people", watched.matcher->people()},
             {"threshold", round4(watched.matcher->threshold())}};
    if (!watched.refused.empty()) one["words"] = watched.refused;
    info[facility] = std::move(one);
  }
  info_.with([&](Json& held) { held = std::move(info); });
}

// True when another matcher is in force.
bool GalleryWatch::read(const std::string& facility, Watched& watched, WallTime now) {
  if (!watched.stamp) {
    const bool had = watched.matcher != nullptr;
    const std::string before = had ? watched.matcher->digest() : "";
    watched = Watched{};
    watched.refused = fmt::format("no gallery yet: kanhu gallery enroll --facility {}", facility);
    if (had) {
      log::warning("faces", "{}: the gallery is gone; nobody is compared", facility);
      upcalls_.rejected(facility, before, {ErrorKind::kNotFound, "the gallery's file is gone; nobody is compared here"});
    }
    return had;
  }
  const auto refuse = [&](const Error& why) {
    // Looked at again when the file changes, or with the next reload.
    if (watched.refused != why.message) {
      log::error("faces", "{}: the gallery cannot be used: {}", facility, why.message);
      upcalls_.rejected(facility, watched.matcher ? watched.matcher->digest() : "", why);
    }
    watched.refused = why.message;
    return false;
  };
  if (!embedder_) embedder_ = ask_embedder_();
  if (!*embedder_) return refuse(embedder_->error());
  const auto key = load_key(kGalleryKey, secrets_dir_);
  if (!key) return refuse(key.error());
  const auto read = gallery::read_gallery(files_, folder_, facility, *key);
  if (!read) return refuse(read.error());
  if (auto fits = gallery::check_embedder(*read, (*embedder_)->name, (*embedder_)->digest); !fits) return refuse(fits.error());
  watched.refused.clear();
  watched.next_expiry.reset();
  for (const gallery::Person& person : read->people) {
    if (person.consent.expires && *person.consent.expires > now)
      watched.next_expiry = std::min(watched.next_expiry.value_or(*person.consent.expires), *person.consent.expires);
  }
  const gallery::MatcherPtr before = std::exchange(watched.matcher, gallery::Matcher::make(*read, now));
  const bool same = before && before->digest() == watched.matcher->digest() && before->people() == watched.matcher->people();
  if (!same) {
    log::info("faces", "{}: gallery version {} with {} people is in force", facility, watched.matcher->version(),
              watched.matcher->people());
    upcalls_.changed(*watched.matcher);
  }
  return true;
}

Json GalleryWatch::info() const {
  return info_.with([](const Json& held) { return held; });
}

Result<models::EmbedderInfo> embedder_in_use(const std::vector<std::string>& search_path) {
  return models::describe_face_embedder(models::default_face_embedder(), search_path);
}

}  // namespace kanhu
