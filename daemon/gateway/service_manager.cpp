// SPDX-License-Identifier: MIT
#include "daemon/gateway/service_manager.hpp"

#include <ctime>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace kanhu::service {

void ready(const std::string& status) { ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }

void status(const std::string& status) { ::sd_notify(0, ("STATUS=" + status).c_str()); }

void reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000ll + now.tv_nsec / 1000).c_str());
}

void stopping() { ::sd_notify(0, "STOPPING=1"); }

void feed_watchdog() { ::sd_notify(0, "WATCHDOG=1"); }

std::chrono::microseconds watchdog_interval() {
  std::uint64_t us = 0;
  return std::chrono::microseconds(::sd_watchdog_enabled(0, &us) > 0 ? us : 0);
}

}  // namespace kanhu::service
