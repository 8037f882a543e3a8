// SPDX-License-Identifier: MIT
#include "daemon/query/fetch_answer.hpp"

#include <chrono>
#include <string>

#include "base/fault.hpp"
#include "pipelines/publish/fetch.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

// So long `kanhu watch` waits for an answer. Behind a disk that hung for minutes stand pages that nobody waits for any more.
constexpr auto kWorthReading = std::chrono::seconds(5);

Error too_busy() { return {ErrorKind::kTimeout, "too many wait for the journal's disk; ask again"}; }

}  // namespace

void FetchAnswer::ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
  auto wanted = publish::permitted_fetch(request, asker.rights);
  if (!wanted) return reply(tl::unexpected(wanted.error()));
  const bool posted =
      disk_.post_page(asker, [this, wanted = std::move(*wanted), reply, asked = clock_.mono()] { reply(page(wanted, asked)); });
  if (!posted) reply(tl::unexpected(too_busy()));
}

Result<publish::Answer> FetchAnswer::page(const journal::FetchRequest& wanted, MonoTime asked) const {
  if (clock_.mono() - asked > kWorthReading) return tl::unexpected(too_busy());
  Result<publish::Answer> answer = fail(ErrorKind::kInternal, "fetch could not be answered; the gateway's log says why");
  faults::contained("evidence", [&] {
    answer = publish::answer_permitted(pages_, wanted, head_()).map([](std::string text) {
      return publish::Answer{std::move(text), "", false};
    });
  });
  return answer;
}

}  // namespace kanhu
