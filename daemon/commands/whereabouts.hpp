// SPDX-License-Identifier: MIT
// Where a gateway keeps its files, for the commands that speak to it or read them, also when its configuration on disk is broken.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "base/json.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "daemon/commands/commands.hpp"

namespace kanhu {

struct WhereOptions {
  std::string config = default_config_path(), data_dir, secrets_dir;
};
// --config (`what_for`: the rest of its help), --data-dir and --secrets-dir.
void add_where_options(CLI::App& command, WhereOptions& options, const char* what_for);

enum class Needs { kData, kSecrets, kBoth, kAccess };  // kAccess: the allow-list and the secrets

struct Whereabouts {
  // Of the file. When it is refused, or another gateway's than --data-dir says, only gateway.data_dir, gateway.secrets_dir and
  // publish.access hold something: what could be read of them, and what was named.
  Config config;
  bool whole = true;
};

// A broken file is said in one line on standard error, once, with its place and where the paths come from instead. kInvalidConfig: it is
// broken, and what `needs` names can neither be read from its own lines nor was named; the message says which option names it.
Result<Whereabouts> find_whereabouts(const WhereOptions& options, Needs needs = Needs::kData);

// {"live","query","metrics","public_key","pid"} of the gateway there. kClosed when none has ever run.
Result<Json> endpoints_of(const WhereOptions& options);

}  // namespace kanhu
