// SPDX-License-Identifier: MIT
// Files as a bad disk, a bad copy or somebody who wishes us ill would make them: the same from the same number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace kanhu::test {

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// One to eight changes: bytes turned, runs of zeros and ones, stretches that stand elsewhere again, numbers that are huge, an end cut off.
// Half of them hit the first and last 4 KiB, where headers and indexes are.
inline std::string mutated(std::string bytes, std::uint32_t number) {
  std::mt19937 random(number);
  const auto below = [&](std::size_t most) { return most == 0 ? 0 : random() % most; };
  for (std::size_t changes = 1 + below(8); changes > 0 && bytes.size() > 16; --changes) {
    const std::size_t edge = std::min<std::size_t>(bytes.size(), 4096);
    std::size_t at = below(bytes.size());
    if (const auto where = below(4); where == 0)
      at = below(edge);
    else if (where == 1)
      at = bytes.size() - 1 - below(edge);
    const std::size_t length = std::min(bytes.size() - at, 1 + below(64));
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, '\0');
        break;
      case 2:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, '\xff');
        break;
      case 3:
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size() - length)), length,
                    bytes.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 4:
        for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i) bytes[at + i] = i == 0 ? '\x7f' : static_cast<char>(random());
        break;
      default:
        if (below(8) == 0)
          bytes.resize(std::max<std::size_t>(16, at));
        else
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }
  }
  return bytes;
}

}  // namespace kanhu::test
