// SPDX-License-Identifier: MIT
// What the gateway keeps beside events: ledgers, galleries, clips, and the allow-list.
#include <utility>

#include "daemon/gateway/gateway.hpp"
#include "daemon/provenance.hpp"
#include "gallery/gallery_file.hpp"
#include "models/registry.hpp"
#include "pipelines/rules/gateway_events.hpp"

namespace kanhu {
namespace {

constexpr std::uint64_t kSeriesShare = 10;  // of the room for clips

// Retention's word on a clip the rules have long forgotten.
EventDraft clip_removed(const ClipRecord& record, const std::string& subject, WallTime now) {
  EventDraft draft;
  draft.facility = record.facility;
  draft.source = record.source;
  draft.type = "clip.updated";
  draft.subject = subject;
  draft.time = now;
  draft.data = {{"phase", to_string(Phase::kPoint)},
                {"severity", "info"},
                {"facility", {{"id", record.facility}}},
                {"camera", {{"id", record.source}}},
                {"clip", {{"id", record.clip}, {"status", to_string(record.status)}, {"reason", record.reason}}}};
  return draft;
}

}  // namespace

void Gateway::open_evidence() {
  ledger_ = std::make_unique<EvidenceLedger>(
      *files_, folder_.faces(), "faces", [this] { return EvidenceLedger::Retention{this->config()->journal.most_age}; }, clock_);
  series_ = std::make_unique<EvidenceLedger>(
      *files_, folder_.series(), "series",
      [this] {
        return config_.with([](const ConfigPtr& value) {
          return EvidenceLedger::Retention{value->storage.most_age, value->storage.most_bytes / kSeriesShare};
        });
      },
      clock_);
}

void Gateway::open_watches() {
  const ConfigPtr config = this->config();
  galleries_ = std::make_unique<GalleryWatch>(
      *files_, gallery::gallery_folder(config->gateway.data_dir), config->gateway.secrets_dir,
      [path = models::model_search_path(config->gateway.models_dir)] { return embedder_in_use(path); },
      GalleryWatch::Upcalls{[this](identify::Matchers matchers) {
                              gallery_digests_.with([&](auto& digests) {
                                digests.clear();
                                for (const auto& [facility, matcher] : matchers) digests[facility] = matcher->digest();
                              });
                              rules_->post_faces(
                                  [matchers = std::move(matchers)](identify::Identifier& identifier) { identifier.use(matchers); });
                            },
                            [this, id = config->gateway.id](const gallery::Matcher& matcher) {
                              note(rules::gateway_gallery_changed(id, clock_.wall(), matcher.facility(), matcher.version(),
                                                                  matcher.digest(), matcher.people()));
                            },
                            [this, id = config->gateway.id](const std::string& facility, const std::string& running, const Error& why) {
                              note(rules::gateway_gallery_rejected(id, clock_.wall(), facility, running, why));
                            }});
  housekeeping_ = std::make_unique<ClipHousekeeping>(
      *files_, folder_.clips(),
      ClipHousekeeping::Upcalls{[this](ClipRecord record) { on_clip(std::move(record)); },
                                [this](const ClipRecord& record, const std::vector<std::string>& subjects) {
                                  missing_clips_.note(record);
                                  return journalled([&] {
                                    for (const std::string& subject : subjects) note(clip_removed(record, subject, clock_.wall()));
                                  });
                                },
                                [this] { return this->config()->storage; }},
      clock_);
}

Result<void> Gateway::open_gate() {
  const ConfigPtr config = this->config();
  const std::string& path = config->publish.access;
  if (path.empty()) return {};
  auto gate = AccessWatch::open_gate(path, config->gateway.secrets_dir, clock_);
  if (!gate) return tl::make_unexpected(gate.error());
  gate_ = std::move(*gate);
  access_ = std::make_unique<AccessWatch>(path, *gate_, [this](const Error& why) {
    const ConfigPtr running = this->config();
    note(rules::gateway_config_rejected(running->gateway.id, clock_.wall(), running->digest, why));
  });
  return {};
}

void Gateway::look_after_access(MonoTime now) {
  if (!access_ || now - access_looked_ < std::chrono::milliseconds(250)) return;
  access_looked_ = now;
  access_->look();
}

// What was thrown somewhere is an event: who looks at events alone is told, too.
void Gateway::look_after_faults(MonoTime now) {
  for (const faults::Count& fault : faults_told_.due(faults::counts(), now))
    note(rules::gateway_fault(this->config()->gateway.id, clock_.wall(), fault.thread, fault.times, fault.words));
}

void Gateway::keep_series(rules::ThermalSeries series) { series_->record({std::move(series.digest), std::move(series.entry)}); }

}  // namespace kanhu
