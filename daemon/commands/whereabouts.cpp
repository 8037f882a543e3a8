// SPDX-License-Identifier: MIT
#include "daemon/commands/whereabouts.hpp"

#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file_io.hpp"
#include "config/load.hpp"
#include "config/salvage.hpp"
#include "config/text_file.hpp"
#include "daemon/gateway/data_folder.hpp"

namespace kanhu {
namespace {

std::string absolute_path(const std::string& path) {
  std::error_code ignored;
  std::string made = std::filesystem::absolute(path, ignored).lexically_normal().string();
  if (made.size() > 1 && made.back() == '/') made.pop_back();
  return made;
}

// Both sockets of one gateway are asked for by one command.
void say_once(const std::string& text) {
  static std::once_flag said;
  std::call_once(said, [&] { fmt::print(stderr, "kanhu: {}\n", text); });
}

struct Taken {
  std::string value, from;
};

Taken take(const std::string& named, const char* option, const std::optional<std::string>& salvaged) {
  if (!named.empty()) return {absolute_path(named), option};
  return salvaged ? Taken{*salvaged, "from its own line"} : Taken{};
}

// The file is refused for `why`.
Result<Whereabouts> salvaged_whereabouts(const WhereOptions& options, Needs needs, const Error& why) {
  const auto text = read_text_file(options.config, "configuration");
  const SalvagedPaths salvaged = text ? salvage_paths(*text, options.config) : SalvagedPaths{};
  const Taken data = take(options.data_dir, "by --data-dir", salvaged.data_dir);
  const Taken secrets = take(options.secrets_dir, "by --secrets-dir", salvaged.secrets_dir);
  const bool wants_data = needs == Needs::kData || needs == Needs::kBoth, wants_secrets = needs != Needs::kData;
  if (wants_data && data.value.empty())
    return fail(ErrorKind::kInvalidConfig,
                fmt::format("{}; its data_dir cannot be read either: name it with --data-dir (usually {})", why.message, kDefaultDataDir));
  if (wants_secrets && secrets.value.empty())
    return fail(ErrorKind::kInvalidConfig, fmt::format("{}; its secrets_dir cannot be read either: name it with --secrets-dir (usually {})",
                                                       why.message, kDefaultSecretsDir));
  if (needs == Needs::kAccess && !salvaged.access)
    return fail(ErrorKind::kInvalidConfig, fmt::format("{}; which allow-list it names cannot be read", why.message));
  Whereabouts found;
  found.whole = false;
  found.config.gateway.data_dir = data.value;
  found.config.gateway.secrets_dir = secrets.value.empty() ? kDefaultSecretsDir : secrets.value;
  found.config.publish.access = salvaged.access.value_or("");
  std::vector<std::string> taken;
  if (wants_data) taken.push_back(fmt::format("data_dir {} is taken {}", data.value, data.from));
  if (wants_secrets) taken.push_back(fmt::format("secrets_dir {} is taken {}", secrets.value, secrets.from));
  say_once(
      fmt::format("the configuration on disk is broken, a gateway that runs has another: {}; {}", why.message, fmt::join(taken, ", ")));
  return found;
}

}  // namespace

void add_where_options(CLI::App& command, WhereOptions& options, const char* what_for) {
  command.add_option("-c,--config", options.config, fmt::format("Configuration of the gateway{}", what_for))->capture_default_str();
  command.add_option("--data-dir", options.data_dir,
                     "Folder of the gateway's files instead, also when its configuration is broken or missing");
  command.add_option("--secrets-dir", options.secrets_dir, "Folder of its secrets instead, in the same way");
}

Result<Whereabouts> find_whereabouts(const WhereOptions& options, Needs needs) {
  auto config = load_config(options.config);
  if (!config) return salvaged_whereabouts(options, needs, config.error());
  Whereabouts found{std::move(*config), true};
  if (!options.data_dir.empty()) {
    const std::string data = absolute_path(options.data_dir);
    // Facilities, cameras and time zones of another gateway would be the wrong ones.
    if (data != found.config.gateway.data_dir) {
      Config rest;
      rest.gateway.secrets_dir = found.config.gateway.secrets_dir;
      rest.publish.access = found.config.publish.access;
      found = {std::move(rest), false};
    }
    found.config.gateway.data_dir = data;
  }
  if (!options.secrets_dir.empty()) found.config.gateway.secrets_dir = absolute_path(options.secrets_dir);
  return found;
}

Result<Json> endpoints_of(const WhereOptions& options) {
  const auto where = find_whereabouts(options);
  if (!where) return tl::unexpected(where.error());
  auto files = make_posix_file_io();
  auto endpoints = read_endpoints(*files, where->config.gateway.data_dir);
  if (!endpoints) {
    return fail(ErrorKind::kClosed,
                fmt::format("no gateway has run with {} yet ({}); start one with: kanhu run --config {}, or name the folder "
                            "of one that runs with --data-dir",
                            options.config, endpoints.error().message, options.config));
  }
  return endpoints;
}

}  // namespace kanhu
