// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sysexits.h>

#include "config/detectors.hpp"
#include "daemon/build_info.hpp"
#include "daemon/commands/commands.hpp"
#include "models/registry.hpp"

namespace kanhu {

void add_version(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("version", "Print version, CPU level and the detectors that can be used here");
  command->callback([&chosen] {
    chosen = [] {
      fmt::print("kanhu {}\n", provenance_build());
      const auto path = models::model_search_path("");
      for (const DetectorTraits& row : kDetectorTraits) {
        DetectorConfig config;
        config.name = std::string(row.name);
        const auto choice = models::choose_detector(config, path);
        const std::string state = !choice ? choice.error().message : choice->notice.empty() ? "ready" : choice->notice;
        fmt::print("  {:<14}{} [{}]\n", row.name, row.description, state);
      }
      return EX_OK;
    };
  });
}

}  // namespace kanhu
