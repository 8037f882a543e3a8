// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.hpp"
#include "config/allow_list.hpp"
#include "config/private_file.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/gateway_address.hpp"
#include "pipelines/publish/access/rights.hpp"
#include "pipelines/publish/access/server_key.hpp"

namespace kanhu {
namespace {

struct KeysOptions : WhereOptions {
  std::string name, public_key, expires, out;
  std::vector<std::string> facilities, rights{"live", "fetch"};
};

WallTime wall_now() { return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()); }

// The configuration, and its allow-list as it stands. One command at a time changes that.
class AllowListFile {
 public:
  static Result<AllowListFile> open(const KeysOptions& options) {
    auto where = find_whereabouts(options, Needs::kAccess);
    if (!where) return tl::unexpected(where.error());
    if (where->config.publish.access.empty())
      return fail(
          ErrorKind::kInvalidConfig,
          fmt::format("{} names no allow-list; say publish: {{access: subscribers.yaml}} there, then restart the gateway", options.config));
    AllowListFile opened;
    opened.config = std::move(where->config);
    opened.whole = where->whole;
    const auto folder = std::filesystem::path(opened.path()).parent_path();
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(ErrorKind::kNotFound, fmt::format("there is no folder {} for the allow-list", folder.string()));
    opened.lock_ = std::shared_ptr<const int>(new int(fd), [](const int* held) {
      ::close(*held);
      delete held;
    });
    (void)::flock(fd, LOCK_EX);
    return opened;
  }

  const std::string& path() const { return config.publish.access; }
  bool has_list() const { return ::access(path().c_str(), F_OK) == 0; }
  Result<AllowList> list() const { return has_list() ? load_allow_list(path()) : AllowList{}; }

  Config config;
  bool whole = true;  // false: of a broken file, and nothing is known of facilities

 private:
  std::shared_ptr<const int> lock_;
};

int server(const KeysOptions& options) {
  const auto where = find_whereabouts(options, Needs::kSecrets);
  if (!where) return report(where.error());
  const std::string& dir = where->config.gateway.secrets_dir;
  auto pair = publish::load_server_key(dir);
  if (!pair && pair.error().kind == ErrorKind::kNotFound) {
    pair = publish::make_key_pair();
    if (!pair) return report(pair.error());
    if (auto written = write_private(dir, kPublishKey, pair->secret_key, Existing::kKeep); !written) return report(written.error());
    const std::string path = fmt::format("{}/{}", dir, kPublishKey);
    if (auto given = hand_to_owner(path); !given) return report(given.error());
    fmt::print(stderr, "{} made\n", path);
  }
  if (!pair) return report(pair.error());
  fmt::print("{}\n", pair->public_key);
  return EX_OK;
}

// Nothing of it is in the list yet; kInvalidArgument names the option.
Result<AllowedSubscriber> subscriber_of(const KeysOptions& options) {
  AllowedSubscriber one{options.name, options.public_key, options.facilities, options.rights, std::nullopt};
  if (!is_identifier(one.name))
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is no name; 1 to 32 of a-z, 0-9, '-' and '_'", kanhu::quoted(one.name)));
  for (const std::string& pattern : one.facilities)
    if (const auto fault = facility_pattern_fault(pattern); !fault.empty())
      return fail(ErrorKind::kInvalidArgument, "--facility: " + fault);
  if (!one.public_key.empty())
    if (const auto fault = public_key_fault(one.public_key); !fault.empty()) return fail(ErrorKind::kInvalidArgument, "--public: " + fault);
  if (!options.expires.empty()) {
    const auto time = parse_utc(options.expires);
    if (!time) return fail(ErrorKind::kInvalidArgument, "--expires: a time like 2027-01-01T00:00:00+08:00");
    if (*time <= wall_now())
      return fail(ErrorKind::kInvalidArgument,
                  fmt::format("--expires {} is over, so the key would let nobody in; a time that is to come", options.expires));
    one.expires = *time;
  }
  return one;
}

// What of its facilities the configuration does not have: a slip of the pen, or a facility that is still to come.
std::vector<std::string> unknown_facilities(const Config& config, const AllowedSubscriber& one) {
  std::vector<std::string> unknown;
  for (const std::string& pattern : one.facilities) {
    const publish::Rights rights{false, {}, {pattern}};
    const auto& known = config.facilities;
    if (!rights.sees_all() && std::none_of(known.begin(), known.end(), [&](const auto& facility) { return rights.sees(facility.id); }))
      unknown.push_back(pattern);
  }
  return unknown;
}

void warn_of_facilities(const KeysOptions& options, const Config& config, const AllowedSubscriber& one) {
  std::vector<std::string> known;
  for (const FacilityConfig& facility : config.facilities) known.push_back(facility.id);
  for (const std::string& pattern : unknown_facilities(config, one))
    fmt::print(stderr, "kanhu: warning: no facility of {} is {}: nothing of it will be seen until there is one; there are: {}\n",
               options.config, pattern, known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

int add(const KeysOptions& options) {
  auto one = subscriber_of(options);
  if (!one) return report(one.error());
  auto opened = AllowListFile::open(options);
  if (!opened) return report(opened.error());
  auto list = opened->list();
  if (!list) return report(list.error());
  for (const AllowedSubscriber& other : list->subscribers) {
    if (other.name == one->name)
      return report(
          {ErrorKind::kInvalidArgument, fmt::format("{} has a subscriber {} already; another name, or first: kanhu keys revoke {}",
                                                    opened->path(), one->name, one->name)});
    if (other.public_key == one->public_key)
      return report({ErrorKind::kInvalidArgument, fmt::format("{} has this key already; each subscriber needs its own", other.name)});
  }
  const auto server_key = publish::load_server_key(opened->config.gateway.secrets_dir);
  if (!server_key) return report(server_key.error());

  std::string file;
  if (one->public_key.empty()) {
    auto pair = publish::make_key_pair();
    if (!pair) return report(pair.error());
    one->public_key = pair->public_key;
    const std::filesystem::path path(options.out.empty() ? one->name + ".key.json" : options.out);
    file = path.string();
    const Secret text = key_file_text(one->name, {server_key->public_key, std::move(*pair)});
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    if (auto written = write_private(folder, path.filename().string(), text, Existing::kKeep); !written) return report(written.error());
  }
  list->subscribers.push_back(*one);
  if (auto stored = store_allow_list(opened->path(), *list); !stored) {
    if (!file.empty()) ::unlink(file.c_str());
    return report(stored.error());
  }
  if (opened->whole) warn_of_facilities(options, opened->config, *one);
  fmt::print("{} may now {} of {}; a running gateway knows it within a second\n", one->name, fmt::join(one->rights, ", "),
             fmt::join(one->facilities, ", "));
  if (file.empty())
    fmt::print("the gateway's public key: {}\n", server_key->public_key);
  else
    fmt::print("{} holds its secret key: hand it over where nobody else reads it, then delete it here\n", file);
  return EX_OK;
}

int show(const KeysOptions& options) {
  const auto opened = AllowListFile::open(options);
  if (!opened) return report(opened.error());
  const auto list = opened->list();
  if (!list) return report(list.error());
  fmt::print("{:<20} {:<24} {:<24} {:<28} {}\n", "name", "rights", "facilities", "expires", "public key");
  for (const AllowedSubscriber& one : list->subscribers) {
    const std::string expires = !one.expires ? "-" : format_utc(*one.expires) + (*one.expires <= wall_now() ? " (over)" : "");
    fmt::print("{:<20} {:<24} {:<24} {:<28} {}\n", one.name, fmt::format("{}", fmt::join(one.rights, ",")),
               fmt::format("{}", fmt::join(one.facilities, ",")), expires, one.public_key);
  }
  return EX_OK;
}

int revoke(const KeysOptions& options) {
  const auto opened = AllowListFile::open(options);
  if (!opened) return report(opened.error());
  auto list = opened->list();
  if (!list) return report(list.error());
  if (std::erase_if(list->subscribers, [&](const AllowedSubscriber& one) { return one.name == options.name; }) == 0) {
    std::vector<std::string> names;
    for (const AllowedSubscriber& one : list->subscribers) names.push_back(one.name);
    return report({ErrorKind::kNotFound, fmt::format("{} has no subscriber {}; there are: {}", opened->path(), kanhu::quoted(options.name),
                                                     names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")))});
  }
  if (auto stored = store_allow_list(opened->path(), *list); !stored) return report(stored.error());
  fmt::print("{} is out; from a running gateway it gets nothing more within 2 s\n", options.name);
  return EX_OK;
}

int check(const KeysOptions& options) {
  const auto opened = AllowListFile::open(options);
  if (!opened) return report(opened.error());
  const auto list = load_allow_list(opened->path());
  if (!list) return report(list.error());
  const auto key = publish::load_server_key(opened->config.gateway.secrets_dir);
  if (!key) return report(key.error());
  int doubts = 0;
  const auto doubt = [&](const std::string& text) {
    ++doubts;
    fmt::print("{}: {}\n", opened->path(), text);
  };
  for (const AllowedSubscriber& one : list->subscribers) {
    if (one.expires && *one.expires <= wall_now())
      doubt(fmt::format("{} expired at {}; kanhu keys revoke {}", one.name, format_utc(*one.expires), one.name));
    for (const std::string& pattern : opened->whole ? unknown_facilities(opened->config, one) : std::vector<std::string>())
      doubt(fmt::format("{}: no facility of {} is {}", one.name, options.config, pattern));
  }
  if (doubts == 0) fmt::print("{}: {} subscribers, good\n", opened->path(), list->subscribers.size());
  return doubts == 0 ? EX_OK : 1;
}

}  // namespace

void add_keys(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("keys", "Who may subscribe to this gateway, and what of: its key and the allow-list");
  command->require_subcommand(1);
  auto options = std::make_shared<KeysOptions>();
  const auto add_one = [&](const char* name, const char* help, int (*run)(const KeysOptions&)) {
    auto* one = command->add_subcommand(name, help);
    add_where_options(*one, *options, ", to find its allow-list and secrets");
    one->callback([&chosen, options, run] { chosen = [options, run] { return run(*options); }; });
    return one;
  };
  add_one("server", "Print the public half of the gateway's key; makes the key when there is none", server);
  auto* adding = add_one("add", "Allow a subscriber: makes a key file to hand over, and the entry in the allow-list", add);
  adding->add_option("name", options->name, "A short name, such as dashboard")->required();
  adding->add_option("--facility", options->facilities, "Facility; fu* for all whose id begins so, * for all; may be repeated")
      ->required()
      ->delimiter(',');
  adding->add_option("--right", options->rights, "Of live, fetch, clip, picture; may be repeated")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kRightNames), std::end(kRightNames))))
      ->capture_default_str();
  adding->add_option("--expires", options->expires, "From then on the key is nobody's, such as 2027-01-01T00:00:00+08:00");
  auto* open =
      adding->add_option("--public", options->public_key, "Public half (Z85) of a pair that the client made; no key file is written");
  adding->add_option("--out", options->out, "Key file to write (default: NAME.key.json here)")->excludes(open);
  add_one("list", "Who may subscribe", show);
  auto* revoking = add_one("revoke", "Remove a subscriber; it gets nothing more within 2 s", revoke);
  revoking->add_option("name", options->name, "As in kanhu keys list")->required();
  add_one("check", "Look the allow-list and the gateway's key over", check);
}

}  // namespace kanhu
