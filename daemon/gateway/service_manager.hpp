// SPDX-License-Identifier: MIT
// What the service manager is told (sd_notify(3)); without one every call does nothing.
#pragma once

#include <chrono>
#include <string>

namespace kanhu::service {

void ready(const std::string& status);
void status(const std::string& status);
void reloading();
void stopping();
void feed_watchdog();
// How often the watchdog wants to be fed; zero when there is none.
std::chrono::microseconds watchdog_interval();

}  // namespace kanhu::service
