// SPDX-License-Identifier: MIT
// ZeroMQ options of every socket of Kanhu in one place. Private to pipelines/publish.
#pragma once

#include <string>

#include <zmq.hpp>

#include "base/result.hpp"
#include "pipelines/publish/ipc_socket.hpp"

namespace kanhu::publish {

void set_live_options(zmq::socket_t& xpub);
void set_query_options(zmq::socket_t& router);
void set_subscriber_options(zmq::socket_t& sub);
void set_client_options(zmq::socket_t& dealer);

// kInvalidConfig for TCP that other machines can reach, unless `allowed`: the sockets ask for keys, or the configuration wants it so.
Result<void> check_loopback(const std::string& endpoint, bool allowed);

// Binds and answers the endpoint with its real port. kIo names the endpoint, the cause and a way out, also where
// something stands at the path of ipc:// that is no dead socket of this user. `file` is the socket's file, which lives as long as it
// listens.
Result<std::string> bind(zmq::socket_t& socket, const std::string& endpoint, const char* what, IpcSocket& file);

// As zmq::socket_t::connect, to an IPv6 address too.
void connect(zmq::socket_t& socket, const std::string& endpoint);

}  // namespace kanhu::publish
