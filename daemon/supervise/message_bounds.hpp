// SPDX-License-Identifier: MIT
// What a message of a worker may hold, whoever it speaks for: sizes of texts, ranges of numbers, shapes of words and ids.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipelines/relay/message.hpp"

namespace kanhu {

// Each says what is wrong, in words that follow "sent ", or nothing. Texts for people are made one line of bounded length instead of being
// refused: a camera may have had a hand in them. Pure; a decoder that was taken over says what it likes, so nothing here may throw.
// Thread: any.
std::optional<std::string> bound(Observation& observation);
std::optional<std::string> bound(relay::SourceUp& up);
std::optional<std::string> bound(relay::SourceEnded& ended);
std::optional<std::string> bound(relay::CameraReport& stats);
std::optional<std::string> bound(ClipRecord& record);

// Valid UTF-8 without control characters, at most `most` bytes.
std::string plain_text(std::string_view text, std::size_t most);

}  // namespace kanhu
