// SPDX-License-Identifier: MIT
// kanhu-demo: what `make run` starts.
#include <filesystem>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/support/demo/demo.hpp"

namespace {

// Programs of the same build, wherever it was made.
std::string beside(const char* path) {
  std::error_code problem;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", problem);
  return problem ? std::string() : (executable.parent_path() / path).lexically_normal().string();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulated cameras, a gateway, and a live feed of what it says; ends with a proof that everything planned happened.",
               "kanhu-demo");
  kanhu::demo::Options options;
  options.kanhu = beside("../../../daemon/kanhu");
  options.simulator = beside("../simulator/kanhu-simulator");
  options.config = KANHU_SOURCE_DIR "/config/demo.yaml";
  options.run_dir = KANHU_SOURCE_DIR "/run/demo";
  app.add_option("--duration", options.duration_seconds, "Seconds; 0: until Ctrl-C")->check(CLI::Range(0, 86'400))->capture_default_str();
  app.add_option("--faces", options.faces, "Folder with photographs of faces; without it, painted people")->check(CLI::ExistingDirectory);
  app.add_option("--models", options.models, "Folder with model weights (KANHU_MODELS of the gateway)");
  app.add_option("--kanhu", options.kanhu, "The gateway's program")->capture_default_str();
  app.add_option("--simulator", options.simulator, "The camera simulator's program")->capture_default_str();
  app.add_option("--config", options.config, "Configuration to start from")->capture_default_str();
  app.add_option("--run-dir", options.run_dir, "Where it runs; emptied at the start, if a demo made it")->capture_default_str();
  app.footer("Exit codes: 0 everything due has happened, 1 something has not, 2 usage, 69 it could not start.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  options.run_dir = std::filesystem::absolute(options.run_dir).lexically_normal().string();
  kanhu::demo::count_signals();
  return kanhu::demo::Demo(std::move(options)).run();
}
