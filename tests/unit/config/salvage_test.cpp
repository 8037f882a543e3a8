// SPDX-License-Identifier: MIT
// Paths of a broken configuration, from their own lines.
#include "config/salvage.hpp"

#include <string>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

SalvagedPaths salvaged(const std::string& text) { return salvage_paths(text, "/etc/kanhu/kanhu.yaml"); }

TEST_CASE("a path is read from its line in every form it may have, whatever stands around it") {
  for (const char* line : {"data_dir: /srv/k\n", "  data_dir: /srv/k\n", "  data_dir:   \"/srv/k\"  # disk\n", "data_dir: '/srv/k'\r\n",
                           "gateway: {id: gw, data_dir: /srv/k}\n", "gateway: {data_dir: /srv/k, id: gw}\n",
                           "gateway: {data_dir: \"/srv/k\", id: gw", "gateway: {data_dir: /srv/k}", "data_dir: /srv/k # data_dir: /other\n",
                           "\xef\xbb\xbf"
                           "data_dir: /srv/k\n",
                           "data_dir: /srv/./x/../k/\n", "data_dir: ../../srv/k\n", "[[[{\n\xff\xfe\n  data_dir: /srv/k\n\tx: !!\n"}) {
    INFO(line);
    const bool cut = std::string(line).ends_with("id: gw");
    CHECK(salvaged(line).data_dir == (cut ? std::optional<std::string>() : std::optional<std::string>("/srv/k")));
  }
  const SalvagedPaths all = salvaged("gateway:\n  data_dir: data\n  secrets_dir: /s\npublish: {access: list.yaml}\n:::\n");
  CHECK(all.data_dir == "/etc/kanhu/data");
  CHECK(all.secrets_dir == "/s");
  CHECK(all.access == "/etc/kanhu/list.yaml");
}

TEST_CASE("what is no whole path, or not the only one, is none") {
  for (const char* line :
       {"", "data_dir:\n", "data_dir: /srv/k", "data_dir: \"/srv/k\n", "data_dir: \"/srv\\x6b\"\n", "# data_dir: /srv/k\n",
        "my_data_dir: /srv/k\n", "data_dirs: /srv/k\n", "name: \"x, data_dir: /srv/k\"\n", "data_dir: *where\n", "data_dir: |\n  /srv/k\n",
        "data_dir: /srv/k\ndata_dir: /srv/l\n", "data_dir: /srv/\xff\n", "data_dir: [/srv/k]\n", "data_dir:/srv/k\n"}) {
    INFO(line);
    CHECK_FALSE(salvaged(line).data_dir);
  }
  CHECK(salvaged("data_dir: /srv/k\ndata_dir: /srv/k\n").data_dir == "/srv/k");
  CHECK_FALSE(salvaged("data_dir: " + std::string(2000, 'x') + "\n").data_dir);
  CHECK_FALSE(salvaged(std::string(1 << 20, '{')).data_dir);
}

}  // namespace
}  // namespace kanhu
