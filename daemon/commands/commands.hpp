// SPDX-License-Identifier: MIT
// The sub-commands: each adds itself to the command line and leaves its exit code (sysexits.h) when it was chosen.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu {

using Command = std::function<int()>;  // what to run after parsing; empty when none was chosen

#define KANHU_COMMAND(name) void add_##name(CLI::App& app, Command& chosen);
#include "daemon/commands/commands.def"
#undef KANHU_COMMAND

void add_bench_events(CLI::App& bench, Command& chosen);  // below `bench`
void add_clips_get(CLI::App& clips, Command& chosen);     // below `clips`

// $KANHU_CONFIG, else /etc/kanhu/kanhu.yaml.
std::string default_config_path();
// What to say of a command line that does not parse, or that asks for help; `word` is its first. The exit code.
int usage(const CLI::App& app, const CLI::ParseError& problem, const char* word);
// Prints "kanhu: message" to standard error; the exit code that belongs to the kind.
int report(const Error& error);
// Gives what root made to the owner of the folder it is in, so that the service can read it.
Result<void> hand_to_owner(const std::string& path);

}  // namespace kanhu
