// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace kanhu {

// The pages of /look: each whole in itself, nothing is fetched but the JSON beside it.

// One row a source, of the answer's `sources`; drawn anew by the browser every few seconds.
std::string look_list_page(const Json& sources);
// A canvas that asks for /look/SOURCE.json once a second.
std::string look_source_page(const std::string& source);
// Content-Security-Policy of both: their own style and script by hash, JSON from where they came from, nothing else.
const std::string& look_page_policy();

// Text as it may stand between tags and in quoted attributes.
std::string html_escaped(std::string_view text);

// Whether a request's Host header names this machine's loopback, by number or as localhost: a page of another name that resolves to
// 127.0.0.1 must not read what sensors see (DNS rebinding). An ssh tunnel's local end is loopback too.
bool is_loopback_host(std::string_view host);

}  // namespace kanhu
