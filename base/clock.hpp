// SPDX-License-Identifier: MIT
// The seam behind which time is read. Only ingest, supervision and the journal own a Clock; see docs/architecture.md.
#pragma once

#include "base/time.hpp"

namespace kanhu {

// Thread: every method may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;
  virtual WallTime wall() const = 0;
};

// The operating system's clocks.
class SystemClock final : public Clock {
 public:
  MonoTime mono() const override;
  WallTime wall() const override;
};

}  // namespace kanhu
