// SPDX-License-Identifier: MIT
// Reads one mapping of the configuration key by key and remembers what it was asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/place.hpp"
#include "config/yaml/tree.hpp"

namespace kanhu {

// What reading a configuration collects.
struct ConfigReading {
  std::vector<Problem> problems;
  std::vector<Place> places;
  std::vector<std::string>* keys = nullptr;  // when set, nothing is read: every key asked for is listed
  std::vector<Problem> warnings;             // legal, and probably not what was meant
  void refuse(Mark mark, std::string message);
  void warn(Mark mark, std::string message);
  void note(PlaceKind kind, std::string key, std::string value, Mark mark);
};

// One mapping. Each getter leaves the value alone when the key is absent or wrong (and then says so), so that one
// pass finds every problem; `finish` reports the keys nobody asked for, with the nearest that is known.
// Thread: confined.
class Section {
 public:
  // `node` may be nullptr: then nothing is there.
  Section(ConfigReading& reading, const YamlNode* node, Mark where, std::string path);

  bool has(std::string_view key) const;
  Mark mark(std::string_view key) const;  // of the value, else of the section
  Mark where() const { return where_; }
  ConfigReading& reading() const { return reading_; }

  bool text(std::string_view key, std::string& into, std::size_t most_bytes = 128);
  bool identifier(std::string_view key, std::string& into);
  // As identifier, but the message never repeats the value.
  bool secret_name(std::string_view key, std::string& into);
  void flag(std::string_view key, bool& into);
  void integer(std::string_view key, int& into, int least, int most);
  void number(std::string_view key, double& into, double least, double most);
  void duration(std::string_view key, std::chrono::milliseconds& into, std::chrono::milliseconds least, std::chrono::milliseconds most);
  void hours(std::string_view key, std::chrono::hours& into, std::chrono::hours least, std::chrono::hours most);
  void bytes(std::string_view key, std::uint64_t& into, std::uint64_t least, std::uint64_t most);
  bool choice(std::string_view key, std::string& into, std::span<const std::string_view> allowed);

  Section section(std::string_view key);
  // Calls `each` for every element of the list (for the key list: once, with nullptr). False when there is no list.
  bool list(std::string_view key, const std::function<void(const YamlNode*, Mark, const std::string& path)>& each);
  // A list of [x, y]; empty when absent.
  void polygon(std::string_view key, Polygon& into);

  void required(std::string_view key, std::string_view hint);
  void finish();

  static std::optional<Polygon> read_polygon(ConfigReading& reading, const YamlNode& node);

 private:
  const YamlNode* find(std::string_view key);
  const YamlNode* scalar(std::string_view key, std::string_view expected, bool quotes = true);

  ConfigReading& reading_;
  const YamlNode* node_;
  Mark where_;
  std::string path_;
  bool wrong_kind_ = false;  // said already
  std::vector<std::string_view> asked_;
};

}  // namespace kanhu
