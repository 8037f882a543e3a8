// SPDX-License-Identifier: MIT
#include "tests/support/demo/plan.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/rules/event_types.hpp"

namespace kanhu::demo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool is_settled(const Events& events, const SeenEvent& face) {
  const std::string status = clip_of(events, face.subject).status;
  return end_of(events, face.subject) != nullptr && !status.empty() && status != "pending";
}

// Every face seen there in this epoch, and there was one, has gone and its clip is settled.
bool faces_are_over(const Events& events, const char* source, int epoch) {
  const Events faces = of(events, "face.appeared", source, epoch);
  return !faces.empty() && std::all_of(faces.begin(), faces.end(), [&](const SeenEvent* face) { return is_settled(events, *face); });
}

bool face_is_open(const Events& events, const char* source, int epoch) {
  const Events faces = of(events, "face.appeared", source, epoch);
  return std::any_of(faces.begin(), faces.end(), [&](const SeenEvent* face) { return end_of(events, face->subject) == nullptr; });
}

bool is_there(const Events& events, const char* type, const char* source, int epoch = -1) {
  return !of(events, type, source, epoch).empty();
}

bool hall_is_back(const Events& events) {
  const Events offline = of(events, "camera.offline", "hall");
  return !offline.empty() && end_of(events, offline.front()->subject) != nullptr;
}

std::vector<PlanItem> items() {
  return {
      {Step::kFaceIn, "a person comes to the entrance: expect a face and a clip", {"person entrance in 2"}, seconds(3), {}, seconds(3)},
      {Step::kHeatIn, "a person enters the bath: only heat is seen, nothing is recorded", {"person bath in"}, seconds(2), {}, seconds(2)},
      {Step::kFaceOut,
       "the person at the entrance leaves",
       {"person entrance out"},
       seconds(4),
       [](const Events& events) { return is_there(events, "face.appeared", "entrance"); },
       seconds(8)},
      {Step::kHeatOut,
       "the bath is empty again",
       {"person bath out"},
       seconds(4),
       [](const Events& events) { return is_there(events, "presence.started", "bath"); },
       seconds(8)},
      {Step::kCableOut, "the cable of the hall's camera is pulled", {"drop hall"}, seconds(1), {}, seconds(1)},
      {Step::kCableIn,
       "the cable is back; the return alone must raise no presence",
       {"restore hall"},
       seconds(6),
       [](const Events& events) { return is_there(events, "camera.offline", "hall"); },
       seconds(12)},
      {Step::kEnrol, "", {}, seconds(1), [](const Events& events) { return faces_are_over(events, "entrance", 0); }, seconds(12)},
      {Step::kVisitor,
       "another person comes to the entrance",
       // Whoever still sits in the rest room leaves: an infrared detector that starts with people inside cannot count them yet.
       {"person entrance in 3", "person rest out"},
       seconds(1),
       [](const Events& events) {
         const Events heat = of(events, "presence.started", "bath");
         return faces_are_over(events, "entrance", 0) && hall_is_back(events) && !heat.empty() &&
                end_of(events, heat.front()->subject) != nullptr;
       },
       seconds(20)},
      {Step::kKill,
       "the gateway is killed with -9 while that clip is being written, and started again",
       {},
       seconds(3),
       [](const Events& events) { return face_is_open(events, "entrance", 0); },
       seconds(6)},
      {Step::kAgainIn,
       "the first person comes again",
       {"person entrance in 2"},
       seconds(5),
       [](const Events& events) { return is_there(events, "camera.online", "entrance", 1); },
       seconds(14)},
      {Step::kAgainOut,
       "and leaves",
       {"person entrance out"},
       seconds(4),
       [](const Events& events) {
         // Whoever is enrolled stays until it was decided who that is.
         const bool is_compared = is_there(events, "gateway.gallery_changed", "");
         return is_compared ? !recognized(events, "entrance", 1).empty() : is_there(events, "face.appeared", "entrance", 1);
       },
       seconds(10)},
      {Step::kDone, "", {}, seconds(0), [](const Events& events) { return faces_are_over(events, "entrance", 1); }, seconds(15)},
  };
}

}  // namespace

Plan::Plan() : items_(items()) {}

void Plan::begin(milliseconds now) {
  begun_ = true;
  last_ = now;
}

const PlanItem* Plan::due(milliseconds now, const Events& events) {
  if (!begun_ || is_done()) return nullptr;
  const PlanItem& item = items_[next_];
  const milliseconds waited = now - last_;
  if (waited < item.pause) return nullptr;
  if (item.ready && waited < item.patience && !item.ready(events)) return nullptr;
  ++next_;
  last_ = now;
  reached_ = item.step;
  return &item;
}

Events of(const Events& events, const std::string& type, const std::string& source, int epoch) {
  Events found;
  int ordinal = -1;
  const std::string* last = nullptr;
  for (const SeenEvent* event : events) {
    if (last == nullptr || *last != event->epoch) ++ordinal;
    last = &event->epoch;
    // The end of an incident that is no longer followed bears the type of its start, and is none of what is looked for here.
    const auto* kind = rules::find_kind_of_type(event->type);
    if (event->phase == "end" && kind != nullptr && kind->start == event->type) continue;
    if ((epoch < 0 || epoch == ordinal) && event->type == type && (source.empty() || event->source == source)) found.push_back(event);
  }
  return found;
}

ClipWord clip_of(const Events& events, const std::string& subject) {
  ClipWord word;
  for (const SeenEvent* event : events) {
    if (event->subject != subject || event->clip_text("status").empty()) continue;
    word.status = event->clip_text("status");
    word.reason = event->clip_text("reason");
    const Json& clip = event->data["clip"];
    if (clip.contains("path") && clip["path"].is_array() && !clip["path"].empty() && clip["path"][0].is_string())
      word.path = clip["path"][0].get<std::string>();
  }
  return word;
}

Events recognized(const Events& events, const std::string& source, int epoch) {
  Events found;
  for (const char* type : {"face.appeared", "face.updated", "face.left"}) {
    for (const SeenEvent* event : of(events, type, source, epoch)) {
      const Json person = event->data.value("person", Json::object());
      if (person.is_object() && person.value("decision", "") == "recognized") found.push_back(event);
    }
  }
  return found;
}

const SeenEvent* end_of(const Events& events, const std::string& subject) {
  const auto found = std::find_if(events.begin(), events.end(),
                                  [&](const SeenEvent* event) { return event->subject == subject && event->phase == "end"; });
  return found == events.end() ? nullptr : *found;
}

}  // namespace kanhu::demo
