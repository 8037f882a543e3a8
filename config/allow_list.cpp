// SPDX-License-Identifier: MIT
#include "config/allow_list.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "config/checks.hpp"
#include "config/text_file.hpp"
#include "config/yaml/section.hpp"
#include "config/yaml/tree.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostPatterns = 256;
constexpr std::string_view kZ85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

constexpr std::string_view kHead =
    "# Who may subscribe to this gateway, and what of (docs/operations.md). `kanhu keys` rewrites this file; a running gateway\n"
    "# takes a change within a second, and refuses the whole file when something in it is wrong.\n";

// A list of words, each looked at by `fault`.
template <typename Fault>
void read_list(Section& section, std::string_view key, std::size_t most, std::vector<std::string>& into, Fault fault) {
  section.list(key, [&](const YamlNode* node, Mark where, const std::string&) {
    ConfigReading& reading = section.reading();
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar) return reading.refuse(where, fmt::format("{}: a list of words expected", key));
    if (const std::string wrong = fault(node->text); !wrong.empty()) return reading.refuse(where, fmt::format("{}: {}", key, wrong));
    if (std::find(into.begin(), into.end(), node->text) != into.end())
      return reading.refuse(where, fmt::format("{}: {} stands here twice", key, node->text));
    if (into.size() >= most) return reading.refuse(where, fmt::format("{}: at most {} words", key, most));
    into.push_back(node->text);
  });
  if (section.has(key) && into.empty() && section.reading().problems.empty())
    section.reading().refuse(section.mark(key), fmt::format("{}: at least one expected; leave the whole entry out to allow nothing", key));
}

std::string right_fault(std::string_view name) { return right_named(name) ? "" : not_one_of(name, kRightNames); }

struct Seen {
  std::set<std::string> names, keys;
};

AllowedSubscriber read_subscriber(Section section, Seen& seen) {
  AllowedSubscriber one;
  ConfigReading& reading = section.reading();
  section.required("name", "a short name, for logs and `kanhu keys revoke`");
  section.required("public_key", "the public half of its key; kanhu keys add makes a pair");
  section.required("facilities", "[fuxing], [fuxing, xinhua*] or ['*']");
  section.required("rights", fmt::format("[{}] or some of them", fmt::join(kRightNames, ", ")));
  if (section.identifier("name", one.name) && !seen.names.insert(one.name).second)
    reading.refuse(section.mark("name"), fmt::format("name: {} stands here twice", one.name));
  if (section.text("public_key", one.public_key)) {
    if (const std::string fault = public_key_fault(one.public_key); !fault.empty())
      reading.refuse(section.mark("public_key"), "public_key: " + fault);
    else if (!seen.keys.insert(one.public_key).second)
      reading.refuse(section.mark("public_key"), "public_key: another subscriber has the same; each needs a key of its own");
  }
  read_list(section, "facilities", kMostPatterns, one.facilities, [](std::string_view text) { return facility_pattern_fault(text); });
  read_list(section, "rights", std::size(kRightNames), one.rights, [](std::string_view text) { return right_fault(text); });
  if (std::string text; section.text("expires", text)) {
    if (auto time = parse_utc(text))
      one.expires = *time;
    else
      reading.refuse(section.mark("expires"), "expires: a time like 2027-01-01T00:00:00+08:00 expected");
  }
  section.finish();
  return one;
}

std::string cause_of(int code) { return std::generic_category().message(code); }

}  // namespace

std::string public_key_fault(std::string_view z85) {
  if (z85.size() != 40) return fmt::format("40 characters of Z85 expected, found {}", z85.size());
  for (std::size_t group = 0; group < z85.size(); group += 5) {
    std::uint64_t value = 0;
    for (const char c : z85.substr(group, 5)) {
      const auto digit = kZ85.find(c);
      if (digit == std::string_view::npos) return fmt::format("{} is no character of Z85", kanhu::quoted(std::string_view(&c, 1)));
      value = value * 85 + digit;
    }
    if (value > 0xffff'ffffu) return "not a key: no 32 bytes are written so in Z85";
  }
  return "";
}

std::string facility_pattern_fault(std::string_view pattern) {
  const bool open = pattern.ends_with('*');
  const std::string_view stem = open ? pattern.substr(0, pattern.size() - 1) : pattern;
  if ((open && stem.empty()) || is_identifier(stem)) return "";
  return fmt::format("{} is neither a facility's id, nor the beginning of one and *, nor *", kanhu::quoted(pattern));
}

Result<AllowList> parse_allow_list(std::string_view text, const std::string& filename) {
  YamlTree tree = read_yaml(text);
  ConfigReading reading;
  reading.problems = std::move(tree.problems);
  AllowList list;
  if (reading.problems.empty()) {
    Section section(reading, &tree.root, tree.root.mark, "");
    int version = 1;
    section.required("version", "version: 1");
    section.integer("version", version, 1, 1);
    section.required("subscribers", "a list; [] when nobody may subscribe");
    Seen seen;
    section.list("subscribers", [&](const YamlNode* node, Mark where, const std::string& path) {
      if (list.subscribers.size() == kMostSubscribers) reading.refuse(where, fmt::format("subscribers: at most {}", kMostSubscribers));
      if (list.subscribers.size() < kMostSubscribers)
        list.subscribers.push_back(read_subscriber(Section(reading, node, where, path), seen));
    });
    section.finish();
  }
  if (reading.problems.empty()) return list;
  for (Problem& problem : reading.problems) problem.file = filename;
  std::string message =
      to_string(*std::min_element(reading.problems.begin(), reading.problems.end(), [](const Problem& a, const Problem& b) {
        return std::pair(a.line, a.column) < std::pair(b.line, b.column);
      }));
  if (const std::size_t more = reading.problems.size() - 1; more > 0) message += fmt::format(" (and {} more)", more);
  return fail(ErrorKind::kInvalidConfig, std::move(message));
}

Result<AllowList> load_allow_list(const std::string& path) {
  const auto text = read_text_file(path, "allow-list");
  if (!text) {
    Error error = text.error();
    if (::access(path.c_str(), F_OK) != 0) error.message += "; kanhu keys add makes it";
    return tl::unexpected(error);
  }
  return parse_allow_list(*text, path);
}

Result<void> store_allow_list(const std::string& path, const AllowList& list) {
  std::string text(kHead);
  text += list.subscribers.empty() ? "version: 1\nsubscribers: []\n" : "version: 1\nsubscribers:\n";
  for (const AllowedSubscriber& one : list.subscribers) {
    std::vector<std::string> patterns;  // in quotes: a bare * would be an alias
    for (const std::string& pattern : one.facilities) patterns.push_back(fmt::format("\"{}\"", pattern));
    text += fmt::format("  - name: {}\n    public_key: \"{}\"\n    facilities: [{}]\n    rights: [{}]\n", one.name, one.public_key,
                        fmt::join(patterns, ", "), fmt::join(one.rights, ", "));
    if (one.expires) text += fmt::format("    expires: \"{}\"\n", format_utc(*one.expires));
  }
  if (auto good = parse_allow_list(text, path); !good) return tl::unexpected(good.error());

  const std::string folder = path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/') + 1);
  const std::string fresh = fmt::format("{}.{}", path, random_id());
  const auto failed = [&](const char* what) {
    const int code = errno;
    ::unlink(fresh.c_str());
    return fail(code == ENOSPC                    ? ErrorKind::kNoSpace
                : code == EACCES || code == EPERM ? ErrorKind::kPermission
                                                  : ErrorKind::kIo,
                fmt::format("{} stays as it was: {}: {}", path, what, cause_of(code)));
  };
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return failed("cannot write beside it");
  // Written by root, read by the service's user.
  struct stat before {};
  if (::geteuid() == 0 && (::stat(path.c_str(), &before) == 0 || ::stat(folder.c_str(), &before) == 0))
    (void)!::fchown(fd, before.st_uid, before.st_gid);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  if (!written) {
    const int code = errno;
    ::close(fd);
    errno = code;
    return failed("cannot write");
  }
  ::close(fd);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("cannot be replaced");
  if (const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); dir >= 0) {
    (void)::fsync(dir);
    ::close(dir);
  }
  return {};
}

}  // namespace kanhu
