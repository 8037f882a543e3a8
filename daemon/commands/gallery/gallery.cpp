// SPDX-License-Identifier: MIT
#include "daemon/commands/gallery/gallery.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <fmt/format.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "daemon/commands/quiet_terminal.hpp"
#include "gallery/gallery_file.hpp"

namespace kanhu {
namespace {

// C1 controls, separators of lines and paragraphs, and what turns the direction of writing around: U+0080 to 9F, U+2028 to 202E,
// U+2066 to 2069. Printed raw they drive a terminal or show another text than is stored.
bool has_unseen_controls(std::string_view utf8) {
  const auto byte = [&](std::size_t i) { return i < utf8.size() ? static_cast<unsigned char>(utf8[i]) : 0U; };
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if (byte(i) == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) <= 0x9f) return true;
    if (byte(i) != 0xe2) continue;
    if (byte(i + 1) == 0x80 && byte(i + 2) >= 0xa8 && byte(i + 2) <= 0xae) return true;
    if (byte(i + 1) == 0x81 && byte(i + 2) >= 0xa6 && byte(i + 2) <= 0xa9) return true;
  }
  return false;
}

// kNotFound, kPermission: the data folder is not there, or not for this user.
Result<void> check_data_folder(const std::string& data, const std::string& galleries) {
  if (::access(data.c_str(), F_OK) != 0 && errno == ENOENT) {
    return fail(ErrorKind::kNotFound,
                fmt::format("gateway.data_dir {} is not there: mend the path, or start the gateway once, which makes it", data));
  }
  for (const std::string& folder : {data, galleries}) {
    if (::access(folder.c_str(), R_OK | X_OK) == 0 || errno == ENOENT) continue;
    return fail(ErrorKind::kPermission, fmt::format("cannot read {}: {}; run this as the gateway's user", folder, std::strerror(errno)));
  }
  return {};
}

}  // namespace

Result<Galleries> Galleries::open(const WhereOptions& options, Purpose purpose) {
  log::init(log::Level::kOff);
  ::umask(0077);
  auto where = find_whereabouts(options, Needs::kBoth);
  if (!where) return tl::make_unexpected(where.error());
  if (purpose == Purpose::kBeginning && !where->whole) {
    // Which detector a facility's cameras have stands nowhere else.
    auto config = load_config(options.config);
    return config ? fail(ErrorKind::kInvalidConfig,
                         fmt::format("{} is the configuration of another gateway than {}", options.config, options.data_dir))
                  : tl::make_unexpected(config.error());
  }
  auto key = load_key(kGalleryKey, where->config.gateway.secrets_dir);
  if (!key) return tl::make_unexpected(key.error());
  Galleries opened;
  opened.config_ = std::move(where->config);
  opened.whole_ = where->whole;
  opened.key_ = std::move(*key);
  opened.files_ = make_posix_file_io();
  opened.folder_ = gallery::gallery_folder(opened.config_.gateway.data_dir);
  if (purpose == Purpose::kReading) {
    if (auto there = check_data_folder(opened.config_.gateway.data_dir, opened.folder_); !there) return tl::make_unexpected(there.error());
  } else if (purpose == Purpose::kChanging) {
    const bool data_was_there = opened.files_->exists(opened.config_.gateway.data_dir);
    if (!data_was_there && ::geteuid() == 0) {
      return fail(ErrorKind::kNotFound, fmt::format("{} is not there: start the gateway once, so that the folder is its user's",
                                                    opened.config_.gateway.data_dir));
    }
    auto lock = gallery::FolderLock::take(*opened.files_, opened.folder_);
    if (!lock) return tl::make_unexpected(lock.error());
    opened.lock_.emplace(std::move(*lock));
    if (auto given = hand_to_owner(opened.folder_); !given) return tl::make_unexpected(given.error());
    if (auto given = hand_to_owner(opened.folder_ + "/.lock"); !given) return tl::make_unexpected(given.error());
  }
  return opened;
}

// Those of the configuration; of a broken one those that have a gallery.
std::vector<std::string> Galleries::facilities() const {
  std::vector<std::string> ids;
  for (const FacilityConfig& facility : config_.facilities) ids.push_back(facility.id);
  if (!whole_) ids = gallery::facilities_in(*files_, folder_).value_or(ids);
  return ids;
}

Result<std::string> Galleries::facility(const std::string& asked) const {
  const std::vector<std::string> known = facilities();
  const std::vector<std::string_view> ids(known.begin(), known.end());
  if (asked.empty() && ids.size() == 1) return std::string(ids.front());
  if (asked.empty()) return fail(ErrorKind::kInvalidArgument, fmt::format("say which: --facility {}", fmt::join(ids, " | ")));
  if (std::find(ids.begin(), ids.end(), asked) != ids.end()) return asked;
  const std::string near = nearest(asked, ids);
  return fail(ErrorKind::kInvalidArgument, fmt::format("{} no facility {}{}", whole_ ? "the configuration has" : "there is a gallery of",
                                                       kanhu::quoted(asked), near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

Result<gallery::Gallery> Galleries::read(const std::string& facility) const {
  return gallery::read_gallery(*files_, folder_, facility, key_);
}

Result<gallery::Gallery> Galleries::read_or_begin(const std::string& facility) const {
  auto found = read(facility);
  if (found || found.error().kind != ErrorKind::kNotFound) return found;
  gallery::Gallery fresh;
  fresh.facility = facility;
  return fresh;
}

Result<void> Galleries::write(const gallery::Gallery& changed) const {
  if (auto written = gallery::write_gallery(*files_, folder_, changed, key_); !written) return written;
  return hand_to_owner(gallery::gallery_path(folder_, changed.facility));
}

Result<std::vector<gallery::Gallery>> Galleries::all(std::vector<std::string>* unreadable) const {
  const auto facilities = gallery::facilities_in(*files_, folder_);
  if (!facilities) return tl::make_unexpected(facilities.error());
  std::vector<gallery::Gallery> found;
  for (const std::string& facility : *facilities) {
    auto one = read(facility);
    if (one) {
      found.push_back(std::move(*one));
    } else if (unreadable != nullptr) {
      unreadable->push_back(one.error().message);
    } else {
      return tl::make_unexpected(one.error());
    }
  }
  return found;
}

Result<std::vector<gallery::Gallery>> Galleries::holding(const std::string& ref, const std::string& facility) const {
  std::vector<gallery::Gallery> found;
  if (!facility.empty()) {
    if (auto known = this->facility(facility); !known) return tl::make_unexpected(known.error());
  }
  if (facility.empty()) {
    auto everywhere = all(nullptr);
    if (!everywhere) return everywhere;
    found = std::move(*everywhere);
  } else {
    auto one = read(facility);
    if (!one) return tl::make_unexpected(one.error());
    found.push_back(std::move(*one));
  }
  std::erase_if(found, [&](const gallery::Gallery& one) { return one.find(ref) == nullptr; });
  if (found.empty())
    return fail(ErrorKind::kNotFound, fmt::format("nobody here has the ref {} (kanhu gallery list)", kanhu::quoted(ref, 32)));
  return found;
}

void add_gallery_options(CLI::App& command, GalleryOptions& options, bool with_facility, bool with_json) {
  add_where_options(command, options, ", to find its galleries and key");
  if (with_facility) command.add_option("--facility", options.facility, "Facility; not needed when the configuration has only one");
  if (with_json) command.add_flag("--json", options.json, "As JSON");
}

std::string operator_name() {
  const char* before = std::getenv("SUDO_USER");
  if (::geteuid() == 0 && before != nullptr && *before != '\0') return before;
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : fmt::format("uid {}", ::geteuid());
}

gallery::Act act_now(std::string by) { return {std::move(by), SystemClock().wall()}; }

Result<WallTime> parse_day(const std::string& text) {
  auto time = parse_utc(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time)
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is no day; expected for example 2027-01-31", kanhu::quoted(text, 40)));
  return time;
}

std::string day_of(WallTime time) { return format_utc(time).substr(0, 10); }

Result<Secret> read_line(const std::string& prompt, bool hidden) {
  if (::isatty(STDIN_FILENO)) std::cerr << prompt << std::flush;
  std::string line;
  {
    const QuietTerminal quiet(hidden);
    std::getline(std::cin, line);
  }
  if (line.ends_with('\r')) line.pop_back();
  Secret read(line);
  ::explicit_bzero(line.data(), line.size());
  return read;
}

Result<std::string> checked_text(std::string_view text, std::string_view what) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte-order mark
  const bool plain = find_invalid_utf8(text) == std::string_view::npos &&
                     std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }) &&
                     !has_unseen_controls(text);
  if (text.empty() || text.size() > 200 || !plain) {
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{} is one line of UTF-8 without control characters, 1 to 200 bytes; nothing was written", what));
  }
  return std::string(text);
}

void add_gallery(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("gallery", "People who agreed to be recognised: enrol, list, withdraw, calibrate");
  command->require_subcommand(1);
  command->footer(
      "Names come from standard input, never from the command line. A running gateway takes a change within seconds.\n"
      "Begin with: kanhu gallery key, then: kanhu gallery enroll --consent-by WHO --consent-text VERSION PICTURES");
  add_gallery_key(*command, chosen);
  add_gallery_enroll(*command, chosen);
  add_gallery_list(*command, chosen);
  add_gallery_show(*command, chosen);
  add_gallery_consent(*command, chosen);
  add_gallery_share(*command, chosen);
  add_gallery_withdraw(*command, chosen);
  add_gallery_purge(*command, chosen);
  add_gallery_calibrate(*command, chosen);
  add_gallery_export(*command, chosen);
  add_gallery_import(*command, chosen);
}

}  // namespace kanhu
