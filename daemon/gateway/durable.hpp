// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "pipelines/journal/journal.hpp"

namespace kanhu {

// Whether everything is on disk that was accepted while `say` ran, and shortly after; false when something of it was given up, or has only
// gone out provisionally. Waits for the disk as long as that hangs.
// Thread: any but the journal's own.
bool journalled(journal::Journal& journal, const std::function<void()>& say);

}  // namespace kanhu
