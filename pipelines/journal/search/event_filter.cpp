// SPDX-License-Identifier: MIT
#include "pipelines/journal/search/event_filter.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"

namespace kanhu::journal {
namespace {

// Takes four strings out of a body without building its tree: an index reads a million of them.
class FactsReader final : public Json::json_sax_t {
 public:
  EventFacts facts;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool string(string_t& value) override {
    if (depth_ == 1 && path_[0] == "subject") facts.subject = value;
    if (depth_ == 2 && path_[0] == "data" && path_[1] == "zone") facts.zone = value;
    if (depth_ == 2 && path_[0] == "data" && path_[1] == "severity") facts.severity = value;
    if (depth_ == 3 && path_[0] == "data" && path_[1] == "person" && path_[2] == "person_ref") facts.person = value;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ >= 1 && depth_ <= path_.size()) path_[depth_ - 1] = name;
    return true;
  }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  // Nothing of interest stands in an array: its elements are deeper than any path looked for.
  bool start_array(std::size_t) override {
    depth_ += path_.size();
    return depth_ < kDeepest;
  }
  bool end_array() override {
    depth_ -= path_.size();
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  static constexpr std::size_t kDeepest = 300;
  bool enter() {
    ++depth_;
    return depth_ < kDeepest;
  }
  bool leave() {
    --depth_;
    return true;
  }
  std::size_t depth_ = 0;
  std::array<std::string, 3> path_;
};

// What is escaped in JSON stands there in another form.
bool is_plain(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char letter) { return letter > 0x1f && letter < 0x7f && letter != '"' && letter != '\\'; });
}

bool lacks(std::string_view body, const std::string& value) {
  return !value.empty() && is_plain(value) && body.find("\"" + value) == std::string_view::npos;
}

}  // namespace

EventFacts facts_of(std::string_view body) {
  FactsReader reader;
  if (!Json::sax_parse(body.begin(), body.end(), &reader)) return {};
  return reader.facts;
}

bool is_of_type(const EventFilter& filter, std::string_view type) {
  std::string_view wanted = filter.type;
  if (wanted.empty() || wanted == type) return true;
  if (wanted.back() == '*')
    wanted.remove_suffix(1);
  else if (wanted.back() != '.')
    return false;
  return type.starts_with(wanted);
}

bool record_matches(const EventFilter& filter, const Record& record) {
  return (filter.facility.empty() || filter.facility == record.stream) && (filter.source.empty() || filter.source == record.source) &&
         (!filter.since || record.time_us >= to_microseconds(*filter.since)) &&
         (!filter.until || record.time_us < to_microseconds(*filter.until)) && (filter.seq == 0 || filter.seq == record.seq) &&
         is_of_type(filter, record.type);
}

bool facts_match(const EventFilter& filter, const EventFacts& facts) {
  return facts.subject.starts_with(filter.subject) && (filter.zone.empty() || filter.zone == facts.zone) &&
         (filter.severity.empty() || filter.severity == facts.severity) && (filter.person.empty() || filter.person == facts.person);
}

bool body_cannot_match(const EventFilter& filter, std::string_view body) {
  return lacks(body, filter.subject) || lacks(body, filter.zone) || lacks(body, filter.severity) || lacks(body, filter.person);
}

}  // namespace kanhu::journal
