// SPDX-License-Identifier: MIT
// Pending clips as a journal snapshot keeps them, and as `state` shows them.
#include <algorithm>

#include "pipelines/rules/clip_requests.hpp"

namespace kanhu::rules {

namespace {

constexpr std::chrono::seconds kRestoredPatience{30};
constexpr std::chrono::hours kKeepDone{1};

std::string text_member(const Json& object, const char* key, const char* otherwise = "") {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : otherwise;
}

WallTime time_member(const Json& object, const char* key, WallTime otherwise) {
  if (!object.contains(key) || !object[key].is_string()) return otherwise;
  const auto parsed = parse_utc(object[key].get<std::string>());
  return parsed ? *parsed : otherwise;
}

ClockSource clock_member(const Json& object) {
  const std::string text = text_member(object, "clock");
  for (const ClockSource source : {ClockSource::kRtcp, ClockSource::kFile}) {
    if (text == to_string(source)) return source;
  }
  return ClockSource::kArrival;
}

}  // namespace

Json ClipRequests::open() const {
  Json open = Json::array();
  for (const auto& [id, clip] : live_) {
    Json subjects = Json::array();
    for (const Clip::Subject& each : clip.subjects) subjects.push_back(each.subject);
    open.push_back(Json{{"clip", id},
                        {"subjects", std::move(subjects)},
                        {"facility", clip.request.facility},
                        {"source", clip.request.source},
                        {"run", clip.request.run},
                        {"clock", to_string(clip.request.clock)},
                        {"from", format_utc(clip.request.from)},
                        {"to", format_utc(clip.request.to)},
                        {"offset_us", clip.request.offset.count()}});
  }
  return open;
}

void ClipRequests::restore(const Json& element, WallTime now, WallTime waited) {
  const std::string id = text_member(element, "clip");
  const std::string source = text_member(element, "source");
  if (id.empty() || source.empty()) return;
  const auto [found, fresh] = live_.try_emplace(id);
  Clip& clip = found->second;
  const WallTime from = time_member(element, "from", now);
  const WallTime to = time_member(element, "to", from);
  if (fresh) {
    clip.request = ClipRequest{id,
                               text_member(element, "subject"),
                               text_member(element, "facility", "-"),
                               source,
                               text_member(element, "run"),
                               from,
                               to,
                               clock_member(element),
                               std::chrono::microseconds(element.contains("offset_us") && element["offset_us"].is_number_integer()
                                                             ? element["offset_us"].get<std::int64_t>()
                                                             : 0)};
    clip.asked = true;
    running_[source].push_back(id);
  }
  clip.request.from = std::min(clip.request.from, from);
  clip.request.to = clip.wanted = clip.limit = std::max(clip.request.to, to);
  clip.deadline = waited + kRestoredPatience;
  std::vector<std::string> subjects;
  if (element.contains("subject") && element["subject"].is_string()) subjects.push_back(element["subject"].get<std::string>());
  if (element.contains("subjects") && element["subjects"].is_array()) {
    for (const Json& each : element["subjects"]) {
      if (each.is_string()) subjects.push_back(each.get<std::string>());
    }
  }
  if (clip.request.subject.empty() && !subjects.empty()) clip.request.subject = subjects.front();
  for (const std::string& subject : subjects) {
    const bool known = std::any_of(clip.subjects.begin(), clip.subjects.end(), [&](const auto& each) { return each.subject == subject; });
    if (known || subject.empty()) continue;
    clip.subjects.push_back({subject, false});
    by_subject_[subject] = id;
  }
}

std::string ClipRequests::of_subject(const std::string& subject, WallTime waited) const {
  if (const auto live = by_subject_.find(subject); live != by_subject_.end()) return live->second;
  const auto serves = [&](const Clip& clip) {
    return waited - clip.settled <= kKeepDone &&
           std::any_of(clip.subjects.begin(), clip.subjects.end(), [&](const Clip::Subject& each) { return each.subject == subject; });
  };
  const auto done = std::find_if(done_.rbegin(), done_.rend(), serves);
  return done == done_.rend() ? std::string() : done->request.clip;
}

Json ClipRequests::state(WallTime waited) const {
  Json all = Json::object();
  const auto entry = [](const Clip& clip, Json status) {
    status.erase("id");
    status["facility"] = clip.request.facility;
    status["source"] = clip.request.source;
    Json subjects = Json::array();
    for (const Clip::Subject& each : clip.subjects) subjects.push_back(each.subject);
    status["subjects"] = std::move(subjects);
    return status;
  };
  for (const Clip& clip : done_) {
    if (waited - clip.settled <= kKeepDone) all[clip.request.clip] = entry(clip, clip.status);
  }
  for (const auto& [id, clip] : live_) {
    all[id] = entry(
        clip,
        Json{{"status", to_string(ClipStatus::kPending)}, {"start", format_utc(clip.request.from)}, {"end", format_utc(clip.request.to)}});
  }
  return all;
}

}  // namespace kanhu::rules
