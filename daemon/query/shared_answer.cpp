// SPDX-License-Identifier: MIT
#include "daemon/query/shared_answer.hpp"

#include <utility>

#include <fmt/format.h>

#include "daemon/query/access_control.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostTexts = 64;

// Names of facilities have no line break.
std::string rights_key(const publish::Rights& rights) {
  std::string key = rights.every_right ? "every" : "";
  for (const publish::Right right : rights.rights) key += static_cast<char>('0' + static_cast<int>(right));
  for (const std::string& facility : rights.facilities) key += '\n' + facility;
  return key;
}

}  // namespace

Result<void> SharedAnswer::renew(MonoTime now) {
  if (makes_.wait_for_one("", now) && !whole_.is_null()) return {};
  auto whole = source_.whole();
  if (!whole) return tl::unexpected(whole.error());
  whole_ = std::move(*whole);
  texts_.clear();
  return {};
}

void SharedAnswer::ask(const publish::Asker& asker, const publish::Reply& reply) {
  // A connection's name is bytes of the socket's choosing, never that of a user.
  const std::string who = asker.user.empty() ? "\n" + asker.connection : asker.user;
  if (const auto wait = limit_.wait_for_one(who, clock_.mono()))
    return reply(retry_later(fmt::format("{} is asked for too often; ask again in {} ms", name_, wait->count()), *wait));
  if (auto renewed = renew(clock_.mono()); !renewed) return reply(tl::unexpected(renewed.error()));
  const std::string key = rights_key(asker.rights);
  auto text = texts_.find(key);
  if (text == texts_.end()) {
    Json answer = source_.cut(whole_, asker.rights);
    answer["v"] = 1;
    answer["ok"] = true;
    answer["request"] = name_;
    if (texts_.size() >= kMostTexts) texts_.clear();
    text = texts_.emplace(key, canonical_json(answer)).first;
  }
  reply(publish::Answer{text->second, "", false});
}

}  // namespace kanhu
