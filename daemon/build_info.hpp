// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace kanhu {

// Version and source revision ("0.1.0+3f2a9c1"): what `kanhu version` prints, what both ends of the relay compare.
std::string build_name();

// The same with the CPU feature level the vision code runs at: `provenance.build` of every event, because network
// outputs differ in bits between levels.
std::string provenance_build();

}  // namespace kanhu
