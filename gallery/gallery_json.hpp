// SPDX-License-Identifier: MIT
// A gallery as text: what is encrypted in its file (docs/gallery.md).
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "gallery/gallery.hpp"

namespace kanhu::gallery {

// Larger content is refused: 20,000 people with 5 templates of 128 numbers are 80 MB.
inline constexpr std::size_t kMostContentBytes = 128u << 20;

// Canonical JSON; embeddings as base64 of little-endian float32.
std::string to_text(const Gallery& gallery);
// kCorrupt names the first member that is missing or wrong, never its value.
Result<Gallery> from_text(std::string_view text);

std::string embedding_text(const std::vector<float>& embedding);

// The parts of it that decide about faces.
Json deciding_content(const Gallery& gallery);

}  // namespace kanhu::gallery
