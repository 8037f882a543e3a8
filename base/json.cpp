// SPDX-License-Identifier: MIT
#include "base/json.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace kanhu {

namespace {

[[maybe_unused]] constexpr std::int64_t kLargestExact = std::int64_t{1} << 53;

// ECMA-262 Number::toString: the shortest digits that read back the same, laid out by the exponent.
void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) {  // JSON has no such number
    out += "null";
    return;
  }
  if (value == 0) {  // also -0
    out += '0';
    return;
  }
  char text[32] = {};  // stays terminated: a number has 24 characters at most
  const auto end = std::to_chars(text, text + sizeof text, std::abs(value), std::chars_format::scientific).ptr;
  const std::string_view scientific(text, static_cast<std::size_t>(end - text));
  const std::size_t e = scientific.find('e');
  std::string digits;
  std::copy_if(scientific.begin(), scientific.begin() + static_cast<std::ptrdiff_t>(e), std::back_inserter(digits),
               [](char c) { return c != '.'; });
  const int k = static_cast<int>(digits.size());
  const int n = std::atoi(scientific.substr(e + 1).data()) + 1;  // value = 0.digits * 10^n

  if (value < 0) out += '-';
  if (k <= n && n <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(n));
    out += '.';
    out.append(digits, static_cast<std::size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-n), '0');
    out += digits;
  } else {
    out += digits[0];
    if (k > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += n - 1 < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(n - 1));
  }
}

void append_string(std::string& out, std::string_view text) {
  const auto is_plain = [](unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };  // itself
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t plain = at;
    while (plain < text.size() && is_plain(static_cast<unsigned char>(text[plain]))) ++plain;
    if (plain > at) {
      out += text.substr(at, plain - at);
      at = plain;
      continue;
    }
    const Utf8Step step = utf8_step(text, at);
    switch (step.code_point) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (!step.valid) {
          out += "\xef\xbf\xbd";
        } else if (step.code_point < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(step.code_point));
        } else {
          out += text.substr(at, step.bytes);
        }
    }
    at += step.bytes;
  }
  out += '"';
}

std::u16string utf16(std::string_view text) {
  std::u16string units;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    at += step.bytes;
    if (step.code_point < 0x10000) {
      units += static_cast<char16_t>(step.code_point);
    } else {
      units += static_cast<char16_t>(0xd800 + ((step.code_point - 0x10000) >> 10));
      units += static_cast<char16_t>(0xdc00 + ((step.code_point - 0x10000) & 0x3ff));
    }
  }
  return units;
}

// The map's order is that of UTF-8 bytes, which differs from UTF-16's only where surrogates meet U+E000..U+FFFF.
std::vector<Json::const_iterator> in_order(const Json& object) {
  std::vector<Json::const_iterator> members;
  bool ascii = true;
  for (auto member = object.begin(); member != object.end(); ++member) {
    members.push_back(member);
    ascii = ascii && std::all_of(member.key().begin(), member.key().end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }
  if (!ascii) std::sort(members.begin(), members.end(), [](auto a, auto b) { return utf16(a.key()) < utf16(b.key()); });
  return members;
}

void append(std::string& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: {
      out += '{';
      const char* comma = "";
      for (const auto& member : in_order(value)) {
        out += comma;
        comma = ",";
        append_string(out, member.key());
        out += ':';
        append(out, member.value());
      }
      out += '}';
      break;
    }
    case Json::value_t::array: {
      out += '[';
      const char* comma = "";
      for (const Json& element : value) {
        out += comma;
        comma = ",";
        append(out, element);
      }
      out += ']';
      break;
    }
    case Json::value_t::string:
      append_string(out, value.get_ref<const std::string&>());
      break;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      break;
    case Json::value_t::number_integer:
      assert(std::abs(value.get<std::int64_t>()) <= kLargestExact);
      append_number(out, static_cast<double>(value.get<std::int64_t>()));
      break;
    case Json::value_t::number_unsigned:
      assert(value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kLargestExact));
      append_number(out, static_cast<double>(value.get<std::uint64_t>()));
      break;
    case Json::value_t::number_float:
      append_number(out, value.get<double>());
      break;
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      out += "null";
      break;
  }
}

// Builds the value while the text is read, so that depth and duplicate keys stop the reading at once.
class StrictBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(int most_depth) : most_depth_(most_depth) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary value"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (open_.back()->contains(name)) return refuse(fmt::format("key {} stands twice", kanhu::quoted(name)));
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return refuse(fmt::format("not JSON at byte {}", position));
  }

  const std::string& problem() const { return problem_; }
  Json take() { return std::move(root_); }

 private:
  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (static_cast<int>(open_.size()) >= most_depth_) return refuse(fmt::format("nested deeper than {}", most_depth_));
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  const int most_depth_;
  Json root_;
  std::vector<Json*> open_;  // stable: a container gets no new element while its last one is still open
  std::string key_;
  std::string problem_;
};

}  // namespace

std::string canonical_json(const Json& value) {
  std::string out;
  append(out, value);
  return out;
}

double round4(double value) {
  const double rounded = std::round(value * 1e4) / 1e4;
  return rounded == 0 ? 0.0 : rounded;  // no negative zero
}

Result<Json> parse_json(std::string_view text, std::size_t most_bytes, int most_depth) {
  if (text.size() > most_bytes) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("JSON of {} bytes is longer than the {} allowed", text.size(), most_bytes));
  }
  // The parser takes the first for the end of the text, whatever follows, and passes over the second.
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos)
    return fail(ErrorKind::kInvalidArgument, fmt::format("a NUL stands at byte {}", at + 1));
  if (text.starts_with("\xef\xbb\xbf")) return fail(ErrorKind::kInvalidArgument, "it begins with a byte order mark");
  StrictBuilder builder(most_depth);
  if (!Json::sax_parse(text, &builder)) return fail(ErrorKind::kInvalidArgument, builder.problem());
  return builder.take();
}

}  // namespace kanhu
