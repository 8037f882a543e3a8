// SPDX-License-Identifier: MIT
#include "daemon/gateway/durable.hpp"

#include <cstdint>

namespace kanhu {

bool journalled(journal::Journal& journal, const std::function<void()>& say) {
  const std::uint64_t lost = journal.stats().not_durable;
  say();
  const std::uint64_t last = journal.head().seq;
  journal.flush();
  // What went out provisionally is not counted as lost, and may never come to the disk.
  return journal.stats().not_durable == lost && journal.head().durable_seq >= last;
}

}  // namespace kanhu
