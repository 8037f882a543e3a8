// SPDX-License-Identifier: MIT
#include "tests/support/demo/expectations.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace kanhu::demo {
namespace {

// Both say that whoever wrote the clip was gone: a worker may still close it when it sees the gateway die, else
// the gateway's next start does.
const std::set<std::string> kCutShort{"gateway_restarted", "recorder_closed"};

struct Finding {
  bool ok = false;
  std::string detail;
};

std::string words_of(const ClipWord& clip) {
  if (clip.status.empty()) return "no word about its clip";
  return "clip " + clip.status + (clip.reason.empty() ? "" : " (" + clip.reason + ")") + (clip.path.empty() ? "" : " " + clip.path);
}

// The first start of `type` at `source` and its end, both there, ended because the person left.
Finding came_and_went(const Events& events, const char* type, const char* source, int epoch) {
  const Events starts = of(events, type, source, epoch);
  if (starts.empty()) return {false, fmt::format("no {} at {}", type, source)};
  const SeenEvent* end = end_of(events, starts.front()->subject);
  if (end == nullptr) return {false, fmt::format("{} at {} has no end", type, source)};
  return {end->text("end_reason") == "left", fmt::format("{} ... {} ({})", type, end->type, end->text("end_reason"))};
}

Finding clip_is_complete(const Events& events, const char* source, int epoch) {
  const Events starts = of(events, "face.appeared", source, epoch);
  if (starts.empty()) return {false, fmt::format("no face.appeared at {}", source)};
  const ClipWord clip = clip_of(events, starts.front()->subject);
  return {clip.status == "complete", words_of(clip)};
}

Events starts_of(const Events& events, const char* type, const char* source, int epoch = -1) {
  Events found = of(events, type, source, epoch);
  std::erase_if(found, [](const SeenEvent* event) { return event->phase != "start"; });
  return found;
}

Finding one_offline(const Events& events) {
  const std::size_t count = starts_of(events, "camera.offline", "hall").size();
  return {count == 1, fmt::format("{} times camera.offline", count)};
}

Finding unknown_while_away(const Events& events, const Progress& progress) {
  bool away = false;
  for (const SeenEvent* event : events) {
    if (event->source != "hall") continue;
    if (event->type == "camera.offline") away = true;
    if (event->type == "camera.online" && event->phase == "end") away = false;
    const bool is_unknown = event->type == "presence.unknown" || event->type == "presence.updated";
    if (away && is_unknown && event->text("state") == "unknown")
      return {true, fmt::format("{} ({}); state says {}", event->type, event->text("reason"), progress.hall_state)};
  }
  return {progress.hall_state == "unknown", "state says " + (progress.hall_state.empty() ? "nothing" : progress.hall_state)};
}

// People who do not face it are nobody to a camera that looks for faces: it must not call a room empty.
Finding faces_never_absent(const Events& events) {
  static const std::set<std::string> kFaces{"entrance", "canteen", "hall", "office"};
  std::size_t unknown = 0;
  for (const SeenEvent* event : events) {
    if (!kFaces.contains(event->source)) continue;
    if (event->text("state") == "absent") return {false, fmt::format("{} of {} says absent", event->type, event->source)};
    unknown += event->text("end_reason") == "no_face" ? 1 : 0;
  }
  return {unknown > 0, fmt::format("{} presences ended with no_face", unknown)};
}

Finding same_incident_back(const Events& events) {
  const Events offline = starts_of(events, "camera.offline", "hall");
  if (offline.empty()) return {false, "no camera.offline"};
  const SeenEvent* end = end_of(events, offline.front()->subject);
  if (end == nullptr) return {false, "no camera.online with its subject"};
  return {end->type == "camera.online" && end->text("end_reason") == "recovered",
          fmt::format("{} ({})", end->type, end->text("end_reason"))};
}

Finding nothing_by_the_return(const Events& events) {
  std::size_t raised = 0;
  bool returned = false;
  for (const SeenEvent* event : events) {
    if (event->source != "hall") continue;
    if (event->type == "camera.online" && event->phase == "end") returned = true;
    if (returned && (event->type == "presence.started" || event->type == "face.appeared")) ++raised;
  }
  return {raised == 0 && returned, fmt::format("{} events raised", raised)};
}

Finding wrong_password(const Events& events) {
  const Events offline = starts_of(events, "camera.offline", "office", 0);
  if (offline.size() != 1) return {false, fmt::format("{} times camera.offline before the kill", offline.size())};
  // The cause may be learnt after the loss itself.
  std::string cause = offline.front()->text("cause");
  for (const SeenEvent* update : of(events, "camera.offline", "office", 0)) cause = update->text("cause");
  return {cause == "unauthorized", "cause " + cause};
}

// What was open when the gateway died ends once, at its next start, and says why.
Finding ended_by_restart(const Events& events) {
  if (events.empty()) return {false, "no event"};
  std::map<std::string, const SeenEvent*> open;
  const std::string& first = events.front()->epoch;
  for (const SeenEvent* event : events) {
    if (event->epoch != first) break;
    if (event->phase == "start") open[event->subject] = event;
    if (event->phase == "end") open.erase(event->subject);
  }
  bool face = false;
  for (const auto& [subject, start] : open) {
    const SeenEvent* end = end_of(events, subject);
    if (end == nullptr) return {false, fmt::format("{} of {} was open and has no end", start->type, start->source)};
    if (end->text("end_reason") != "gateway_restarted")
      return {false, fmt::format("{} of {} ended with {}", start->type, start->source, end->text("end_reason"))};
    face = face || start->type == "face.appeared";
  }
  return {face, fmt::format("{} incidents were open{}", open.size(), face ? "" : ", none of them the face at the entrance")};
}

Finding clip_of_the_kill(const Events& events) {
  const Events faces = of(events, "face.appeared", "entrance", 0);
  if (faces.size() < 2) return {false, "nobody was seen at the entrance before the kill"};
  const ClipWord clip = clip_of(events, faces.back()->subject);
  return {clip.status == "partial" && kCutShort.contains(clip.reason), words_of(clip)};
}

Finding recognized_again(const Events& events, const std::string& enrolled) {
  const Events found = recognized(events, "entrance", 1);
  if (found.empty()) return {false, "no face at the entrance was recognized after the restart"};
  const Json person = found.front()->data.at("person");
  return {person.value("person_ref", "") == enrolled, fmt::format("{}, score {:.3f}, threshold {:.3f}", person.value("person_ref", ""),
                                                                  person.value("score", 0.0), person.value("threshold", 0.0))};
}

Finding nobody_else_recognized(const Events& events, const std::string& enrolled) {
  std::size_t wrong = 0;
  for (const SeenEvent* event : recognized(events, "")) {
    const bool is_right = event->source == "entrance" && event->data.at("person").value("person_ref", "") == enrolled;
    wrong += is_right ? 0 : 1;
  }
  wrong += recognized(events, "entrance", 0).size();  // the first visit was before the enrolment, the second somebody else's
  return {wrong == 0, wrong == 0 ? "" : fmt::format("{} events name a person", wrong)};
}

// Visits that are not of the plan may be cut short by the stop or by a machine that stalls; the clip then says why.
Finding every_clip_explained(const Events& events) {
  std::size_t flagged = 0;
  for (const SeenEvent* event : events) {
    if (event->phase != "start" || event->clip_text("status").empty()) continue;
    ++flagged;
    const ClipWord clip = clip_of(events, event->subject);
    const bool is_explained = clip.status == "complete" || (clip.status == "partial" && !clip.reason.empty()) ||
                              (clip.status == "missing" && clip.reason == "not_recorded");
    if (!is_explained) return {false, fmt::format("{} of {}: {}", event->type, event->source, words_of(clip))};
  }
  return {true, fmt::format("{} flagged events", flagged)};
}

// Pictures of people and empty rooms, and one cable: nothing else may be found wrong.
Finding nothing_unplanned(const Events& events) {
  static const std::set<std::string> kNever{"camera.frozen",
                                            "camera.dark",
                                            "camera.unstable",
                                            "site.offline",
                                            "gateway.loss",
                                            "gateway.worker_restarted",
                                            "gateway.journal_damaged",
                                            "gateway.journal_rewound"};
  std::map<std::string, std::size_t> found;
  for (const SeenEvent* event : events) {
    if (event->phase == "end") continue;
    const bool is_planned = event->source == "hall" || event->source == "office";
    if (kNever.contains(event->type) || (event->type == "camera.offline" && !is_planned))
      ++found[event->type + (event->source == "-" ? "" : " " + event->source)];
  }
  std::string words;
  for (const auto& [what, count] : found) words += fmt::format("{}{} times {}", words.empty() ? "" : ", ", count, what);
  return {found.empty(), words};
}

}  // namespace

std::vector<Check> judge(const Events& events, const Progress& progress) {
  std::vector<Check> checks;
  const auto check = [&](Step from, const char* words, const Finding& finding) {
    const bool is_due = progress.reached >= from;
    checks.push_back({words, !is_due ? Verdict::kNotReached : finding.ok ? Verdict::kTrue : Verdict::kFalse, finding.detail});
  };
  check(Step::kVisitor, "a face at the entrance came and went", came_and_went(events, "face.appeared", "entrance", 0));
  check(Step::kVisitor, "its clip is complete", clip_is_complete(events, "entrance", 0));
  check(Step::kVisitor, "infrared presence in the bath began and ended", came_and_went(events, "presence.started", "bath", 0));
  check(Step::kFaceOut, "the wrong password at the office is told as such", wrong_password(events));
  check(Step::kCableIn, "the pulled cable raised exactly one camera.offline", one_offline(events));
  check(Step::kCableIn, "presence in the hall was unknown meanwhile, not absent", unknown_while_away(events, progress));
  check(Step::kVisitor, "a camera that sees no face says unknown, never absent", faces_never_absent(events));
  check(Step::kVisitor, "the camera came back online under the same subject", same_incident_back(events));
  check(Step::kVisitor, "its return raised no presence and no face", nothing_by_the_return(events));
  check(Step::kAgainIn, "what was open at kill -9 ended as gateway_restarted", ended_by_restart(events));
  check(Step::kAgainIn, "the clip it hit is kept in part and says so", clip_of_the_kill(events));
  check(Step::kDone, "after the restart a face came and went", came_and_went(events, "face.appeared", "entrance", 1));
  check(Step::kDone, "its clip is complete", clip_is_complete(events, "entrance", 1));
  if (progress.enrols) {
    check(Step::kAgainIn, "the first person was enrolled from the clip", {!progress.enrolled.empty(), progress.enrolled});
    check(Step::kDone, "the first person is recognized on coming again", recognized_again(events, progress.enrolled));
    check(Step::kDone, "no other person is taken for the first", nobody_else_recognized(events, progress.enrolled));
  }
  check(Step::kBegin, "every flagged event has a clip, or a reason", every_clip_explained(events));
  check(Step::kBegin, "nothing was raised that was not planned", nothing_unplanned(events));
  return checks;
}

}  // namespace kanhu::demo
