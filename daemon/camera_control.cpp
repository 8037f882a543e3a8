#include "daemon/camera_control.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "config/secrets.hpp"

namespace kanhu {
namespace {

// A camera whose session ends is given time to notice before the next one begins: many serve one viewer and answer 453.
constexpr auto kGoodbye = std::chrono::seconds(1);

std::set<StreamRole> sessions_of(const CameraConfig& camera) {
  std::set<StreamRole> sessions{session_role(camera, camera.analyze)};
  if (camera.record) sessions.insert(session_role(camera, *camera.record));
  return sessions;
}

}  // namespace

CameraControl::CameraControl(Workers& workers, const Clock& clock, int sources_per_worker, Upcalls upcalls)
    : workers_(workers), clock_(clock), sources_per_worker_(sources_per_worker), upcalls_(std::move(upcalls)), reconnects_(random_u64) {}

relay::Assign CameraControl::assignment(const FacilityConfig& facility, const CameraConfig& camera) {
  relay::Assign assign;
  assign.facility = facility.id;
  assign.camera = camera;
  for (const Error& missing : read_secrets(assign)) log::error("control", "camera {}: {}", camera.id, missing.message);
  return assign;
}

std::vector<Error> CameraControl::read_secrets(relay::Assign& assign) {
  std::vector<Error> missing;
  for (StreamRole role : sessions_of(assign.camera)) {
    const std::string& name = stream_for(assign.camera, role)->credential;
    if (name.empty() || assign.credentials.contains(name)) continue;
    if (auto secret = load_secret(name, secrets_dir_)) {
      assign.credentials[name] = std::move(*secret);
    } else {
      missing.push_back(secret.error());
    }
  }
  return missing;
}

Result<std::size_t> CameraControl::worker_with_room(const std::string& facility) {
  std::map<std::size_t, int> load;
  std::map<std::size_t, int> here;
  for (const auto& [id, placed] : placed_) {
    ++load[placed.worker];
    if (placed.assign.facility == facility) ++here[placed.worker];
  }
  // The worker that has most of this site, then any with room: one dying worker blinds few sites.
  std::optional<std::size_t> best;
  for (std::size_t worker = 0; worker < workers_started_; ++worker) {
    if (sources_per_worker_ > 0 && load[worker] >= sources_per_worker_) continue;
    if (!best || here[worker] > here[*best]) best = worker;
  }
  if (best) return *best;
  auto started = workers_.start();
  if (started) workers_started_ = *started + 1;
  return started;
}

void CameraControl::place(relay::Assign assign, std::size_t worker, std::chrono::nanoseconds after) {
  const std::string camera = assign.camera.id;
  for (StreamRole role : sessions_of(assign.camera)) reconnects_.add({camera, role}, assign.facility, clock_.mono(), after);
  (void)workers_.send(worker, assign);
  placed_[camera] = {std::move(assign), worker};
}

void CameraControl::remove(const std::string& camera) {
  auto found = placed_.find(camera);
  if (found == placed_.end()) return;
  (void)workers_.send(found->second.worker, relay::Release{camera});
  reconnects_.remove(camera);
  placed_.erase(found);
}

Result<void> CameraControl::begin(const Config& config) {
  secrets_dir_ = config.gateway.secrets_dir;
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!camera.enabled || camera.sensor) continue;
      auto worker = worker_with_room(facility.id);
      if (!worker) return tl::make_unexpected(worker.error());
      place(assignment(facility, camera), *worker);
    }
  }
  return {};
}

CameraControl::Changes CameraControl::change(const Config& config) {
  Changes changes;
  std::map<std::string, relay::Assign> wanted;
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (camera.enabled && !camera.sensor) wanted[camera.id] = assignment(facility, camera);
    }
  }
  std::vector<std::string> gone;
  for (const auto& [id, placed] : placed_) {
    if (!wanted.contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) remove(id);
  changes.removed = static_cast<int>(gone.size());
  changes.removed_cameras = gone;

  for (auto& [id, assign] : wanted) {
    auto found = placed_.find(id);
    if (found != placed_.end()) {
      const relay::Assign& old = found->second.assign;
      // A secret that cannot be read just now does not take down a camera that runs with it.
      if (old.camera == assign.camera) {
        for (const auto& [name, secret] : old.credentials) assign.credentials.try_emplace(name, secret);
      }
      if (old.camera == assign.camera && old.credentials == assign.credentials && old.facility == assign.facility) continue;
      const std::size_t worker = found->second.worker;
      remove(id);
      place(std::move(assign), worker, kGoodbye);
      ++changes.changed;
      continue;
    }
    auto worker = worker_with_room(assign.facility);
    if (!worker) {
      log::error("control", "camera {}: {}", id, worker.error().message);
      continue;
    }
    place(std::move(assign), *worker);
    ++changes.added;
  }
  return changes;
}

void CameraControl::handle(const Note& note) {
  const MonoTime now = clock_.mono();
  if (const auto* up = std::get_if<relay::SourceUp>(&note)) {
    reconnects_.up({up->camera, up->role}, now);
  } else if (const auto* ended = std::get_if<relay::SourceEnded>(&note)) {
    const Reconnects::Key key{ended->camera, ended->role};
    reconnects_.ended(key, ended->why.kind, now);
    const auto view = reconnects_.view(key);
    if (view.given_up) {
      log::error("control", "camera {} ({}): refused {} times; not tried again until its secret or configuration changes and is reloaded",
                 ended->camera, to_string(ended->role), view.refusals);
    } else if (view.next) {
      log::info("control", "camera {} ({}): {}; next try in {:.1f} s", ended->camera, to_string(ended->role), ended->why.message,
                to_seconds(*view.next - now));
    }
  } else if (const auto* gone = std::get_if<WorkerGone>(&note)) {
    std::vector<std::string> cameras;
    for (const auto& [id, placed] : placed_) {
      if (placed.worker != gone->worker) continue;
      cameras.push_back(id);
      for (StreamRole role : sessions_of(placed.assign.camera)) reconnects_.orphaned({id, role}, now);
    }
    upcalls_.gone(*gone, cameras);
  } else if (const auto* request = std::get_if<ClipRequest>(&note)) {
    auto found = placed_.find(request->source);
    if (found == placed_.end() || !workers_.send(found->second.worker, relay::AskClip{*request})) upcalls_.unanswered(*request);
  } else if (const auto* ask = std::get_if<relay::AskPicture>(&note)) {
    ask_picture(*ask);
  }
}

// Of a clip whose camera is no longer configured any worker can make one. A worker that does not read is not waited for.
void CameraControl::ask_picture(const relay::AskPicture& ask) {
  const auto found = placed_.find(ask.camera);
  if (found == placed_.end() && (ask.clip.empty() || workers_started_ == 0))
    return upcalls_.no_picture(ask, {ErrorKind::kUnreachable, fmt::format("no worker has camera {} now; ask again", ask.camera)});
  const auto sent = workers_.try_send(found == placed_.end() ? 0 : found->second.worker, ask);
  if (!sent) upcalls_.no_picture(ask, sent.error());
}

void CameraControl::assign_again(std::size_t worker) {
  for (const auto& [id, placed] : placed_) {
    if (placed.worker == worker) (void)workers_.send(worker, placed.assign);
  }
}

void CameraControl::turn(std::chrono::milliseconds patience) {
  if (auto note = notes_.pop_for(patience)) handle(*note);
  for (const Note& note : notes_.drain(256)) handle(note);
  for (std::size_t worker : workers_.watch()) assign_again(worker);
  for (const auto& [camera, role] : reconnects_.take_due(clock_.mono())) {
    Placed& placed = placed_.at(camera);
    // A secret that was missing may be there by now.
    const std::size_t had = placed.assign.credentials.size();
    (void)read_secrets(placed.assign);
    if (placed.assign.credentials.size() > had) {
      (void)workers_.send(placed.worker, relay::Release{camera});
      (void)workers_.send(placed.worker, placed.assign);
    }
    if (!workers_.send(placed.worker, relay::Open{camera, role})) reconnects_.orphaned({camera, role}, clock_.mono());
  }
}

}  // namespace kanhu
