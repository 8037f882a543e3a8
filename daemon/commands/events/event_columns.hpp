// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "pipelines/journal/search/event_search.hpp"

namespace kanhu {

// Events of the journal as `kanhu events` prints them. Whatever a body holds, nothing throws.
// Thread: confined to one, for times (local_time.hpp).

// Cells of a terminal that a text takes: two for what is East Asian and wide, none for what combines.
std::size_t shown_width(std::string_view text);
// Padded with spaces, or cut with an ellipsis, to so many cells.
std::string fitted(std::string_view text, std::size_t cells);
// Control characters and invalid UTF-8 become a question mark.
std::string harmless(std::string_view text);

// `columns`: the terminal's; 0: not cut. With a heading for the first.
std::string table_heading();
std::string table_line(const journal::StoredEvent& event, const std::string& zone, std::size_t columns);

// RFC 4180, with CRLF. A field that a spreadsheet would take for a formula (= + - @, tab, carriage return in front) gets an apostrophe in
// front.
std::string csv_field(std::string_view text);
std::string csv_heading();
std::string csv_line(const journal::StoredEvent& event, const std::string& zone);

// One JSON object: `event` is the body byte for byte, `journal` where and how it is stored.
std::string stored_json(const journal::StoredEvent& event, const std::string& zone, std::string_view chain);

}  // namespace kanhu
