// kanhu: one program, a sub-command for each thing one does with a gateway.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <sysexits.h>

#include "base/text.hpp"
#include "daemon/build_info.hpp"
#include "daemon/commands.hpp"

namespace {

int usage(const CLI::App& app, const CLI::ParseError& problem, const char* word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    names.push_back(command->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (word != nullptr && *word != '-' && std::find(known.begin(), known.end(), word) == known.end()) {
    const std::string near = kanhu::nearest(word, known);
    std::fprintf(stderr, "kanhu: there is no command %s%s (kanhu --help lists them)\n", kanhu::quoted(word).c_str(),
                 near.empty() ? "" : ("; did you mean " + near + "?").c_str());
    return 2;
  }
  // Help and version requests are "errors" with code 0 to the parser; everything else is a usage error.
  return app.exit(problem) == 0 ? EX_OK : 2;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Kanhu watches over elder-care facilities: cameras in, events out.", "kanhu"};
  app.require_subcommand(1);
  app.set_version_flag("--version", kanhu::build_name());
  app.footer(
      "Exit codes: 0 done, 1 the answer is no, 2 usage, 69 not available, 74 output cannot be written, 75 try again later, 78 "
      "configuration refused.\n"
      "Start with: kanhu check-config FILE, kanhu run --config FILE, kanhu status");
  kanhu::Command chosen;
  kanhu::add_run(app, chosen);
  kanhu::add_check_config(app, chosen);
  kanhu::add_bench(app, chosen);
  kanhu::add_watch(app, chosen);
  kanhu::add_events(app, chosen);
  kanhu::add_journal(app, chosen);
  kanhu::add_status(app, chosen);
  kanhu::add_look(app, chosen);
  kanhu::add_picture(app, chosen);
  kanhu::add_probe(app, chosen);
  kanhu::add_clips(app, chosen);
  kanhu::add_replay(app, chosen);
  kanhu::add_face(app, chosen);
  kanhu::add_gallery(app, chosen);
  kanhu::add_simulate(app, chosen);
  kanhu::add_keys(app, chosen);
  kanhu::add_secret(app, chosen);
  kanhu::add_version(app, chosen);
  kanhu::add_worker(app, chosen);
  try {
    app.parse(argc, argv);
    if (!chosen) return 2;
    const int code = chosen();
    // What a command exists to print must have been printed.
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fprintf(stderr, "kanhu: standard output cannot be written; what was to be printed is lost, what was done is done\n");
    return code == EX_OK ? EX_IOERR : code;
  } catch (const CLI::ParseError& problem) {
    return usage(app, problem, argc > 1 ? argv[1] : nullptr);
  } catch (const std::exception& problem) {
    if (std::ferror(stdout) != 0) {
      std::fprintf(stderr, "kanhu: standard output cannot be written\n");
      return EX_IOERR;
    }
    std::fprintf(stderr, "kanhu: unexpected: %s\n", problem.what());
    return EX_SOFTWARE;
  }
}
