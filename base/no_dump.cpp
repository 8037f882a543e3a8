// SPDX-License-Identifier: MIT
#include "base/no_dump.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace kanhu {

void forbid_core_files() {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
}

void forbid_dumps() {
  forbid_core_files();
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace kanhu
