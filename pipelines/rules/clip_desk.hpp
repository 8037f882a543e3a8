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
  ClipRequest request;  // of the subject it was begun for; `to` as last asked for
  WallTime limit{};     // from + longest
  std::chrono::microseconds post_roll{0};
  WallTime wanted{};    // `to` as it has to become
  bool asked = false;   // the first request has gone out
  WallTime deadline{};  // gateway time by which the recorder must have answered
  struct Subject {
    std::string subject;
    bool lasting = false;  // its incident is still open
  };
  std::vector<Subject> subjects;
  std::string joined;  // subject to name in the next request
  Json status;         // data.clip as last said
  WallTime settled{};  // gateway time of the last word
};

// Promises: every flagged event gets a final status (invariant 5): the recorder's, or missing(no_answer) when it has not
// answered 30 s after the clip must have been over. Requests go out after the event that caused them.
// Thread: confined to the rules.
class ClipDesk {
 public:
  explicit ClipDesk(RulesSink& sink) : sink_(sink) {}

  // data.clip for an event of this type, null when the camera's configuration does not ask for one. `lasting`: its incident
  // goes on, so the clip grows until `ended`.
  Json flag(const CameraConfig& camera, const std::string& facility, std::string_view type, const std::string& subject, const Stamp& stamp,
            bool lasting, WallTime now);
  // The camera's time has come to `source_now`: clips of open incidents grow.
  void advance(const std::string& source, WallTime source_now);
  void ended(const std::string& subject, WallTime time);
  void send_requests();

  // The recorder's answer; nullptr when the clip is not known or nothing changed.
  const Clip* settle(const ClipRecord& record, WallTime now);
  // Clips without an answer whose deadline has passed; they are missing(no_answer) now.
  std::vector<const Clip*> expire(WallTime now);
  // data.clip as it stands now, for a clip named in an earlier event.
  Json status_of(const Json& clip) const;

  std::vector<ClipRequest> pending() const;
  Json open() const;                                // for the journal's snapshot
  void restore(const Json& element, WallTime now);  // the inverse, one element
  // By clip id: pending ones, and those of the last hour, at most 200 of them.
  Json state(WallTime now) const;

 private:
  void request(Clip& clip, WallTime to);
  Clip* finish(const std::string& id, Json status, WallTime now);

  RulesSink& sink_;
  std::map<std::string, Clip> live_;
  std::map<std::string, std::string> by_subject_;            // of live clips
  std::map<std::string, std::vector<std::string>> running_;  // camera -> live clips, oldest first
  std::vector<ClipRequest> outbox_;
  std::deque<Clip> done_;
};

}  // namespace kanhu::rules
