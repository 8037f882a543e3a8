// SPDX-License-Identifier: MIT
#include "daemon/build_info.hpp"

#include "models/registry.hpp"

namespace kanhu {

std::string build_name() { return KANHU_VERSION "+" KANHU_REVISION; }

std::string provenance_build() { return build_name() + " " + models::cpu_feature_level(); }

}  // namespace kanhu
