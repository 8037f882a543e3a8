// SPDX-License-Identifier: MIT
#include "daemon/query/look_requests.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "daemon/query/look_answer.hpp"
#include "daemon/query/visible_state.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

constexpr auto kJournalPatience = std::chrono::seconds(2);

rules::Access look_of(const std::string& user) {
  rules::Access what;
  what.user = user;
  what.request = "look";
  what.facility = what.source = "-";
  return what;
}

}  // namespace

Result<Json> LookRequests::seen(const Json& request, const publish::Rights& rights, rules::Access& what) const {
  const ConfigPtr config = visible_config(access_.config(), rights);
  const MonoTime now = access_.clock().mono();
  const auto source = request.find("source");
  if (source == request.end()) return Json{{"sources", look_list(*config, infrared_, now)}};
  if (!source->is_string())
    return fail(ErrorKind::kInvalidArgument, R"("source" is the id of an infrared source; without it all of them are listed)");
  const auto id = source->get<std::string>();
  auto look = look_at(*config, infrared_, id, now);
  if (!look) return tl::unexpected(look.error());
  what.source = id;
  what.facility = config->facility_of(id)->id;
  return Json{{"look", std::move(*look)}};
}

void LookRequests::ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
  rules::Access what = look_of(asker.user);
  if (auto may = access_.check_right(asker, publish::Right::kPicture, what); !may) return reply(tl::unexpected(may.error()));
  if (auto busy = access_.too_often(asker, "look", limit_)) return reply(std::move(*busy));
  auto seen = this->seen(request, asker.rights, what);
  if (!seen) return reply(tl::unexpected(seen.error()));
  (*seen)["v"] = 1;
  (*seen)["ok"] = true;
  (*seen)["request"] = "look";
  publish::Answer answer{canonical_json(*seen), "", false};
  if (what.source == "-") return reply(std::move(answer));
  told_.give(access_, what, {}, what.source, std::move(answer), reply);
}

Result<Json> LookRequests::look_here(const Json& request) {
  rules::Access what = look_of("");
  auto seen = this->seen(request, publish::Rights::all(), what);
  if (!seen || what.source == "-") return seen;
  auto told = std::make_shared<std::promise<bool>>();
  auto journalled = told->get_future();
  told_.give(access_, what, {}, what.source, {},
             [told = std::move(told)](const Result<publish::Answer>& given) { told->set_value(given && given->text.empty()); });
  if (journalled.wait_for(kJournalPatience) != std::future_status::ready)
    return fail(ErrorKind::kTimeout, "the journal's disk stalls, and nothing is shown before the access is journalled; ask again");
  try {
    if (journalled.get()) return seen;
  } catch (const std::future_error&) {
    return fail(ErrorKind::kInternal, "the access could not be journalled; the gateway's log says why");
  }
  return fail(ErrorKind::kIo, "the access cannot be journalled (is the disk full?), and nothing is shown without that");
}

}  // namespace kanhu
