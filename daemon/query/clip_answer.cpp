// SPDX-License-Identifier: MIT
#include "daemon/query/clip_answer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

Result<std::uint64_t> whole_number(const Json& request, const char* key, std::uint64_t otherwise, std::int64_t least, std::int64_t most) {
  const auto found = request.find(key);
  if (found == request.end()) return otherwise;
  const std::int64_t value = found->is_number_integer() ? found->get<std::int64_t>() : -1;  // what is larger than 2^63 becomes negative
  if (value < least || value > most)
    return fail(ErrorKind::kInvalidArgument, fmt::format(R"("{}" is a whole number of {} to {})", key, least, most));
  return static_cast<std::uint64_t>(value);
}

const char* media_type_of(const record::ShelvedPart& part) { return part.file.ends_with(".mov") ? "video/quicktime" : "video/mp4"; }

// Also of a clip that is another facility's: whether it exists is nobody's business.
Error no_clip(const std::string& id) {
  return {ErrorKind::kNotFound,
          fmt::format("no clip {} is kept: there was none, or retention removed it (clips_storage); the events of its "
                      "subject say what became of it",
                      kanhu::quoted(id))};
}

std::string told_key(const std::string& id, int part) { return fmt::format("{}.{}", id, part); }

}  // namespace

Result<ClipAnswer::Page> ClipAnswer::parse(const Json& request) {
  const auto id = request.find("id");
  if (id == request.end() || !id->is_string())
    return fail(ErrorKind::kInvalidArgument, R"("id" is a clip's id, as events name it in data.clip.id)");
  // 2^53: what JSON readers agree on.
  const auto offset = whole_number(request, "offset", 0, 0, std::int64_t{1} << 53);
  if (!offset) return tl::unexpected(offset.error());
  const auto length = whole_number(request, "length", kMostPage, 1, kMostPage);
  if (!length) return tl::unexpected(length.error());
  const auto part = whole_number(request, "part", 1, 1, 10'000);
  if (!part) return tl::unexpected(part.error());
  return Page{id->get<std::string>(), *offset, *length, static_cast<int>(*part)};
}

void ClipAnswer::ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
  rules::Access what;
  what.request = "clip";
  what.facility = what.source = "-";
  if (auto may = access_.check_right(asker, publish::Right::kClip, what); !may) return reply(tl::unexpected(may.error()));
  const auto page = parse(request);
  if (!page) return reply(tl::unexpected(page.error()));
  if (auto busy = access_.too_often(asker, "clip", limit_)) return reply(std::move(*busy));
  if (!disk_.post([this, page = *page, asker, reply] { answer(page, asker, reply); }))
    reply(retry_later("too many clips are read at once; ask again", std::chrono::seconds(1)));
}

Result<record::ShelvedClip> ClipAnswer::find(const std::string& id) const {
  auto clip = files_.find(id);
  if (clip || clip.error().kind != ErrorKind::kNotFound) return clip;
  const auto fate = missing_.find(id);
  if (!fate) return tl::unexpected(no_clip(id));
  record::ShelvedClip gone;
  gone.id = id;
  gone.facility = fate->facility;
  gone.source = fate->source;
  gone.status = ClipStatus::kMissing;
  gone.reason = fate->reason;
  return gone;
}

Error ClipAnswer::unreadable(const Error& why, const publish::Asker& asker, rules::Access what) const {
  // These two name nothing but the id that was asked for.
  if (why.kind == ErrorKind::kNotFound || why.kind == ErrorKind::kInvalidArgument) return why;
  what.facility = files_.facility_of(what.clip);
  what.source = "-";
  return !what.facility.empty() && access_.sees(asker, what) ? why : no_clip(what.clip);
}

// On the disk's thread.
void ClipAnswer::answer(const Page& page, const publish::Asker& asker, const publish::Reply& reply) {
  rules::Access what;
  what.user = asker.user;
  what.request = "clip";
  what.clip = page.id;
  what.part = page.part;
  const auto clip = find(page.id);
  if (!clip) return reply(tl::unexpected(unreadable(clip.error(), asker, what)));
  what.facility = clip->facility;
  what.source = clip->source.empty() ? "-" : clip->source;
  if (!access_.sees(asker, what)) return reply(tl::unexpected(no_clip(page.id)));
  const std::vector<Footage> footage{{clip->facility, what.source, clip->zones}};
  // Of one that is being written nothing is given, and whose it is stands in no sidecar yet.
  if (!clip->source.empty() || !clip->parts.empty())
    if (auto shown = access_.may_be_shown(footage); !shown) return reply(tl::unexpected(shown.error()));

  Json json{{"v", 1},
            {"ok", true},
            {"request", "clip"},
            {"id", clip->id},
            {"facility", clip->facility},
            {"status", to_string(clip->status)},
            {"part", page.part},
            {"parts", clip->parts.size()},
            {"offset", page.offset},
            {"length", 0},
            {"total", 0},
            {"sha256", ""},
            {"complete", false}};
  if (!clip->source.empty()) json["camera"] = clip->source;
  if (!clip->reason.empty()) json["reason"] = clip->reason;
  if (clip->parts.empty()) return reply(publish::Answer{canonical_json(json), "", true});

  if (static_cast<std::size_t>(page.part) > clip->parts.size())
    return reply(fail(ErrorKind::kInvalidArgument, fmt::format("the clip has {} parts", clip->parts.size())));
  const record::ShelvedPart& part = clip->parts[static_cast<std::size_t>(page.part) - 1];
  if (page.offset > part.bytes) return reply(fail(ErrorKind::kInvalidArgument, fmt::format("the part has {} bytes", part.bytes)));
  auto bytes = files_.read(part, page.offset, static_cast<std::size_t>(page.length));
  if (!bytes) return reply(tl::unexpected(bytes.error()));
  json["length"] = bytes->size();
  json["total"] = part.bytes;
  json["sha256"] = part.sha256;
  json["media_type"] = media_type_of(part);
  json["complete"] = page.offset + bytes->size() == part.bytes;
  publish::Answer given{canonical_json(json), std::move(*bytes), true};
  what.sha256 = part.sha256;
  what.bytes = part.bytes;
  told_.give(access_, what, footage, told_key(page.id, page.part), std::move(given), reply);
}

}  // namespace kanhu
