// SPDX-License-Identifier: MIT
// Which incident gets which clip, and what became of it.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "pipelines/rules/announcer.hpp"

namespace kanhu::rules {

// One clip may serve several subjects of one camera.
struct Clip {
  // Of the subject it was begun for; `to` as last asked for. All times of a clip run with arrival at this machine, shown in the camera's
  // clock as it was when the clip began (`request.offset`): a camera's clock that is set meanwhile moves neither start nor end.
  ClipRequest request;
  WallTime limit{};  // from + longest
  std::chrono::microseconds post_roll{0};
  WallTime wanted{};    // `to` as it has to become
  bool asked = false;   // the first request has gone out
  WallTime deadline{};  // by Context::waited, by which the recorder must have answered
  struct Subject {
    std::string subject;
    bool lasting = false;  // its incident is still open
  };
  std::vector<Subject> subjects;
  std::string joined;  // subject to name in the next request
  Json status;         // data.clip as last said
  WallTime settled{};  // of the last word, by Context::waited
};

// Promises: every flagged event gets a final status (invariant 5): the recorder's, or missing(no_answer) when it has not
// answered 30 s after the clip must have been over. Requests go out after the event that caused them.
// Thread: confined to the rules.
class ClipRequests {
 public:
  explicit ClipRequests(RulesSink& sink) : sink_(sink) {}

  // data.clip for an event of this type, null when the camera's configuration does not ask for one. `lasting`: its incident
  // goes on, so the clip grows until `ended`.
  Json flag(const CameraConfig& camera, const std::string& facility, std::string_view type, const std::string& subject, const Stamp& stamp,
            bool lasting, WallTime waited);
  // By arrival at this machine it is `now` at this camera: clips of open incidents grow.
  void advance(const std::string& source, WallTime now);
  void ended(const std::string& subject, WallTime arrived);
  void send_requests();

  // The recorder's answer; nullptr when the clip is not known or nothing changed.
  const Clip* settle(const ClipRecord& record, WallTime waited);
  // Clips without an answer whose deadline has passed; they are missing(no_answer) now.
  std::vector<const Clip*> expire(WallTime waited);
  // data.clip as it stands now, for a clip named in an earlier event.
  Json status_of(const Json& clip) const;

  std::vector<ClipRequest> pending() const;
  Json open() const;                                                 // for the journal's snapshot
  void restore(const Json& element, WallTime now, WallTime waited);  // the inverse, one element
  // By clip id: pending ones, and those of the last hour, at most 200 of them.
  Json state(WallTime waited) const;
  // The newest clip of `state` that serves the subject; empty: none does.
  std::string of_subject(const std::string& subject, WallTime waited) const;

 private:
  void request(Clip& clip, WallTime to);
  Clip* finish(const std::string& id, Json status, WallTime waited);

  RulesSink& sink_;
  std::map<std::string, Clip> live_;
  std::map<std::string, std::string> by_subject_;            // of live clips
  std::map<std::string, std::vector<std::string>> running_;  // camera -> live clips, oldest first
  std::vector<ClipRequest> outbox_;
  std::deque<Clip> done_;
};

}  // namespace kanhu::rules
