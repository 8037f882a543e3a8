// SPDX-License-Identifier: MIT
#include "daemon/query/picture_answer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/fault.hpp"
#include "base/text.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

constexpr int kLeastWidth = 16;    // px
constexpr int kMostWidth = 4'096;  // px
// So long a clip that was asked for may have no file yet.
constexpr auto kFresh = std::chrono::minutes(2);

Error no_camera(const Config& config, const std::string& id, const publish::Asker& asker) {
  std::vector<std::string_view> known;
  for (const FacilityConfig& facility : config.facilities) {
    if (!asker.rights.sees(facility.id)) continue;
    for (const CameraConfig& camera : facility.cameras) known.emplace_back(camera.id);
  }
  const std::string near = nearest(id, known);
  return {ErrorKind::kNotFound, near.empty() ? fmt::format("no camera has the id {}", kanhu::quoted(id))
                                             : fmt::format("no camera has the id {}; the nearest is {}", kanhu::quoted(id), near)};
}

// "<epoch>:<seq>", as an event's id.
std::optional<journal::JournalPlace> place_of(const std::string& id) {
  constexpr std::size_t kEpochDigits = 32;
  journal::JournalPlace place;
  if (id.size() < kEpochDigits + 2 || id[kEpochDigits] != ':') return std::nullopt;
  place.epoch = id.substr(0, kEpochDigits);
  if (place.epoch.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  const char* end = id.data() + id.size();
  const auto [stopped, error] = std::from_chars(id.data() + kEpochDigits + 1, end, place.seq);
  if (error != std::errc{} || stopped != end || place.seq == 0 || place.seq >= 1ull << 53) return std::nullopt;
  return place;
}

// Empty, too, when something else than text stands there: an event is of another version, or of a disk that lies.
std::string string_at_key(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string member_text(const Json& json, const char* object, const char* key) {
  const auto found = json.is_object() ? json.find(object) : json.end();
  return json.is_object() && found != json.end() ? string_at_key(*found, key) : std::string();
}

ClockSource clock_named(const std::string& name) {
  for (const ClockSource source : {ClockSource::kRtcp, ClockSource::kFile})
    if (name == to_string(source)) return source;
  return ClockSource::kArrival;
}

publish::Answer picture_of(const rules::Access& what, WorkerPicture picture, WallTime now) {
  Json json{{"v", 1},
            {"ok", true},
            {"request", "picture"},
            {"camera", what.source},
            {"facility", what.facility},
            {"time", format_utc(picture.captured)},
            {"age_s", round4(std::max(0.0, to_seconds(now - picture.arrival)))},
            {"width", picture.width},
            {"height", picture.height},
            {"bytes", picture.jpeg.size()},
            {"sha256", what.sha256},
            {"media_type", "image/jpeg"}};
  if (!what.event.empty()) json["event"] = what.event;
  if (!what.clip.empty()) json["clip"] = what.clip;
  return {canonical_json(json), std::move(picture.jpeg), true};
}

}  // namespace

void PictureAnswer::ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
  rules::Access what;
  what.request = "picture";
  what.facility = what.source = "-";
  if (auto may = access_.check_right(asker, publish::Right::kPicture, what); !may) return reply(tl::unexpected(may.error()));
  int max_width = 0;
  if (const auto width = request.find("max_width"); width != request.end()) {
    if (!width->is_number_integer() || *width < kLeastWidth || *width > kMostWidth)
      return reply(
          fail(ErrorKind::kInvalidArgument, fmt::format(R"("max_width" is a whole number of {} to {} pixels)", kLeastWidth, kMostWidth)));
    max_width = width->get<int>();
  }
  const auto camera = request.find("camera"), event = request.find("event");
  const bool of_camera = camera != request.end() && camera->is_string(), of_event = event != request.end() && event->is_string();
  const auto place = of_event ? place_of(event->get<std::string>()) : std::nullopt;
  if (of_camera == of_event || (of_event && !place))
    return reply(
        fail(ErrorKind::kInvalidArgument, R"(a picture is of a "camera", by its id, or of an "event", by its id "<epoch>:<seq>")"));
  if (auto busy = access_.too_often(asker, "picture", limit_)) return reply(std::move(*busy));
  if (of_camera) return ask_camera(camera->get<std::string>(), max_width, asker, reply);
  ask_event(*place, max_width, asker, reply);
}

void PictureAnswer::ask_camera(const std::string& id, int max_width, const publish::Asker& asker, const publish::Reply& reply) {
  const ConfigPtr config = access_.config();
  const FacilityConfig* facility = config->facility_of(id);
  const CameraConfig* camera = config->camera(id);
  if (facility == nullptr || camera == nullptr) return reply(tl::unexpected(no_camera(*config, id, asker)));
  const auto asked = std::make_shared<Asked>();
  asked->what.user = asker.user;
  asked->what.request = "picture";
  asked->what.facility = facility->id;
  asked->what.source = id;
  asked->footage = {{facility->id, id, {}}};
  if (!access_.sees(asker, asked->what)) return reply(tl::unexpected(no_camera(*config, id, asker)));
  if (auto shown = access_.may_be_shown(asked->footage); !shown) return reply(tl::unexpected(shown.error()));
  if (camera->sensor)
    return reply(fail(ErrorKind::kUnsupported,
                      fmt::format("{} is no camera but a {}; look shows what an array sees", id, to_string(camera->sensor->kind))));
  if (!camera->enabled) return reply(fail(ErrorKind::kUnreachable, fmt::format("camera {} is switched off (enabled: false)", id)));
  const std::uint64_t place = take_place(id, asked, reply);
  if (place != 0) upcalls_.ask_worker({place, id, max_width, "", {}, ClockSource::kArrival});
}

void PictureAnswer::ask_event(const journal::JournalPlace& place, int max_width, const publish::Asker& asker, const publish::Reply& reply) {
  // The place at the requests is taken before the disk is asked: its 2 s are those of the whole answer.
  const auto asked = std::make_shared<Asked>();
  asked->what.user = asker.user;
  asked->what.request = "picture";
  asked->what.event = fmt::format("{}:{}", place.epoch, place.seq);
  const std::uint64_t id = take_place("", asked, reply);
  if (id == 0) return;
  const bool posted = disk_.post([this, id, place, max_width, asker, asked] {
    if (!requests_.is_open(id)) return;
    // Filled in only while nobody else looks at it: before the worker is asked.
    Result<relay::AskPicture> wanted =
        kanhu::fail(ErrorKind::kInternal, "the event's picture cannot be looked for; the gateway's log says why");
    faults::contained("evidence", [&] { wanted = find_event(place, asker, *asked); });
    if (!wanted) return requests_.fail(id, wanted.error());
    wanted->id = id;
    requests_.name_camera(id, wanted->camera);
    wanted->max_width = max_width;
    upcalls_.ask_worker(std::move(*wanted));
  });
  if (!posted) requests_.fail(id, {ErrorKind::kNoBandwidth, "too much is read from the disk at once; ask again"});
}

std::uint64_t PictureAnswer::take_place(const std::string& camera, const std::shared_ptr<Asked>& asked, const publish::Reply& reply) {
  const std::uint64_t id = requests_.open(camera, [this, asked, reply](Result<WorkerPicture> picture) {
    if (!picture) return reply(tl::unexpected(picture.error()));
    rules::Access& what = asked->what;
    what.sha256 = to_hex(sha256(picture->jpeg));
    what.bytes = picture->jpeg.size();
    what.captured = picture->captured;
    access_.give(what, asked->footage, picture_of(what, std::move(*picture), access_.clock().wall()), reply);
  });
  if (id == 0)
    reply(retry_later(fmt::format("{} pictures are on their way already; ask again", PictureRequests::kMostOpen),
                      std::chrono::milliseconds(500)));
  return id;
}

Result<relay::AskPicture> PictureAnswer::find_event(const journal::JournalPlace& place, const publish::Asker& asker, Asked& asked) {
  rules::Access& what = asked.what;
  journal::FetchRequest request;
  request.after = {place.epoch, place.seq - 1};
  request.most_events = 1;
  const auto page = pages_.fetch(request, upcalls_.head());
  if (!page) return tl::unexpected(page.error());
  const Error unknown{ErrorKind::kNotFound, fmt::format("the journal has no event {}:{}", place.epoch, place.seq)};
  if (page->events.empty() || page->events.front().id.epoch != place.epoch || page->events.front().id.seq != place.seq) {
    if (page->gaps.empty()) return tl::unexpected(unknown);
    return fail(ErrorKind::kNotFound, fmt::format("{} ({})", unknown.message, page->gaps.front().reason));
  }
  const journal::JournalRecord& record = page->events.front();
  what.facility = record.facility;
  what.source = record.source;
  if (!access_.sees(asker, what)) return tl::unexpected(unknown);
  if (record.source == "-") return fail(ErrorKind::kNotFound, fmt::format("event {} is of no camera", what.event));
  asked.footage = {{record.facility, record.source, {}}};
  if (auto shown = access_.may_be_shown(asked.footage); !shown) return tl::unexpected(shown.error());

  const auto event = parse_json(record.body);
  if (!event || !event->is_object() || !event->contains("data"))
    return fail(ErrorKind::kCorrupt, fmt::format("event {} cannot be read", what.event));
  const Json& data = event->at("data");
  if (std::string zone = string_at_key(data, "zone"); !zone.empty()) asked.footage.front().zones.push_back(std::move(zone));
  std::string clip = member_text(data, "clip", "id");
  if (clip.empty()) clip = upcalls_.clip_of(string_at_key(*event, "subject"));
  if (clip.empty()) {
    const std::string reason = member_text(data, "clip", "reason");
    return fail(ErrorKind::kNotFound, fmt::format("event {} has no clip{}", what.event, reason.empty() ? "" : " (" + reason + ")"));
  }
  what.clip = clip;
  const auto files = files_of(*event, clip, asked);
  if (!files) return tl::unexpected(files.error());
  if (auto shown = access_.may_be_shown(asked.footage); !shown) return tl::unexpected(shown.error());
  const auto captured = parse_utc(member_text(data, "times", "captured"));
  return relay::AskPicture{
      0, record.source, 0, *files, captured ? *captured : record.time, clock_named(member_text(data, "clock", "source"))};
}

// Where the clip's files are, or should be in a moment; what they show is added to what is asked for.
Result<std::string> PictureAnswer::files_of(const Json& event, const std::string& clip, Asked& asked) const {
  const auto kept = files_.find(clip);
  // Only who sees the event's facility gets here; a clip in another's folder is not the event's, and not even its words are given.
  if ((kept ? kept->facility : files_.facility_of(clip)) != asked.what.facility && (kept || kept.error().kind != ErrorKind::kNotFound))
    return fail(ErrorKind::kNotFound, fmt::format("no clip {} of {} is kept", clip, asked.what.facility));
  if (kept && kept->parts.empty() && kept->status == ClipStatus::kMissing)
    return fail(ErrorKind::kNotFound, fmt::format("clip {} is missing ({})", clip, kept->reason));
  if (kept) {
    if (!kept->parts.empty()) asked.footage.push_back({kept->facility, kept->source.empty() ? "-" : kept->source, kept->zones});
    return kept->stem;
  }
  if (kept.error().kind != ErrorKind::kNotFound) return tl::unexpected(kept.error());
  if (const auto fate = missing_.find(clip); fate && fate->facility == asked.what.facility)
    return fail(ErrorKind::kNotFound, fmt::format("clip {} is missing ({})", clip, fate->reason));
  const auto said = parse_utc(string_at_key(event, "time"));
  const auto start = parse_utc(member_text(event.at("data"), "clip", "start"));
  if (!said || !start || access_.clock().wall() - *said > kFresh)
    return fail(ErrorKind::kNotFound,
                fmt::format("clip {} is not kept any more: retention removed it, or nothing of it was recorded", clip));
  const std::string day = format_utc(*start);
  return fmt::format("{}/{}/{}/{}/{}", asked.what.facility, day.substr(0, 4), day.substr(5, 2), day.substr(8, 2), clip);
}

}  // namespace kanhu
