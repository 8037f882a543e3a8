#include "daemon/clip_answer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostFates = 4096;
constexpr std::size_t kMostTold = 4096;
constexpr auto kToldFor = std::chrono::minutes(10);

Result<std::uint64_t> whole_number(const Json& request, const char* key, std::uint64_t otherwise, std::int64_t least, std::int64_t most) {
  const auto found = request.find(key);
  if (found == request.end()) return otherwise;
  const std::int64_t value = found->is_number_integer() ? found->get<std::int64_t>() : -1;  // what is larger than 2^63 becomes negative
  if (value < least || value > most)
    return fail(ErrorKind::kInvalidArgument, fmt::format(R"("{}" is a whole number of {} to {})", key, least, most));
  return static_cast<std::uint64_t>(value);
}

const char* media_type_of(const record::ShelvedPart& part) { return part.file.ends_with(".mov") ? "video/quicktime" : "video/mp4"; }

std::string told_key(const std::string& id, int part) { return fmt::format("{}.{}", id, part); }

}  // namespace

void ClipFates::note(const ClipRecord& record) {
  if (record.status != ClipStatus::kMissing) return;
  std::scoped_lock lock(mutex_);
  if (!records_.insert_or_assign(record.clip, record).second) return;
  order_.push_back(record.clip);
  if (order_.size() <= kMostFates) return;
  records_.erase(order_.front());
  order_.pop_front();
}

std::optional<ClipRecord> ClipFates::find(const std::string& clip) const {
  std::scoped_lock lock(mutex_);
  const auto found = records_.find(clip);
  return found == records_.end() ? std::nullopt : std::optional(found->second);
}

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
  auto clip = shelf_.find(id);
  if (clip || clip.error().kind != ErrorKind::kNotFound) return clip;
  const auto fate = fates_.find(id);
  if (!fate) {
    return fail(ErrorKind::kNotFound,
                fmt::format("no clip {} is kept: there was none, or retention removed it (clips_storage); the events of its "
                            "subject say what became of it",
                            kanhu::quoted(id)));
  }
  record::ShelvedClip gone;
  gone.id = id;
  gone.facility = fate->facility;
  gone.source = fate->source;
  gone.status = ClipStatus::kMissing;
  gone.reason = fate->reason;
  return gone;
}

bool ClipAnswer::was_told(const std::string& user, const Page& page) {
  std::scoped_lock lock(mutex_);
  const auto found = told_.find({user, told_key(page.id, page.part)});
  return found != told_.end() && access_.clock().mono() - found->second < kToldFor;
}

void ClipAnswer::note_told(const std::string& user, const Page& page) {
  std::scoped_lock lock(mutex_);
  const MonoTime now = access_.clock().mono();
  if (told_.size() >= kMostTold) std::erase_if(told_, [&](const auto& each) { return now - each.second >= kToldFor; });
  if (told_.size() >= kMostTold) told_.clear();  // told once more rather than not at all
  told_[{user, told_key(page.id, page.part)}] = now;
}

// On the disk's thread.
void ClipAnswer::answer(const Page& page, const publish::Asker& asker, const publish::Reply& reply) {
  const auto clip = find(page.id);
  if (!clip) return reply(tl::unexpected(clip.error()));
  rules::Access what;
  what.user = asker.user;
  what.request = "clip";
  what.facility = clip->facility;
  what.source = clip->source.empty() ? "-" : clip->source;
  what.clip = clip->id;
  what.part = page.part;
  if (!access_.sees(asker, what)) return reply(fail(ErrorKind::kNotFound, fmt::format("no clip {} is kept", kanhu::quoted(page.id))));
  if (auto shown = access_.may_be_shown(what.source); !shown) return reply(tl::unexpected(shown.error()));

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
  auto bytes = shelf_.read(part, page.offset, static_cast<std::size_t>(page.length));
  if (!bytes) return reply(tl::unexpected(bytes.error()));
  json["length"] = bytes->size();
  json["total"] = part.bytes;
  json["sha256"] = part.sha256;
  json["media_type"] = media_type_of(part);
  json["complete"] = page.offset + bytes->size() == part.bytes;
  publish::Answer given{canonical_json(json), std::move(*bytes), true};
  if (was_told(asker.user, page)) return reply(std::move(given));
  what.sha256 = part.sha256;
  what.bytes = part.bytes;
  access_.give(what, std::move(given), reply, [this, user = asker.user, page] { note_told(user, page); });
}

}  // namespace kanhu
