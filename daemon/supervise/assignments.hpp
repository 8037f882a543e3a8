// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "daemon/supervise/quarantine.hpp"
#include "daemon/supervise/reconnects.hpp"
#include "daemon/supervise/workers.hpp"

namespace kanhu {

// The sessions a camera needs, each once.
std::set<StreamRole> sessions_of(const CameraConfig& camera);
// The recordings and devices of this machine that it is read from.
std::vector<std::string> files_of(const CameraConfig& camera);

// Which worker has which camera, and when a session that ended is opened again. Knows cameras, not pictures.
// Thread: `tell` from any; the rest from the control thread. The queue holds 4,096 notes; when it is full `tell` waits.
class Assignments {
 public:
  struct WorkerGone {
    std::size_t worker = 0;
    std::string cause;
  };
  using Note = std::variant<relay::SourceConnected, relay::SourceUp, relay::SourceEnded, WorkerGone, ClipRequest, relay::AskPicture>;
  // On the control thread.
  struct Upcalls {
    std::function<void(const ClipRequest&)> unanswered;  // its worker cannot be reached
    std::function<void(const WorkerGone&, const std::vector<std::string>& cameras)> gone;
    std::function<void(const relay::AskPicture&, const Error&)> no_picture;                // as `unanswered`
    std::function<void(const std::string& camera, const std::string& words)> quarantined;  // after `gone`
  };

  Assignments(Workers& workers, const Clock& clock, int sources_per_worker, Upcalls upcalls);

  void tell(Note note) { notes_.push(std::move(note)); }
  bool try_tell(Note note) { return notes_.try_push(std::move(note)); }  // false, at once, when the queue is full
  // From now on notes are dropped: nobody turns any more, and nobody may wait for that.
  void stop_listening() { notes_.close(); }

  // Starts workers for the cameras of `config` and assigns them; sites stay together where they fit.
  Result<void> begin(const Config& config);
  struct Changes {
    int added = 0, removed = 0, changed = 0;
    std::vector<std::string> removed_cameras;
    void add(const Changes& more) {
      added += more.added;
      removed += more.removed;
      changed += more.changed;
      removed_cameras.insert(removed_cameras.end(), more.removed_cameras.begin(), more.removed_cameras.end());
    }
  };
  // Cameras that are as they were, with the secrets they had, are not touched.
  Changes change(const Config& config);
  // Waits up to `patience` for notes, handles them, opens what is due and restarts workers that died.
  void turn(std::chrono::milliseconds patience);

 private:
  struct Placed {
    relay::Assign assign;
    std::size_t worker = 0;
  };

  relay::Assign assignment(const FacilityConfig& facility, const CameraConfig& camera);
  // Adds those that `assign` still lacks; why some are not there.
  std::vector<Error> read_secrets(relay::Assign& assign);
  // Of the cameras of a machine few read its files: one that does gets a worker that may.
  Result<std::size_t> worker_with_room(const relay::Assign& assign);
  Result<std::size_t> start_worker(std::vector<std::string> files);
  void place(relay::Assign assign, std::size_t worker, std::chrono::nanoseconds after = {});
  void remove(const std::string& camera);
  void handle(const Note& note);
  void note_end(const relay::SourceEnded& ended);
  void replace(const WorkerGone& gone);
  void ask_picture(const relay::AskPicture& ask);
  void assign_again(std::size_t worker);
  void use_files(const Config& config);
  // Cameras that kill workers: by themselves, set apart, tried again, back beside others.
  void take_apart(const WorkerGone& gone, const std::vector<std::string>& cameras, MonoTime now);
  bool try_alone(relay::Assign assign);
  void move(const std::string& camera, std::size_t worker, std::chrono::nanoseconds after);
  void end_alone(std::size_t worker);
  void look_at_quarantine(MonoTime now);
  // Whether a camera that is set apart stays so; else it is opened as configured now.
  bool stays_apart(const std::string& camera, const relay::Assign& wanted);

  Workers& workers_;
  const Clock& clock_;
  const int sources_per_worker_;
  const Upcalls upcalls_;
  Reconnects reconnects_;
  std::map<std::string, Placed> placed_;
  Quarantine quarantine_;
  std::map<std::string, relay::Assign> apart_;  // quarantined
  std::set<std::size_t> alone_;                 // workers for one camera
  std::set<std::size_t> retired_;               // places without one
  std::vector<std::string> files_to_come_;
  std::map<std::size_t, MonoTime> began_;               // the life of a worker
  std::map<std::size_t, std::set<std::string>> files_;  // what a worker may read
  MonoTime looked_{};
  std::size_t workers_started_ = 0;
  std::string secrets_dir_;  // changes only with a restart
  BoundedQueue<Note> notes_{4096};
};

}  // namespace kanhu
