// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "config/config.hpp"
#include "daemon/admin/gallery_reload.hpp"
#include "daemon/query/camera_stats.hpp"
#include "daemon/query/infrared_state.hpp"
#include "daemon/supervise/workers.hpp"
#include "evidence/ledger.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/publish/access/admission.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// What a gateway says of itself, put together from its parts.
struct InfoParts {
  const Config& config;
  const CameraStats& cameras;
  const InfraredState& infrared;
  const journal::Journal& journal;
  const journal::JournalHead& head;
  const publish::Publisher& publisher;
  const publish::Admission* admission;  // nullptr: the sockets ask for no key
  const GalleryWatch& galleries;
  const EvidenceLedger& faces;
  const std::vector<Workers::View>& workers;
  WallTime started{};
  MonoTime started_mono{};
  int cameras_enabled = 0, cameras_up = 0;
};

// `info` as docs/events.md describes it; the same figures become the metrics. Thread: any.
Json info_of(const InfoParts& parts, MonoTime now);

}  // namespace kanhu
