// SPDX-License-Identifier: MIT
// Topics, headers and payloads of the live socket (docs/events.md). Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "pipelines/journal/journal.hpp"

namespace kanhu::publish {

inline constexpr std::string_view kTopicRoot = "kanhu1/";

// kanhu1/<facility>/<source or ->/<type>/, always with the last slash: matching is by byte prefix.
std::string topic(std::string_view facility, std::string_view source, std::string_view type);

struct Header {
  std::string_view epoch;  // of what it was made of, which outlives it
  std::uint64_t seq = 0;
  std::uint64_t stream_seq = 0;
  WallTime time{};
  WallTime published{};
  bool durable = true;
  bool provisional = false;
};
std::string encode(const Header& header);
// Of an encoded header of our own; 0 for anything else.
std::uint64_t seq_of(std::string_view header);

Header header_of(const journal::Committed& committed, WallTime published);

// `handed`: the stream's last number handed to the socket.
std::string head_payload(const journal::JournalHead& head, const std::string& facility, std::uint64_t handed, std::uint64_t durable);
std::string heartbeat_payload(const journal::JournalHead& head, std::uint64_t handed, const Json& more);
std::string commit_payload(const journal::Committed& committed);

}  // namespace kanhu::publish
