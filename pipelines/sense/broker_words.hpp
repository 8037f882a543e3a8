// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.hpp"

namespace kanhu::sense {

// Why a broker refuses or ends a connection, by its reason code (OASIS MQTT 5.0, 2.4 and 3.2.2.2). Kinds that mean "not connected":
// kCorrupt and the like are said of a sensor's own payloads.
Error broker_refusal(int reason, const std::string& client_id);
// Why a connection ended, by libmosquitto's code. `connected`: it had been made.
Error broker_failure(int code, bool connected);

}  // namespace kanhu::sense
