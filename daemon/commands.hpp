// The sub-commands: each adds itself to the command line and leaves its exit code (sysexits.h) when it was chosen.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu {

using Command = std::function<int()>;  // what to run after parsing; empty when none was chosen

void add_run(CLI::App& app, Command& chosen);
void add_bench(CLI::App& app, Command& chosen);
void add_bench_events(CLI::App& bench, Command& chosen);  // below `bench`
void add_check_config(CLI::App& app, Command& chosen);
void add_watch(CLI::App& app, Command& chosen);
void add_events(CLI::App& app, Command& chosen);
void add_journal(CLI::App& app, Command& chosen);
void add_face(CLI::App& app, Command& chosen);
void add_gallery(CLI::App& app, Command& chosen);
void add_keys(CLI::App& app, Command& chosen);
void add_look(CLI::App& app, Command& chosen);
void add_status(CLI::App& app, Command& chosen);
void add_probe(CLI::App& app, Command& chosen);
void add_clips(CLI::App& app, Command& chosen);
void add_clips_get(CLI::App& clips, Command& chosen);  // of `clips`
void add_picture(CLI::App& app, Command& chosen);
void add_replay(CLI::App& app, Command& chosen);
void add_simulate(CLI::App& app, Command& chosen);
void add_secret(CLI::App& app, Command& chosen);
void add_version(CLI::App& app, Command& chosen);
void add_worker(CLI::App& app, Command& chosen);

// $KANHU_CONFIG, else /etc/kanhu/kanhu.yaml.
std::string default_config_path();
// Prints "kanhu: message" to standard error; the exit code that belongs to the kind.
int report(const Error& error);
// Gives what root made to the owner of the folder it is in, so that the service can read it.
Result<void> hand_to_owner(const std::string& path);
// The endpoints of the running gateway: from `endpoint_file_of` a configuration.
Result<Json> endpoints_of(const std::string& config_path);

}  // namespace kanhu
