// SPDX-License-Identifier: MIT
#include "pipelines/rules/clip_requests.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace kanhu::rules {

namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMostDone = 200;
// Hashes and paths of this many parts fit an event of 2 KiB; the sidecar lists all of them.
constexpr std::size_t kMostParts = 4;

Json status_from(const ClipRecord& record) {
  Json clip{{"id", record.clip}, {"status", to_string(record.status)}};
  if (!record.reason.empty()) clip["reason"] = record.reason;
  if (record.status == ClipStatus::kComplete || record.status == ClipStatus::kPartial) {
    clip["start"] = format_utc(record.from);
    clip["end"] = format_utc(record.to);
    clip["bytes"] = record.bytes;
    const auto most = [](const std::vector<std::string>& all) {
      return std::vector<std::string>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kMostParts)));
    };
    if (!record.sha256.empty()) clip["sha256"] = most(record.sha256);
    if (!record.parts.empty()) clip["path"] = most(record.parts);
    if (record.parts.size() > kMostParts) clip["parts"] = record.parts.size();
  }
  return clip;
}

Json pending_status(const Clip& clip) {
  return Json{{"id", clip.request.clip},
              {"status", to_string(ClipStatus::kPending)},
              {"start", format_utc(clip.request.from)},
              {"end", format_utc(clip.request.to)}};
}

}  // namespace

Json ClipRequests::flag(const CameraConfig& camera, const std::string& facility, std::string_view type, const std::string& subject,
                        const Stamp& stamp, bool lasting, WallTime waited) {
  const ClipConfig& config = camera.clips;
  if (std::find(config.on.begin(), config.on.end(), type) == config.on.end()) return nullptr;
  if (!camera.record) return Json{{"status", to_string(ClipStatus::kMissing)}, {"reason", "not_recorded"}};
  for (const std::string& id : running_[camera.id]) {
    Clip& clip = live_.at(id);
    // A clip never goes on into another connection, nor past its longest length.
    const WallTime now_there = stamp.arrived + clip.request.offset, to = now_there + config.post_roll;
    if (clip.request.run != stamp.run || clip.wanted < now_there - config.pre_roll || to > clip.limit) continue;
    clip.subjects.push_back({subject, lasting});
    by_subject_[subject] = id;
    clip.wanted = std::max(clip.wanted, to);
    clip.joined = subject;
    request(clip, clip.wanted);
    return pending_status(clip);
  }

  const WallTime from = stamp.time - config.pre_roll, to = stamp.time + config.post_roll;
  const std::string id = content_id({"clip", camera.id, "", stamp.run, subject, "0"});
  Clip& clip = live_[id];
  clip.request = ClipRequest{id,
                             subject,
                             facility,
                             camera.id,
                             stamp.run,
                             from,
                             to,
                             stamp.clock.value_or(ClockSource::kArrival),
                             std::chrono::duration_cast<std::chrono::microseconds>(stamp.time - stamp.arrived)};
  clip.limit = std::max(from + config.longest, to);
  clip.post_roll = config.post_roll;
  clip.wanted = to;
  clip.deadline = waited + config.longest + config.post_roll + kPatience;
  clip.subjects.push_back({subject, lasting});
  by_subject_[subject] = id;
  running_[camera.id].push_back(id);
  request(clip, to);
  clip.status = pending_status(clip);
  return clip.status;
}

void ClipRequests::request(Clip& clip, WallTime to) {
  clip.request.to = std::max(clip.request.to, to);
  clip.asked = true;
  ClipRequest asked = clip.request;
  if (!clip.joined.empty()) asked.subject = std::exchange(clip.joined, "");
  outbox_.push_back(std::move(asked));
}

void ClipRequests::send_requests() {
  for (ClipRequest& asked : std::exchange(outbox_, {})) sink_.request_clip(std::move(asked));
}

void ClipRequests::advance(const std::string& source, WallTime now) {
  const auto found = running_.find(source);
  if (found == running_.end()) return;
  for (const std::string& id : found->second) {
    Clip& clip = live_.at(id);
    const bool lasting = std::any_of(clip.subjects.begin(), clip.subjects.end(), [](const auto& each) { return each.lasting; });
    if (!lasting) continue;
    clip.wanted = std::max(clip.wanted, std::min(clip.limit, now + clip.request.offset + clip.post_roll));
    const bool at_limit = clip.wanted == clip.limit && clip.request.to < clip.limit;
    if (at_limit || clip.wanted - clip.request.to >= std::chrono::seconds(1)) request(clip, clip.wanted);
  }
  send_requests();
}

void ClipRequests::ended(const std::string& subject, WallTime arrived) {
  const auto found = by_subject_.find(subject);
  if (found == by_subject_.end()) return;
  Clip& clip = live_.at(found->second);
  for (Clip::Subject& each : clip.subjects) {
    if (each.subject == subject) each.lasting = false;
  }
  clip.wanted = std::max(clip.wanted, std::min(clip.limit, arrived + clip.request.offset + clip.post_roll));
  if (clip.wanted > clip.request.to) request(clip, clip.wanted);
}

Clip* ClipRequests::finish(const std::string& id, Json status, WallTime waited) {
  const auto found = live_.find(id);
  if (found == live_.end()) return nullptr;
  Clip clip = std::move(found->second);
  live_.erase(found);
  auto& running = running_[clip.request.source];
  running.erase(std::remove(running.begin(), running.end(), id), running.end());
  if (running.empty()) running_.erase(clip.request.source);
  for (const Clip::Subject& each : clip.subjects) by_subject_.erase(each.subject);
  clip.status = std::move(status);
  clip.settled = waited;
  done_.push_back(std::move(clip));
  if (done_.size() > kMostDone) done_.pop_front();
  return &done_.back();
}

const Clip* ClipRequests::settle(const ClipRecord& record, WallTime waited) {
  if (record.status == ClipStatus::kPending) return nullptr;
  Json status = status_from(record);
  if (live_.count(record.clip) != 0) return finish(record.clip, std::move(status), waited);
  // A late answer corrects an earlier word: the latest journalled status is the truth.
  for (Clip& clip : done_) {
    if (clip.request.clip != record.clip || clip.status == status) continue;
    // A recorder that never had the clip (a restarted worker, asked to extend it) does not undo what is on disk.
    if (record.status == ClipStatus::kMissing && clip.status.contains("path")) return nullptr;
    clip.status = std::move(status);
    clip.settled = waited;
    return &clip;
  }
  return nullptr;
}

std::vector<const Clip*> ClipRequests::expire(WallTime waited) {
  std::vector<std::string> late;
  for (const auto& [id, clip] : live_) {
    if (waited >= clip.deadline) late.push_back(id);
  }
  if (late.size() > kMostDone) late.resize(kMostDone);  // the rest follows with the next second
  for (const std::string& id : late) {
    finish(id, Json{{"id", id}, {"status", to_string(ClipStatus::kMissing)}, {"reason", "no_answer"}}, waited);
  }
  std::vector<const Clip*> finished;
  for (std::size_t i = done_.size() - late.size(); i < done_.size(); ++i) finished.push_back(&done_[i]);
  return finished;
}

Json ClipRequests::status_of(const Json& clip) const {
  const std::string id = clip.value("id", "");
  if (const auto found = live_.find(id); found != live_.end()) return pending_status(found->second);
  const auto done = std::find_if(done_.rbegin(), done_.rend(), [&](const Clip& each) { return each.request.clip == id; });
  return done == done_.rend() ? clip : done->status;
}

std::vector<ClipRequest> ClipRequests::pending() const {
  std::vector<ClipRequest> requests;
  for (const auto& [id, clip] : live_) requests.push_back(clip.request);
  return requests;
}

}  // namespace kanhu::rules
