// SPDX-License-Identifier: MIT
// The rows of all sections. A new key of one of these structs is a member in config/config.hpp, a row here and a comment in
// config/kanhu.example.yaml.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/table/key.hpp"

namespace kanhu::table {

std::span<const Key<GatewayConfig>> keys_of(const GatewayConfig*);
std::span<const Key<PublishConfig>> keys_of(const PublishConfig*);
std::span<const Key<JournalConfig>> keys_of(const JournalConfig*);
std::span<const Key<StorageConfig>> keys_of(const StorageConfig*);
std::span<const Key<DetectorConfig>> keys_of(const DetectorConfig*);
std::span<const Key<PresenceConfig>> keys_of(const PresenceConfig*);
std::span<const Key<FacesConfig>> keys_of(const FacesConfig*);
std::span<const Key<HealthConfig>> keys_of(const HealthConfig*);
std::span<const Key<ClipConfig>> keys_of(const ClipConfig*);

// Keys that stand together, and the sections in which they stand (`facilities[].cameras[].health`).
struct Group {
  std::vector<std::string> at;
  std::vector<KeyText> keys;
};

// Every key of the configuration.
std::vector<Group> groups();

}  // namespace kanhu::table
