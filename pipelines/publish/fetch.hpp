// The words of `fetch` on the query socket (docs/events.md).
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/publish/access.hpp"
#include "pipelines/publish/journal_pages.hpp"

namespace kanhu::publish {

// {"epoch","after","streams","types","max_events","max_bytes"}, all optional. kInvalidArgument names the member.
Result<FetchRequest> parse_fetch(const Json& request);

// The answer's text: canonical JSON, payloads as they stand in the journal.
std::string to_text(const JournalPage& page, const JournalHead& head);

// The request, cut to what the asker may see. kUnauthorized when it may not fetch, or names a stream it may not see.
Result<FetchRequest> permitted_fetch(const Json& request, const Rights& rights);

// The query socket's answer to it; and both in one.
Result<std::string> answer_permitted(JournalPages& pages, const FetchRequest& wanted, JournalHead head);
Result<std::string> answer_fetch(JournalPages& pages, const Json& request, JournalHead head, const Rights& rights = Rights::all());

}  // namespace kanhu::publish
