// SPDX-License-Identifier: MIT
#include "daemon/commands/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.hpp"

namespace kanhu {

std::string default_config_path() {
  const char* path = std::getenv("KANHU_CONFIG");
  return path && *path ? path : "/etc/kanhu/kanhu.yaml";
}

int usage(const CLI::App& app, const CLI::ParseError& problem, const char* word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    names.push_back(command->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (word != nullptr && *word != '-' && std::find(known.begin(), known.end(), word) == known.end()) {
    const std::string near = nearest(word, known);
    std::fprintf(stderr, "kanhu: there is no command %s%s (kanhu --help lists them)\n", kanhu::quoted(word).c_str(),
                 near.empty() ? "" : ("; did you mean " + near + "?").c_str());
    return 2;
  }
  // Help and version requests are "errors" with code 0 to the parser; everything else is a usage error.
  return app.exit(problem) == 0 ? EX_OK : 2;
}

int report(const Error& error) {
  fmt::print(stderr, "kanhu: {}\n", error.message);
  switch (error.kind) {
    case ErrorKind::kInvalidConfig:
      return EX_CONFIG;
    case ErrorKind::kInvalidArgument:
      return 2;
    case ErrorKind::kNotFound:
    case ErrorKind::kCorrupt:
    case ErrorKind::kNewerFormat:
    case ErrorKind::kUnsupported:
      return 1;
    case ErrorKind::kNoSpace:
    case ErrorKind::kClosed:
    case ErrorKind::kTimeout:
      return EX_TEMPFAIL;
    default:
      return EX_UNAVAILABLE;
  }
}

Result<void> hand_to_owner(const std::string& path) {
  if (::geteuid() != 0) return {};
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  struct stat owner {};
  if (::stat(folder.c_str(), &owner) != 0 || ::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0)
    return fail(ErrorKind::kPermission, fmt::format("{} was written, but cannot be given to the owner of {}", path, folder));
  return {};
}

}  // namespace kanhu
