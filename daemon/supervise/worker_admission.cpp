// SPDX-License-Identifier: MIT
#include "daemon/supervise/worker_admission.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/text.hpp"
#include "daemon/supervise/message_bounds.hpp"
#include "models/images/jpeg_writer.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu {
namespace {

using Verdict = WorkerAdmission::Verdict;

// An honest worker says a third of this at its worst: 256 people in one picture, told once a second, and shots of their faces. What a
// gateway that stood still finds waiting is bounded by the socket, about 1,300 messages.
constexpr Rate kObservations{600, 6000};               // of one camera
constexpr Rate kObservationBytes{512 << 10, 8 << 20};  // of one camera
constexpr Rate kStats{3, 120};                         // of one camera; one a second is said
constexpr Rate kBeats{3, 120};
constexpr Rate kTracks{20, 600};  // begun, of one camera: more people do not come in, and each is two events
constexpr Rate kGarbage{1.0 / 60, 10};
constexpr Rate kLines{1, 200};
constexpr Rate kLineBytes{256, 64 << 10};  // 1 MB an hour
constexpr std::size_t kMostLine = 1000;    // bytes
constexpr auto kLeftOutEvery = std::chrono::minutes(1);

constexpr std::size_t kMostClips = 8192;            // remembered; each is 200 bytes
constexpr auto kClipApart = std::chrono::hours(1);  // from what was asked: as long as the longest clip
constexpr std::size_t kMostPictures = 256;          // remembered; eight are open at a time
constexpr int kMostClipParts = 10'000;              // as the recorder numbers them
constexpr std::size_t kPartOverhead = 256;
constexpr std::size_t kMostPictureBytes = models::kMostJpegBytes + 200 * kPartOverhead;
constexpr std::size_t kMostTracks = 4096;             // of one camera and run, at once
constexpr auto kMostLead = std::chrono::seconds(15);  // of an observation: a camera's clock is believed within 5 s
constexpr auto kMostLag = std::chrono::hours(1);

// The folders a worker's lines come from.
constexpr std::string_view kAreas[] = {"analyze", "base",      "config", "daemon", "glib",  "gstreamer", "ingest", "media",
                                       "models",  "pipelines", "record", "relay",  "sense", "stderr",    "worker"};

WorkerAdmission::Answer taken() { return {}; }
WorkerAdmission::Answer leave_out() { return {Verdict::kLeaveOut, {}}; }
WorkerAdmission::Answer kill(std::string why) { return {Verdict::kKill, std::move(why)}; }

WorkerAdmission::Answer not_its_own(const char* what, const std::string& camera) {
  return kill(fmt::format("spoke for a camera that is not its own ({} of {})", what, kanhu::quoted(camera, 40)));
}

std::string name_of(const Observation& observation) {
  struct Name {
    std::string operator()(const TickObservation&) const { return "a tick"; }
    std::string operator()(const HealthObservation&) const { return "a state"; }
    std::string operator()(const TrackObservation&) const { return "a track"; }
    std::string operator()(const PresenceObservation&) const { return "a presence"; }
    std::string operator()(const FaceShotObservation&) const { return "a face"; }
    std::string operator()(const IdentityObservation&) const { return "an identity"; }
    std::string operator()(const ThermalObservation&) const { return "a picture of warmth"; }
    std::string operator()(const ContactObservation&) const { return "a contact"; }
  };
  return std::visit(Name{}, observation.body);
}

}  // namespace

bool WorkerAdmission::Bucket::take(double wanted, MonoTime now) {
  tokens = at ? std::min(rate.burst, tokens + rate.per_second * std::max(0.0, to_seconds(now - *at))) : rate.burst;
  at = now;
  if (tokens < wanted) return false;
  tokens -= wanted;
  return true;
}

void WorkerAdmission::told(const relay::Message& message) {
  std::scoped_lock lock(mutex_);
  std::visit(Overloaded{
                 [&](const relay::Assign& assign) { grant(assign); },
                 [&](const relay::Release& release) {
                   if (const auto found = cameras_.find(release.camera); found != cameras_.end()) withdraw(found->second);
                 },
                 [&](const relay::Open& open) {
                   if (const auto found = cameras_.find(open.camera); found != cameras_.end())
                     ++found->second.opened[static_cast<std::size_t>(open.role)];
                 },
                 [&](const relay::AskClip& clip) { remember(clip.request); },
                 [&](const relay::AskPicture& picture) {
                   pictures_.push_back({picture.id});
                   if (pictures_.size() > kMostPictures) pictures_.pop_front();
                 },
                 [&](const relay::Task&) { ++tasks_; },
                 [&](const relay::SensorsRound&) { ++rounds_; },
                 // Give a worker nothing to speak of.
                 [](const OneOf<relay::Hello, relay::Setup, relay::Drain, relay::BrokerState, relay::SensorMessage> auto&) {},
                 [](const relay::OnlyToGateway auto&) {},
             },
             message);
}

// With mutex_ held.
void WorkerAdmission::remember(const ClipRequest& request) {
  const auto [asked, is_new] = clips_.try_emplace(request.clip, AskedClip{request});
  if (is_new) clip_order_.push_back(request.clip);
  asked->second.request.to = std::max(asked->second.request.to, request.to);
  ++asked->second.open;
  if (clip_order_.size() <= kMostClips) return;
  clips_.erase(clip_order_.front());
  clip_order_.pop_front();
  forgot_clips_ = true;
}

// With mutex_ held.
void WorkerAdmission::grant(const relay::Assign& assign) {
  const auto [found, is_new] = cameras_.try_emplace(assign.camera.id);
  Camera& camera = found->second;
  if (is_new) {
    camera.observations.rate = kObservations;
    camera.bytes.rate = kObservationBytes;
    camera.stats.rate = kStats;
    camera.starts.rate = kTracks;
  }
  withdraw(camera);
  camera.now = grant_of(assign);
}

void WorkerAdmission::withdraw(Camera& camera) {
  camera.before.add(std::exchange(camera.now, WorkerGrant{}));
  if (!camera.run.empty()) camera.old_run = std::exchange(camera.run, {});
  camera.tracks.clear();
}

WorkerAdmission::Answer WorkerAdmission::judge(relay::Message& message, std::size_t bytes, MonoTime now, WallTime wall) {
  std::scoped_lock lock(mutex_);
  look_at_clocks(now, wall);
  return check_message(message, bytes, now, wall);
}

// With mutex_ held.
WorkerAdmission::Answer WorkerAdmission::check_message(relay::Message& message, std::size_t bytes, MonoTime now, WallTime wall) {
  return std::visit(Overloaded{
                        [&](relay::Observed& observed) { return check_observation(observed.observation, bytes, now, wall); },
                        [&](relay::CameraReport& report) { return check_stats(report, now); },
                        [&](relay::WorkerReport& beat) { return check_beat(beat, now); },
                        [&](relay::LogLine& line) { return check_line(line, bytes, now); },
                        [&](relay::SourceConnected& connected) {
                          return check_session(connected.camera, connected.role, &Camera::connected, "an answer");
                        },
                        [&](relay::SourceUp& up) {
                          if (const auto wrong = bound(up)) return kill("sent " + *wrong);
                          return check_session(up.camera, up.role, &Camera::up, "a first packet");
                        },
                        [&](relay::SourceEnded& ended) {
                          if (const auto wrong = bound(ended)) return kill("sent " + *wrong);
                          return check_session(ended.camera, ended.role, &Camera::ended, "an end");
                        },
                        [&](relay::ClipDone& clip) { return check_clip(clip.record); },
                        [&](relay::PicturePart& part) {
                          return check_picture(part.id, part.bytes.size(), part.offset + part.bytes.size() >= part.total);
                        },
                        [&](relay::PictureFailed& failed) {
                          failed.why.message = plain_text(failed.why.message, 400);
                          return check_picture(failed.id, 0, true);
                        },
                        [&](OneOf<relay::TaskMoved, relay::TaskPart, relay::TaskFailed> auto&) {
                          return tasks_ > 0 ? taken() : kill("answered what nobody asked it");
                        },
                        [&](relay::SensorsRound&) { return rounds_-- > 0 ? taken() : kill("ended a round that nobody began"); },
                        [&](relay::Hello&) { return std::exchange(greeted_, true) ? kill("greeted twice") : taken(); },
                        [](relay::OnlyToWorker auto&) { return kill("sent what only a gateway sends"); },
                    },
                    message);
}

WorkerAdmission::Answer WorkerAdmission::check_observation(Observation& observation, std::size_t bytes, MonoTime now, WallTime wall) {
  const std::string what = name_of(observation);
  const auto found = cameras_.find(observation.source);
  if (found == cameras_.end()) return not_its_own(what.c_str(), observation.source);
  Camera& camera = found->second;
  if (const auto wrong = bound(observation)) return kill(fmt::format("sent {} (camera {}, {})", *wrong, observation.source, what));
  if (!replay_ && !camera.observations.take(1, now))
    return kill(fmt::format("flooded: over {} observations a second of camera {}", kObservations.per_second, observation.source));
  if (!replay_ && !camera.bytes.take(static_cast<double>(bytes), now))
    return kill(fmt::format("flooded: over {} KiB a second of camera {}", static_cast<int>(kObservationBytes.per_second) >> 10,
                            observation.source));
  const std::string why = camera.now.refuses(observation);
  if (!why.empty()) {
    if (camera.before.refuses(observation).empty()) return leave_out();
    return kill(fmt::format("sent {} of camera {} that it may not: {}", what, observation.source, why));
  }
  if (!replay_) {
    const std::string wrong = wrong_time(observation, now, wall);
    if (!wrong.empty()) return kill(fmt::format("sent {} of camera {} {}", what, observation.source, wrong));
  }
  // For figures only: nothing arrives in the future.
  if (observation.arrival > now || observation.arrival < MonoTime{}) observation.arrival = MonoTime{};
  return check_run(camera, observation, now);
}

// Each opening begins one run at most: nobody makes up runs to end what others saw. A sensor is not opened: its broker's connections are
// its runs.
WorkerAdmission::Answer WorkerAdmission::check_run(Camera& camera, const Observation& observation, MonoTime now) {
  if (observation.run != camera.run) {
    if (observation.run == camera.old_run) return leave_out();
    if (!camera.now.sensor && camera.runs >= camera.opened[0] + camera.opened[1])
      return kill(fmt::format("spoke of a run of camera {} that nobody asked for", observation.source));
    ++camera.runs;
    camera.run = observation.run;
    camera.tracks.clear();
  }
  if (const auto* track = std::get_if<TrackObservation>(&observation.body)) return check_track(camera, *track, observation, now);
  return taken();
}

// A picture full of what looks like faces is the camera's doing, not the worker's: what is too much is left out from its start to its end.
WorkerAdmission::Answer WorkerAdmission::check_track(Camera& camera, const TrackObservation& track, const Observation& observation,
                                                     MonoTime now) {
  if (track.phase == Phase::kStart && !camera.tracks.contains(track.id)) {
    if (!replay_ && !camera.starts.take(1, now)) {
      ++tracks_left_out_;
      return leave_out();
    }
    camera.tracks.insert(track.id);
    if (camera.tracks.size() > kMostTracks)
      return kill(fmt::format("followed more than {} people at camera {}", kMostTracks, observation.source));
    return taken();
  }
  if (!camera.tracks.contains(track.id)) return leave_out();
  if (track.phase == Phase::kEnd) camera.tracks.erase(track.id);
  return taken();
}

// Within what this machine's wall clock showed while the worker lived: it may have been stepped, and the time of a run never goes back.
std::string WorkerAdmission::wrong_time(const Observation& observation, MonoTime now, WallTime wall) const {
  const auto since = now.time_since_epoch();
  const auto at = observation.time.time_since_epoch();
  const auto latest = std::max<std::chrono::nanoseconds>(since + clocks_->most, wall.time_since_epoch()) + kMostLead;
  const auto earliest = std::min<std::chrono::nanoseconds>(since + clocks_->least, wall.time_since_epoch()) - kMostLag;
  if (observation.clock == ClockSource::kFile) return "in a recording's time, which it has none of";
  if (at > latest) return "that is still to come";
  if (at < earliest) return "that is long over";
  if (const auto arrived = observation.arrived) {
    if (arrived->time_since_epoch() > latest) return "that is still to arrive";
    if (arrived->time_since_epoch() < earliest) return "that arrived long ago";
  }
  const auto* health = std::get_if<HealthObservation>(&observation.body);
  if (health != nullptr && health->last_packet && health->last_packet->time_since_epoch() > latest)
    return "with a packet that is still to come";
  if (const auto* track = std::get_if<TrackObservation>(&observation.body)) {
    const auto lived = now - began_;
    if (track->start_time > observation.time) return "that begins after it was seen";
    if (track->start_time.time_since_epoch() < earliest - lived) return "that is older than the worker";
  }
  return {};
}

void WorkerAdmission::look_at_clocks(MonoTime now, WallTime wall) {
  const std::chrono::nanoseconds offset = std::chrono::nanoseconds(wall.time_since_epoch()) - now.time_since_epoch();
  if (!clocks_) {
    clocks_ = Span{offset, offset};
    began_ = now;
  }
  clocks_->least = std::min(clocks_->least, offset);
  clocks_->most = std::max(clocks_->most, offset);
}

WorkerAdmission::Answer WorkerAdmission::check_session(const std::string& id, StreamRole role, Counts Camera::*said, const char* what) {
  const auto found = cameras_.find(id);
  if (found == cameras_.end()) return not_its_own(what, id);
  Camera& camera = found->second;
  const auto which = static_cast<std::size_t>(role);
  if (++(camera.*said)[which] > camera.opened[which])
    return kill(fmt::format("told {} of a session of camera {} that nobody opened", what, id));
  if (!camera.now.roles[which]) return leave_out();
  return taken();
}

WorkerAdmission::Answer WorkerAdmission::check_stats(relay::CameraReport& stats, MonoTime now) {
  const auto found = cameras_.find(stats.camera);
  if (found == cameras_.end()) return not_its_own("counters", stats.camera);
  if (const auto wrong = bound(stats)) return kill(fmt::format("sent {} (counters of camera {})", *wrong, stats.camera));
  if (!found->second.stats.take(1, now))
    return kill(fmt::format("flooded: over {} counters a second of camera {}", kStats.per_second, stats.camera));
  return found->second.now.given ? taken() : leave_out();
}

WorkerAdmission::Answer WorkerAdmission::check_beat(relay::WorkerReport& stats, MonoTime now) {
  beats_.rate = kBeats;
  if (!beats_.take(1, now)) return kill(fmt::format("flooded: over {} reports a second", kBeats.per_second));
  for (const auto& each : stats.at_work)
    if (!cameras_.contains(each.camera)) return not_its_own("work", each.camera);
  return taken();
}

// A clip ends after its camera was taken away, too.
WorkerAdmission::Answer WorkerAdmission::check_clip(ClipRecord& record) {
  const auto found = clips_.find(record.clip);
  if (found == clips_.end()) return forgot_clips_ ? leave_out() : kill("told of a clip that nobody asked it for");
  AskedClip& asked = found->second;
  const ClipRequest& request = asked.request;
  if (record.source != request.source || record.facility != request.facility)
    return not_its_own("a clip", record.facility + "/" + record.source);
  if (const auto wrong = bound(record)) return kill(fmt::format("sent {} (clip of camera {})", *wrong, record.source));
  // Each request is answered once at most.
  if (asked.open < 0) return kill(fmt::format("told again and again of a clip (camera {})", record.source));
  --asked.open;
  if (!replay_ && record.status != ClipStatus::kMissing && is_elsewhere(record, request)) {
    // Of an earlier life there is no knowing what the clocks were.
    if (!clocks_ || request.from - request.offset <
                        WallTime(std::chrono::duration_cast<WallTime::duration>(began_.time_since_epoch() + clocks_->least)))
      return leave_out();
    return kill(fmt::format("sent a clip of another time (camera {})", record.source));
  }
  const auto paths = record::clip_paths("", request);
  // In order; a part that came to nothing leaves its number out.
  int number = 1;
  for (const std::string& part : record.parts) {
    const auto is_part = [&] { return paths && (part == paths->part(number, "mp4") || part == paths->part(number, "mov")); };
    while (number <= kMostClipParts && !is_part()) ++number;
    if (number++ > kMostClipParts) return kill(fmt::format("named a file that is not of its clip ({})", kanhu::quoted(part, 60)));
  }
  return taken();
}

// Further from what was asked than any clip is long, and than this machine's clock was set while the worker lived.
bool WorkerAdmission::is_elsewhere(const ClipRecord& record, const ClipRequest& request) const {
  const auto slack =
      kClipApart + (clocks_ ? std::chrono::ceil<std::chrono::microseconds>(clocks_->most - clocks_->least) : std::chrono::microseconds(0));
  return record.from < request.from - slack || record.to > request.to + slack;
}

WorkerAdmission::Answer WorkerAdmission::check_picture(std::uint64_t id, std::uint64_t bytes, bool last) {
  const auto found = std::find_if(pictures_.begin(), pictures_.end(), [&](const Picture& picture) { return picture.id == id; });
  if (found == pictures_.end()) return kill("sent a picture that nobody asked it for");
  found->bytes += bytes + kPartOverhead;
  if (found->bytes > kMostPictureBytes) return kill(fmt::format("sent a picture of over {} MiB", models::kMostJpegBytes >> 20));
  return std::exchange(found->done, found->done || last) ? leave_out() : taken();
}

WorkerAdmission::Answer WorkerAdmission::check_line(relay::LogLine& line, std::size_t, MonoTime now) {
  lines_.rate = kLines;
  line_bytes_.rate = kLineBytes;
  const bool known = std::find(std::begin(kAreas), std::end(kAreas), line.area) != std::end(kAreas);
  // Who says it stands first: no worker speaks as the gateway or for another worker.
  line.text = fmt::format("worker {}: {}", worker_, plain_text(line.text, kMostLine));
  line.area = known ? line.area : "worker";
  line.level = std::clamp(line.level, 0, 3);
  if (lines_.take(1, now) && line_bytes_.take(static_cast<double>(line.text.size()), now)) return taken();
  ++lines_left_out_;
  return leave_out();
}

WorkerAdmission::Answer WorkerAdmission::garbled(MonoTime now) {
  std::scoped_lock lock(mutex_);
  garbage_.rate = kGarbage;
  return garbage_.take(1, now) ? leave_out() : kill("sent what is no message, again and again");
}

std::optional<std::string> WorkerAdmission::left_out(MonoTime now) {
  std::scoped_lock lock(mutex_);
  if ((lines_left_out_ == 0 && tracks_left_out_ == 0) || (said_left_out_ && now - *said_left_out_ < kLeftOutEvery)) return std::nullopt;
  said_left_out_ = now;
  if (const auto tracks = std::exchange(tracks_left_out_, 0); tracks > 0)
    return fmt::format("worker {}: {} people or faces were left out: more than {} began a second at one camera", worker_, tracks,
                       kTracks.per_second);
  return fmt::format("worker {}: {} log lines were left out: more than {} lines or {} bytes a second", worker_,
                     std::exchange(lines_left_out_, 0), kLines.per_second, kLineBytes.per_second);
}

}  // namespace kanhu
