// SPDX-License-Identifier: MIT
// The words of `fetch` on the query socket (docs/events.md).
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/journal/pages.hpp"
#include "pipelines/publish/access/rights.hpp"
#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu::publish {

// {"epoch","after","streams","types","max_events","max_bytes"}, all optional. kInvalidArgument names the member.
Result<journal::FetchRequest> parse_fetch(const Json& request);

// The answer's text: canonical JSON, payloads as they stand in the journal.
std::string to_text(const journal::JournalPage& page, const journal::JournalHead& head);

// The request, cut to what the asker may see. kUnauthorized when it may not fetch, or names a stream it may not see.
Result<journal::FetchRequest> permitted_fetch(const Json& request, const Rights& rights);

// The query socket's answer to it; and both in one.
Result<std::string> answer_permitted(journal::JournalPages& pages, const journal::FetchRequest& wanted, journal::JournalHead head);
Result<std::string> answer_fetch(journal::JournalPages& pages, const Json& request, journal::JournalHead head,
                                 const Rights& rights = Rights::all());

}  // namespace kanhu::publish
