// SPDX-License-Identifier: MIT
#include "daemon/provenance.hpp"

#include <algorithm>
#include <map>
#include <thread>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "daemon/admin/gallery_reload.hpp"
#include "daemon/build_info.hpp"
#include "models/detector.hpp"
#include "models/registry.hpp"

namespace kanhu {

rules::Provenance provenance_of(const Config& config) {
  const auto path = models::model_search_path(config.gateway.models_dir);
  std::map<std::string, std::string> digests;  // by configured name
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (digests.contains(camera.detector.name)) continue;
      auto choice = models::choose_detector(camera.detector, path);
      if (!choice) {
        log::error("models", "{}", choice.error().message);
        digests[camera.detector.name] = "none";
        continue;
      }
      if (!choice->notice.empty()) log::warning("models", "{}", choice->notice);
      digests[camera.detector.name] = models::digest_of(*choice);
    }
  }
  const bool compares = std::any_of(config.facilities.begin(), config.facilities.end(), [](const FacilityConfig& facility) {
    return std::any_of(facility.cameras.begin(), facility.cameras.end(), [](const CameraConfig& camera) { return camera.faces.recognize; });
  });
  if (compares) {
    const auto embedder = embedder_in_use(path);
    digests["face embedder"] = embedder ? embedder->digest : "none";
  }
  std::string all;
  for (const auto& [name, digest] : digests) all += name + "=" + digest + "\n";
  return {config.digest, to_hex(sha256(all)), "", provenance_build()};
}

int analysis_threads(const Config& config) {
  return config.gateway.analysis_threads > 0 ? config.gateway.analysis_threads : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace kanhu
