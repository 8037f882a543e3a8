// SPDX-License-Identifier: MIT
#include "daemon/supervise/assignments.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "config/secrets.hpp"

namespace kanhu {
namespace {

// A camera whose session ends is given time to notice before the next one begins: many serve one viewer and answer 453.
constexpr auto kGoodbye = std::chrono::seconds(1);

// The path behind file:// or v4l2://; empty: no file of this machine.
std::string path_of(const std::string& url) {
  for (const std::string_view scheme : {"file://", "v4l2://"})
    if (url.starts_with(scheme)) return url.substr(scheme.size());
  return {};
}

}  // namespace

std::vector<std::string> files_of(const CameraConfig& camera) {
  std::vector<std::string> files;
  for (const auto& stream : {camera.main, camera.sub}) {
    std::string path = stream ? path_of(stream->url) : std::string();
    if (!path.empty()) files.push_back(std::move(path));
  }
  return files;
}

std::set<StreamRole> sessions_of(const CameraConfig& camera) {
  std::set<StreamRole> sessions{session_role(camera, camera.analyze)};
  if (camera.record) sessions.insert(session_role(camera, *camera.record));
  return sessions;
}

Assignments::Assignments(Workers& workers, const Clock& clock, int sources_per_worker, Upcalls upcalls)
    : workers_(workers), clock_(clock), sources_per_worker_(sources_per_worker), upcalls_(std::move(upcalls)), reconnects_(random_u64) {}

relay::Assign Assignments::assignment(const FacilityConfig& facility, const CameraConfig& camera) {
  relay::Assign assign;
  assign.facility = facility.id;
  assign.camera = camera;
  assign.is_private = watches_private_zone(facility, camera);
  for (const Error& missing : read_secrets(assign)) log::error("control", "camera {}: {}", camera.id, missing.message);
  return assign;
}

std::vector<Error> Assignments::read_secrets(relay::Assign& assign) {
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

Result<std::size_t> Assignments::worker_with_room(const relay::Assign& assign) {
  std::map<std::size_t, int> load;
  std::map<std::size_t, int> here;
  for (const auto& [id, placed] : placed_) {
    ++load[placed.worker];
    if (placed.assign.facility == assign.facility) ++here[placed.worker];
  }
  const std::vector<std::string> files = files_of(assign.camera);
  const auto may_read = [&](std::size_t worker) {
    return sources_per_worker_ == 0 ||
           std::all_of(files.begin(), files.end(), [&](const std::string& file) { return files_[worker].contains(file); });
  };
  // The worker that has most of this site, then any with room: one dying worker blinds few sites.
  std::optional<std::size_t> best;
  for (std::size_t worker = 0; worker < workers_started_; ++worker) {
    if (alone_.contains(worker) || retired_.contains(worker) || !may_read(worker)) continue;
    if (sources_per_worker_ > 0 && load[worker] >= sources_per_worker_) continue;
    if (!best || here[worker] > here[*best]) best = worker;
  }
  if (best) return *best;
  return start_worker(files.empty() ? files : files_to_come_);
}

Result<std::size_t> Assignments::start_worker(std::vector<std::string> files) {
  auto started = workers_.start(files);
  if (!started) return started;
  workers_started_ = std::max(workers_started_, *started + 1);
  retired_.erase(*started);
  began_[*started] = clock_.mono();
  files_[*started] = std::set<std::string>(files.begin(), files.end());
  return started;
}

void Assignments::place(relay::Assign assign, std::size_t worker, std::chrono::nanoseconds after) {
  const std::string camera = assign.camera.id;
  for (StreamRole role : sessions_of(assign.camera)) reconnects_.add({camera, role}, assign.facility, clock_.mono(), after);
  (void)workers_.send(worker, assign);
  placed_[camera] = {std::move(assign), worker};
}

void Assignments::remove(const std::string& camera) {
  auto found = placed_.find(camera);
  if (found == placed_.end()) return;
  (void)workers_.send(found->second.worker, relay::Release{camera});
  reconnects_.remove(camera);
  placed_.erase(found);
}

Result<void> Assignments::begin(const Config& config) {
  secrets_dir_ = config.gateway.secrets_dir;
  use_files(config);
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!camera.enabled || camera.sensor) continue;
      relay::Assign assign = assignment(facility, camera);
      auto worker = worker_with_room(assign);
      if (!worker) return tl::make_unexpected(worker.error());
      place(std::move(assign), *worker);
    }
  }
  return {};
}

// Those that are read from files share workers: one that is started for any of them may read all of this configuration's.
void Assignments::use_files(const Config& config) {
  files_to_come_.clear();
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!camera.enabled || camera.sensor) continue;
      for (std::string& file : files_of(camera)) files_to_come_.push_back(std::move(file));
    }
  }
}

Assignments::Changes Assignments::change(const Config& config) {
  Changes changes;
  use_files(config);
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
  for (const std::string& id : gone) {
    if (const auto found = placed_.find(id); found != placed_.end()) {
      const std::size_t worker = found->second.worker;
      remove(id);
      end_alone(worker);
    }
  }
  for (const auto& [id, assign] : apart_) {
    if (!wanted.contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) apart_.erase(id), quarantine_.forget(id);
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
      if (old.camera == assign.camera && old.credentials == assign.credentials && old.facility == assign.facility &&
          old.is_private == assign.is_private)
        continue;
      std::size_t worker = found->second.worker;
      const std::vector<std::string> files = files_of(assign.camera);
      const bool may_read = std::all_of(files.begin(), files.end(), [&](const std::string& file) { return files_[worker].contains(file); });
      remove(id);
      if (!may_read && sources_per_worker_ > 0) {
        end_alone(worker);
        if (auto other = worker_with_room(assign)) worker = *other;
      }
      place(std::move(assign), worker, kGoodbye);
      ++changes.changed;
      continue;
    }
    if (apart_.contains(id)) {
      if (stays_apart(id, assign)) continue;
      apart_.erase(id);
      ++changes.changed;
      if (quarantine_.changed(id, clock_.mono()) && try_alone(assign)) continue;
    }
    auto worker = worker_with_room(assign);
    if (!worker) {
      log::error("control", "camera {}: {}", id, worker.error().message);
      continue;
    }
    place(std::move(assign), *worker);
    ++changes.added;
  }
  return changes;
}

void Assignments::handle(const Note& note) {
  std::visit(Overloaded{
                 [&](const relay::SourceConnected& connected) {
                   reconnects_.connected({connected.camera, connected.role});
                 },
                 [&](const relay::SourceUp& up) {
                   reconnects_.up({up.camera, up.role}, clock_.mono());
                 },
                 [&](const relay::SourceEnded& ended) { note_end(ended); },
                 [&](const WorkerGone& gone) { replace(gone); },
                 [&](const ClipRequest& request) {
                   const auto found = placed_.find(request.source);
                   if (found == placed_.end() || !workers_.send(found->second.worker, relay::AskClip{request}))
                     upcalls_.unanswered(request);
                 },
                 [&](const relay::AskPicture& ask) { ask_picture(ask); },
             },
             note);
}

void Assignments::note_end(const relay::SourceEnded& ended) {
  const MonoTime now = clock_.mono();
  const Reconnects::Key key{ended.camera, ended.role};
  reconnects_.ended(key, ended.why.kind, now);
  const auto view = reconnects_.view(key);
  if (view.hourly && ended.why.kind == ErrorKind::kUnauthorized) {
    log::error("control",
               "camera {} ({}): refused {} times; tried again once an hour, and at once when its secret or configuration changes and is "
               "reloaded",
               ended.camera, to_string(ended.role), view.refusals);
  } else if (view.next) {
    log::info("control", "camera {} ({}): {}; next try in {:.1f} s", ended.camera, to_string(ended.role), ended.why.message,
              to_seconds(*view.next - now));
  }
}

void Assignments::replace(const WorkerGone& gone) {
  const MonoTime now = clock_.mono();
  std::vector<std::string> cameras;
  for (const auto& [id, placed] : placed_) {
    if (placed.worker != gone.worker) continue;
    cameras.push_back(id);
    for (StreamRole role : sessions_of(placed.assign.camera)) reconnects_.orphaned({id, role}, now);
  }
  upcalls_.gone(gone, cameras);
  take_apart(gone, cameras, now);
}

// Of a clip whose camera is no longer configured any worker can make one. A worker that does not read is not waited for.
void Assignments::ask_picture(const relay::AskPicture& ask) {
  const auto found = placed_.find(ask.camera);
  if (found == placed_.end() && (ask.clip.empty() || workers_started_ == 0))
    return upcalls_.no_picture(ask, {ErrorKind::kUnreachable, fmt::format("no worker has camera {} now; ask again", ask.camera)});
  const auto sent = workers_.try_send(found == placed_.end() ? 0 : found->second.worker, ask);
  if (!sent) upcalls_.no_picture(ask, sent.error());
}

void Assignments::assign_again(std::size_t worker) {
  for (const auto& [id, placed] : placed_) {
    if (placed.worker == worker) (void)workers_.send(worker, placed.assign);
  }
}

void Assignments::turn(std::chrono::milliseconds patience) {
  if (auto note = notes_.pop_for(patience)) handle(*note);
  for (const Note& note : notes_.drain(256)) handle(note);
  for (std::size_t worker : workers_.watch()) {
    began_[worker] = clock_.mono();
    assign_again(worker);
  }
  look_at_quarantine(clock_.mono());
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
