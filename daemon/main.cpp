// SPDX-License-Identifier: MIT
// kanhu: one program, a sub-command for each thing one does with a gateway.
#include <cstdio>
#include <exception>
#include <string_view>

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.hpp"
#include "base/no_dump.hpp"
#include "daemon/build_info.hpp"
#include "daemon/commands/commands.hpp"

namespace {

// What is opened first would get the number of a standard stream that is closed, and what is printed would go into it. Standard output
// that is closed stays a failure to write.
void fill_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    const int opened = ::open(number == STDOUT_FILENO ? "/dev/full" : "/dev/null", O_RDWR | O_NOCTTY);
    if (opened >= 0 && opened != number) {
      ::dup2(opened, number);
      ::close(opened);
    }
  }
}

bool asks_a_gateway(std::string_view command) {
  for (const std::string_view one : {"watch", "events", "status", "look", "picture", "clips", "face"})
    if (command == one) return true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_streams();
  // Before any secret is read. A worker goes on when the gateway has what it watches it by (daemon/worker/worker.cpp).
  if (argc > 1 && std::string_view(argv[1]) == "worker")
    kanhu::forbid_core_files();
  else
    kanhu::forbid_dumps();
  CLI::App app{"Kanhu watches over elder-care facilities: cameras in, events out.", "kanhu"};
  app.require_subcommand(1);
  app.set_version_flag("--version", kanhu::build_name());
  app.footer(
      "Exit codes: 0 done, 1 the answer is no, 2 usage, 69 not available, 74 output cannot be written, 75 try again later, 78 "
      "configuration refused.\n"
      "Start with: kanhu check-config FILE, kanhu run --config FILE, kanhu status");
  kanhu::Command chosen;
#define KANHU_COMMAND(name) kanhu::add_##name(app, chosen);
#include "daemon/commands/commands.def"
#undef KANHU_COMMAND
  try {
    app.parse(argc, argv);
    if (!chosen) return 2;
    const int code = chosen();
    // What a command exists to print must have been printed.
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fprintf(stderr, "kanhu: standard output cannot be written; what was to be printed is lost, what was done is done\n");
    return code == EX_OK ? EX_IOERR : code;
  } catch (const CLI::ParseError& problem) {
    return kanhu::usage(app, problem, argc > 1 ? argv[1] : nullptr);
  } catch (const kanhu::Json::exception& problem) {
    if (!asks_a_gateway(argv[1])) {
      std::fprintf(stderr, "kanhu: unexpected: %s; please report this\n", problem.what());
      return EX_SOFTWARE;
    }
    // Of another version, or somebody else who listens there.
    std::fprintf(stderr, "kanhu: what answers is not understood; is it a gateway of this version? (%s)\n", problem.what());
    return EX_UNAVAILABLE;
  } catch (const std::exception& problem) {
    if (std::ferror(stdout) != 0) {
      std::fprintf(stderr, "kanhu: standard output cannot be written\n");
      return EX_IOERR;
    }
    std::fprintf(stderr, "kanhu: unexpected: %s\n", problem.what());
    return EX_SOFTWARE;
  }
}
