// SPDX-License-Identifier: MIT
#include "config/yaml/prescan.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace kanhu {

namespace {

// Reads line by line. Between lines it keeps only the open collections, so that a stray quote cannot hide the rest
// of the file from it.
class Scanner {
 public:
  Scanner(std::string_view text, const PrescanLimits& limits) : text_(text), limits_(limits) {}

  PrescanResult run() {
    if (text_.size() > limits_.most_bytes) {
      refuse_at({0, 0}, fmt::format("the file has {} bytes; at most {} are read", text_.size(), limits_.most_bytes));
      return result_;
    }
    std::string_view rest = text_;
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
    while (!rest.empty() && !result_.problem) {
      ++line_number_;
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      line_ = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      result_.bytes_looked_at += end + 1;
      if (characters()) structure();
    }
    if (!result_.problem && !flow_.empty()) refuse_at(flow_.back().mark, fmt::format("'{}' is never closed", flow_.back().bracket));
    return result_;
  }

 private:
  struct Open {
    char bracket;
    Mark mark;
  };

  bool refuse_at(Mark mark, std::string message) {
    if (!result_.problem) result_.problem = Problem{"", mark.line, mark.column, std::move(message)};
    return false;
  }
  Mark here() const {
    int column = 1;
    for (std::size_t at = 0; at < at_ && at < line_.size(); at += utf8_step(line_, at).bytes) ++column;
    return {line_number_, column};
  }
  bool refuse(std::string message) { return refuse_at(here(), std::move(message)); }

  bool characters() {
    if (line_.size() > limits_.most_line_bytes) {
      at_ = 0;
      return refuse(fmt::format("the line has {} bytes; at most {} are read", line_.size(), limits_.most_line_bytes));
    }
    for (at_ = 0; at_ < line_.size();) {
      const Utf8Step step = utf8_step(line_, at_);
      if (!step.valid) return refuse("the text is not valid UTF-8 here");
      const char32_t c = step.code_point;
      if ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff) {
        return refuse(fmt::format("control character U+{:04X}", static_cast<unsigned>(c)));
      }
      at_ += step.bytes;
    }
    return true;
  }

  char peek(std::size_t ahead = 0) const { return at_ + ahead < line_.size() ? line_[at_ + ahead] : '\0'; }
  bool ends_word(std::size_t ahead) const { return at_ + ahead >= line_.size() || peek(ahead) == ' '; }
  bool at_comment() const { return peek() == '#' && (at_ == 0 || line_[at_ - 1] == ' ' || line_[at_ - 1] == '\t'); }

  bool structure() {
    at_ = 0;
    if (flow_.empty() && !document_marks()) return false;
    if (at_ >= line_.size()) return true;
    skip_spaces();
    if (at_ >= line_.size() || peek() == '#') return true;
    if (peek() == '\t') return refuse("a tab; YAML is indented with spaces");
    seen_content_ = true;
    if (flow_.empty() && !indent(at_)) return false;
    node_starts_ = flow_.empty() || node_starts_;
    while (at_ < line_.size() && !at_comment()) {
      if (!step()) return false;
      skip_spaces();
    }
    return true;
  }

  bool document_marks() {
    if (line_.starts_with('%')) return refuse("YAML directives (%) are refused");
    if (line_.starts_with("...") && (line_.size() == 3 || line_[3] == ' '))
      return refuse("'...' is refused: a configuration is one document");
    if (line_.starts_with("---") && (line_.size() == 3 || line_[3] == ' ')) {
      if (seen_content_) return refuse("a second document begins here; a configuration is one document");
      seen_content_ = true;
      at_ = 3;
      skip_spaces();
      if (at_ < line_.size() && !at_comment()) return refuse("'---' stands on a line of its own");
      at_ = line_.size();
    }
    return true;
  }

  void skip_spaces() {
    while (peek() == ' ') ++at_;
  }

  bool indent(std::size_t column) {
    while (!indents_.empty() && indents_.back() > column) indents_.pop_back();
    if (indents_.empty() || indents_.back() < column) indents_.push_back(column);
    return deep_enough();
  }

  bool deep_enough() {
    if (static_cast<int>(indents_.size() + flow_.size()) <= limits_.most_depth) return true;
    return refuse(fmt::format("nested deeper than {}", limits_.most_depth));
  }

  bool count() {
    if (++tokens_ <= limits_.most_tokens) return true;
    return refuse(fmt::format("more than {} keys and values", limits_.most_tokens));
  }

  // One token of the line.
  bool step() {
    const char c = peek();
    if (c == '\t') return refuse("a tab; use spaces");
    if (!count()) return false;
    if (!flow_.empty() && c == ',') return advance(true);
    if (!flow_.empty() && (c == ']' || c == '}')) return close(c);
    if (c == ':' && node_starts_ && ends_word(1)) return refuse("a key is missing before ':'");
    if (c == ':' && (ends_word(1) || !flow_.empty())) return advance(true);
    if (node_starts_) return node(c);
    // What follows a finished node without a separator is for the YAML library to complain about.
    return plain();
  }

  bool advance(bool node_starts) {
    ++at_;
    node_starts_ = node_starts;
    return true;
  }

  bool close(char bracket) {
    const char opening = bracket == ']' ? '[' : '{';
    if (flow_.back().bracket != opening) return refuse(fmt::format("'{}' does not close '{}'", bracket, flow_.back().bracket));
    flow_.pop_back();
    return advance(false);
  }

  bool node(char c) {
    switch (c) {
      case '"':
      case '\'':
        return quoted_text(c);
      case '[':
      case '{':
        flow_.push_back({c, here()});
        return deep_enough() && advance(true);
      case '&':
        return refuse("anchors (&name) are refused; write the value out, or use `defaults:`");
      case '*':
        return refuse("aliases (*name) are refused; write the value out, or use `defaults:`; text that begins with * is quoted");
      case '!':
        return refuse("tags (!type) are refused; text that begins with ! is quoted");
      case '|':
      case '>':
        return refuse("block text (| and >) is refused; write the text on one line");
      case '%':
      case '@':
      case '`':
        return refuse(fmt::format("text that begins with {} is quoted", c));
      case ']':
      case '}':
        return refuse(fmt::format("'{}' closes nothing", c));
      case '?':
        if (ends_word(1)) return refuse("complex keys (?) are refused");
        return plain();
      case '-':
        if (!flow_.empty() || !ends_word(1)) return plain();
        advance(true);
        skip_spaces();
        if (peek() == '\t') return refuse("a tab; use spaces");
        return at_ >= line_.size() || at_comment() || indent(at_);
      default:
        return plain();
    }
  }

  bool quoted_text(char quote) {
    const Mark start = here();
    for (++at_; at_ < line_.size(); ++at_) {
      if (quote == '"' && peek() == '\\') {
        ++at_;
      } else if (peek() == quote) {
        if (quote == '\'' && peek(1) == '\'') {
          ++at_;
        } else {
          return advance(false);
        }
      }
    }
    return refuse_at(start, "the quote is not closed on this line");
  }

  bool plain() {
    node_starts_ = false;
    for (; at_ < line_.size(); ++at_) {
      const char c = peek();
      if (c == ':' && node_starts_ && ends_word(1)) return refuse("a key is missing before ':'");
      if (c == ':' && (ends_word(1) || (!flow_.empty() && std::string_view(",[]{}").find(peek(1)) != std::string_view::npos))) return true;
      if (c == '\t') return refuse("a tab; use spaces");
      if (at_comment()) return true;
      if (flow_.empty()) continue;
      if (c == ',' || c == ']' || c == '}') return true;
      if (c == '[' || c == '{') {
        node_starts_ = true;
        return true;
      }
    }
    return true;
  }

  std::string_view text_;
  const PrescanLimits limits_;
  PrescanResult result_;
  std::string_view line_;
  std::size_t at_ = 0;
  int line_number_ = 0;
  std::size_t tokens_ = 0;
  std::vector<std::size_t> indents_;
  std::vector<Open> flow_;
  bool node_starts_ = true;
  bool seen_content_ = false;
};

}  // namespace

PrescanResult prescan(std::string_view text, const PrescanLimits& limits) { return Scanner(text, limits).run(); }

}  // namespace kanhu
