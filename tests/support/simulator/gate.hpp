// SPDX-License-Identifier: MIT
// Decides, request by request, whether a client may go on. Private to the simulator.
#pragma once

#include <functional>
#include <string>

#include <gst/rtsp-server/rtsp-server.h>

#include "tests/support/simulator/camera_spec.hpp"

namespace kanhu::simulator {

// What checks one camera's user and password: its own, so that cameras may share a user name with different passwords.
GstRTSPAuth* make_lock(const std::string& user, const std::string& password, AuthScheme scheme);

// What the gate does with a request.
struct Ruling {
  bool cut = false;             // close the connection without an answer
  GstRTSPAuth* lock = nullptr;  // ask this one; a reference is handed over
};

// An authenticator for the whole server that asks `rule` about each request (ctx->uri and ctx->client are set).
GstRTSPAuth* make_gate(std::function<Ruling(GstRTSPContext&)> rule);

// Ends the client's TCP connection. Thread: any.
void cut(GstRTSPClient* client);

}  // namespace kanhu::simulator
