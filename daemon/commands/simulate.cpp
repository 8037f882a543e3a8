// SPDX-License-Identifier: MIT
// kanhu simulate: what sensors would see of rooms that do not exist. The program that makes them stands beside this one.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/commands/commands.hpp"

namespace kanhu {
namespace {

int simulate(std::vector<std::string> words) {
  std::error_code problem;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", problem);
  const std::string program = (own.parent_path() / "kanhu-simulate").string();
  if (problem || !std::filesystem::exists(program)) {
    return report({ErrorKind::kIo, fmt::format("{} is not there: it is built with the tests (ninja kanhu-simulate) and installed with them",
                                               problem ? "kanhu-simulate" : program)});
  }
  words.insert(words.begin(), program);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  return report({ErrorKind::kIo, fmt::format("{} cannot be started: {}", program, std::strerror(errno))});
}

}  // namespace

void add_simulate(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("simulate", "Make recordings of rooms that do not exist: kanhu simulate thermal --list");
  command->prefix_command();
  command->set_help_flag();  // asked of the program that knows
  command->callback([&chosen, command] { chosen = [words = command->remaining()] { return simulate(words); }; });
}

}  // namespace kanhu
