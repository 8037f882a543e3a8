// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "daemon/commands/look/terminal_picture.hpp"

namespace kanhu {

// A `look` answer about one source for people: whose picture and how old, the picture, its scale, people, hot things, zones, mount.
// `screen.rows` is for all of it. Whatever the JSON holds, nothing throws.
// Thread: any; pure functions.
std::vector<std::string> look_text(const Json& look, const Screen& screen);

// One line a source under a heading; nothing without sources. Of `sources` of a `look` answer without a source, `infrared` of `info`.
std::vector<std::string> look_table(const Json& sources, const Screen& screen);

// What standard output is: colours by NO_COLOR, COLORTERM and TERM, characters by the locale's variables; no colours into a pipe.
Screen screen_of_stdout();

}  // namespace kanhu
