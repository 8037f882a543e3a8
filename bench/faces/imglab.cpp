// SPDX-License-Identifier: MIT
// imglab's XML, as far as it labels boxes: <image file=''> holds <box left='' top='' width='' height='' ignore=''/>, which may
// hold <part name='' x='' y=''/>. A scanner for these elements, not an XML parser: nothing else in the file matters.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/text.hpp"
#include "bench/faces/labels.hpp"

namespace kanhu::bench {
namespace {

struct Element {
  std::string name;  // "/image" for an end
  std::map<std::string, std::string> attributes;
  bool closed = false;  // by itself
  int line = 0;
};

std::string unescaped(std::string_view text) {
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}, {"&quot;", '"'}};
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const auto* entity =
        std::find_if(std::begin(kEntities), std::end(kEntities), [&](const auto& one) { return text.substr(at).starts_with(one.first); });
    plain += entity == std::end(kEntities) ? text[at] : entity->second;
    at += entity == std::end(kEntities) ? 1 : entity->first.size();
  }
  return plain;
}

class Scanner {
 public:
  Scanner(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  // The next element; an empty name at the end.
  Result<Element> next() {
    for (;;) {
      const std::size_t open = text_.find('<', at_);
      if (open == std::string_view::npos) return Element{};
      advance(open);
      const std::string_view rest = text_.substr(open);
      const std::string_view end = rest.starts_with("<!--")        ? "-->"
                                   : rest.starts_with("<![CDATA[") ? "]]>"
                                   : rest.starts_with("<?")        ? "?>"
                                                                   : "";
      if (!end.empty()) {
        const std::size_t close = text_.find(end, open);
        if (close == std::string_view::npos) return wrong(line_, fmt::format("what begins here never ends with {}", end));
        advance(close + end.size());
        continue;
      }
      if (rest.starts_with("<!")) {
        advance(std::min(text_.find('>', open), text_.size()));
        continue;
      }
      return element();
    }
  }

  tl::unexpected<Error> wrong(int line, const std::string& what) const {
    return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: {}", path_, line, what));
  }

 private:
  void advance(std::size_t to) {
    line_ += static_cast<int>(
        std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }
  void skip_blank() { advance(std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size())); }

  Result<Element> element() {
    Element element;
    element.line = line_;
    advance(at_ + 1);
    const std::size_t name_end = std::min(text_.find_first_of(" \t\r\n>", at_), text_.size());
    element.name = text_.substr(at_, name_end - at_);
    if (element.name.size() > 1 && element.name.back() == '/') {
      element.name.pop_back();
      element.closed = true;
    }
    advance(name_end);
    for (;;) {
      skip_blank();
      if (at_ >= text_.size()) return wrong(element.line, fmt::format("<{} is cut off", element.name));
      if (text_[at_] == '>') break;
      if (text_[at_] == '/') {
        element.closed = true;
        advance(at_ + 1);
        continue;
      }
      const std::size_t equals = text_.find_first_of("=<>", at_);
      if (equals == std::string_view::npos || text_[equals] != '=')
        return wrong(line_, fmt::format("<{}: an attribute without a value", element.name));
      std::string_view key = text_.substr(at_, equals - at_);
      key = key.substr(0, key.find_last_not_of(" \t\r\n") + 1);
      advance(equals + 1);
      skip_blank();
      const char quote = at_ < text_.size() ? text_[at_] : '\0';
      const std::size_t close = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : std::string_view::npos;
      if (close == std::string_view::npos) return wrong(line_, fmt::format("<{} {}= has no closed quotes", element.name, key));
      element.attributes[std::string(key)] = unescaped(text_.substr(at_ + 1, close - at_ - 1));
      advance(close + 1);
    }
    advance(at_ + 1);
    return element;
  }

  std::string path_;
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

using Parts = std::map<std::string, Point>;

std::optional<Point> middle(const Parts& parts, int first, int last) {
  Point sum;
  for (int i = first; i <= last; ++i) {
    auto part = parts.find(fmt::format("{:02}", i));
    if (part == parts.end()) part = parts.find(std::to_string(i));
    if (part == parts.end()) return {};
    sum.x += part->second.x / (last - first + 1);
    sum.y += part->second.y / (last - first + 1);
  }
  return sum;
}

std::optional<Eyes> eyes_of(const Parts& parts) {
  const auto right = parts.find("right_eye"), left = parts.find("left_eye");
  if (right != parts.end() && left != parts.end()) return Eyes{right->second, left->second};
  if (parts.size() != 68 && parts.size() != 5) return {};
  const bool many = parts.size() == 68;
  const auto first = many ? middle(parts, 36, 41) : middle(parts, 2, 3), second = many ? middle(parts, 42, 47) : middle(parts, 0, 1);
  if (!first || !second) return {};
  return Eyes{*first, *second};
}

Result<double> number_of(const Element& element, const std::string& key, const Scanner& scanner) {
  const auto attribute = element.attributes.find(key);
  if (attribute == element.attributes.end()) return scanner.wrong(element.line, fmt::format("<{}> without {}", element.name, key));
  const auto number = number_in(attribute->second);
  if (!number)
    return scanner.wrong(element.line,
                         fmt::format("<{}> has {} {}, a number in pixels is needed", element.name, key, quoted(attribute->second, 20)));
  return *number;
}

Result<Label> box_of(const Element& element, const Scanner& scanner) {
  Label label;
  for (auto [key, value] : {std::pair{"left", &label.left}, {"top", &label.top}, {"width", &label.width}, {"height", &label.height}}) {
    auto number = number_of(element, key, scanner);
    if (!number) return tl::unexpected(number.error());
    *value = *number;
  }
  if (!(label.width > 0) || !(label.height > 0)) return scanner.wrong(element.line, "<box> width and height must be above 0");
  const auto ignore = element.attributes.find("ignore");
  label.ignore = ignore != element.attributes.end() && ignore->second != "0" && ignore->second != "false";
  return label;
}

struct Reading {
  std::vector<PictureLabels> pictures;
  bool in_image = false, in_box = false;
  Parts parts;

  void end_box() {
    if (in_box) pictures.back().faces.back().eyes = eyes_of(parts);
    in_box = false;
    parts.clear();
  }
};

Result<void> take_part(Reading& reading, const Element& element, const Scanner& scanner) {
  const auto name = element.attributes.find("name");
  const auto x = number_of(element, "x", scanner), y = number_of(element, "y", scanner);
  if (!x) return tl::unexpected(x.error());
  if (!y) return tl::unexpected(y.error());
  if (name == element.attributes.end()) return scanner.wrong(element.line, "<part> without name");
  if (!reading.in_box) return scanner.wrong(element.line, "<part> outside a <box>");
  reading.parts[name->second] = {*x, *y};
  return {};
}

Result<void> take(Reading& reading, const Element& element, const Scanner& scanner) {
  if (element.name == "image") {
    const auto file = element.attributes.find("file");
    if (file == element.attributes.end() || file->second.empty()) return scanner.wrong(element.line, "<image> without file");
    if (reading.in_image) return scanner.wrong(element.line, "<image> inside an <image> that is not closed");
    reading.pictures.push_back({file->second, element.line, {}});
    reading.in_image = !element.closed;
  } else if (element.name == "/image") {
    reading.end_box();
    reading.in_image = false;
  } else if (element.name == "box") {
    reading.end_box();
    if (!reading.in_image) return scanner.wrong(element.line, "<box> outside an <image>");
    auto label = box_of(element, scanner);
    if (!label) return tl::unexpected(label.error());
    reading.pictures.back().faces.push_back(*label);
    reading.in_box = !element.closed;
  } else if (element.name == "/box") {
    reading.end_box();
  } else if (element.name == "part") {
    return take_part(reading, element, scanner);
  }
  return {};
}

}  // namespace

Result<std::vector<PictureLabels>> read_imglab(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  Scanner scanner(path, *text);
  Reading reading;
  bool rooted = false;
  for (;;) {
    const auto element = scanner.next();
    if (!element) return tl::unexpected(element.error());
    if (!rooted && element->name != "dataset")
      return fail(ErrorKind::kUnsupported, fmt::format("{}:{}: not imglab's XML, which begins with <dataset>", path, element->line));
    rooted = true;
    if (element->name.empty()) return scanner.wrong(1, "<dataset> is never closed: the file is cut off");
    if (element->name == "/dataset") return reading.pictures;
    if (auto taken = take(reading, *element, scanner); !taken) return tl::unexpected(taken.error());
  }
}

}  // namespace kanhu::bench
