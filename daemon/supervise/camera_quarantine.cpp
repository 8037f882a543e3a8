// SPDX-License-Identifier: MIT
// Assignments's part with cameras that kill workers.
#include <utility>

#include "base/log.hpp"
#include "daemon/supervise/assignments.hpp"

namespace kanhu {
namespace {

// As for a camera whose configuration changed: many serve one viewer at a time.
constexpr auto kGoesOver = std::chrono::seconds(1);

}  // namespace

void Assignments::take_apart(const WorkerGone& gone, const std::vector<std::string>& cameras, MonoTime now) {
  const auto began = began_.find(gone.worker);
  const auto lived = began == began_.end() ? std::chrono::nanoseconds(0) : now - began->second;
  if (cameras.empty() || sources_per_worker_ == 0 || gone.cause == Workers::kWasStopped) return;
  const auto verdict = quarantine_.died(cameras, gone.cause, lived, now);
  if (!verdict.alone.empty() && cameras.size() > 1)
    log::error("control",
               "worker {} died a second time within an hour: its {} cameras run one a process until it is known which of them does it",
               gone.worker, cameras.size());
  for (const std::string& camera : verdict.alone) {
    if (cameras.size() == 1) {
      alone_.insert(gone.worker);
      continue;
    }
    auto worker = start_worker(files_of(placed_.at(camera).assign.camera));
    if (!worker) {
      log::error("control", "camera {}: {}", camera, worker.error().message);
      continue;
    }
    alone_.insert(*worker);
    move(camera, *worker, {});
  }
  if (!verdict.quarantined) return;
  const std::string& camera = *verdict.quarantined;
  log::error("control", "camera {}: {}", camera, verdict.words);
  apart_[camera] = std::move(placed_.at(camera).assign);
  placed_.erase(camera);
  reconnects_.remove(camera);
  end_alone(gone.worker);
  upcalls_.quarantined(camera, verdict.words);
}

// To another worker; the one it was in is told, when it still lives.
void Assignments::move(const std::string& camera, std::size_t worker, std::chrono::nanoseconds after) {
  Placed& placed = placed_.at(camera);
  (void)workers_.send(placed.worker, relay::Release{camera});
  placed.worker = worker;
  (void)workers_.send(worker, placed.assign);
  for (StreamRole role : sessions_of(placed.assign.camera)) reconnects_.move({camera, role}, placed.assign.facility, clock_.mono(), after);
}

bool Assignments::try_alone(relay::Assign assign) {
  auto worker = start_worker(files_of(assign.camera));
  if (!worker) {
    log::error("control", "camera {}: {}", assign.camera.id, worker.error().message);
    return false;
  }
  alone_.insert(*worker);
  place(std::move(assign), *worker);
  return true;
}

// A worker that was for one camera has none any more.
void Assignments::end_alone(std::size_t worker) {
  if (alone_.erase(worker) == 0) return;
  retired_.insert(worker);
  workers_.retire(worker);
}

void Assignments::look_at_quarantine(MonoTime now) {
  if (now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  const auto due = quarantine_.due(now);
  for (const std::string& camera : due.again) {
    const auto found = apart_.find(camera);
    if (found == apart_.end()) continue;
    log::info("control", "camera {}: was set apart for an hour, and is tried again by itself", camera);
    (void)read_secrets(found->second);
    relay::Assign assign = std::move(found->second);
    apart_.erase(found);
    if (!try_alone(assign)) apart_[camera] = std::move(assign);
  }
  for (const std::string& camera : due.back) {
    const auto found = placed_.find(camera);
    if (found == placed_.end() || !alone_.contains(found->second.worker)) continue;
    const std::size_t old = found->second.worker;
    if (sources_per_worker_ == 1) {
      alone_.erase(old);
      continue;
    }
    const auto worker = worker_with_room(found->second.assign);
    if (!worker) continue;
    log::info("control", "camera {}: goes back to worker {}", camera, *worker);
    move(camera, *worker, kGoesOver);
    end_alone(old);
  }
}

bool Assignments::stays_apart(const std::string& camera, const relay::Assign& wanted) {
  const relay::Assign& old = apart_.at(camera);
  return old.camera == wanted.camera && old.facility == wanted.facility && old.credentials == wanted.credentials;
}

}  // namespace kanhu
