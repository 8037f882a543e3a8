// SPDX-License-Identifier: MIT
// What a good configuration needs of the machine it runs on: folders, files, devices, sockets, secrets, room.
#pragma once

#include <string>
#include <vector>

#include "config/load.hpp"

namespace kanhu {

struct HereFault {
  Problem problem;
  PlaceKind kind = PlaceKind::kDataDir;
  // Without it `kanhu run` cannot do its work and refuses; anything else costs a camera, a sensor or some history, and is said.
  bool stops_run = false;
};

// Everything this machine and user lack, by line. `report` is a good one, of `filename`. Looks, and binds the sockets for a moment; makes,
// changes and opens nothing else. What a gateway that runs with the same data_dir holds counts as free: it is this one's.
std::vector<HereFault> look_here(const LoadReport& report, const std::string& filename);

// As load_config, for a gateway that runs: what this machine lacks is a warning of the log, and no reason to refuse.
Result<Config> load_config_again(const std::string& path);

}  // namespace kanhu
