// SPDX-License-Identifier: MIT
#include "pipelines/sense/broker_words.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

namespace kanhu::sense {

Error broker_refusal(int reason, const std::string& client_id) {
  switch (reason) {
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_NOT_AUTHORIZED:
    case 4:  // of MQTT 3.1.1: a broker that answers in the older protocol
    case 5:
      return {ErrorKind::kUnauthorized, "the broker refuses user or password"};
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
    case 1:
      return {ErrorKind::kTransport, "the broker does not speak MQTT 5"};
    case MQTT_RC_CLIENTID_NOT_VALID:
      return {ErrorKind::kUnauthorized, fmt::format("the broker refuses the client id {}", client_id)};
    case MQTT_RC_SESSION_TAKEN_OVER:
      return {ErrorKind::kRefused,
              fmt::format("another client calls itself {} at the broker: give one of them another client_id", client_id)};
    case MQTT_RC_SERVER_SHUTTING_DOWN:
      return {ErrorKind::kEndOfStream, "the broker shuts down"};
    default:
      return {ErrorKind::kRefused, fmt::format("the broker refuses: {}", mosquitto_reason_string(reason))};
  }
}

Error broker_failure(int code, bool connected) {
  switch (code) {
    case MOSQ_ERR_TLS:
    case MOSQ_ERR_TLS_HANDSHAKE:
      return {ErrorKind::kTransport,
              "TLS with the broker fails: its certificate is not for this host, has expired, or is not signed by ca_file"};
    case MOSQ_ERR_CONN_REFUSED:
      return {ErrorKind::kRefused, "nothing listens at the broker's address"};
    case MOSQ_ERR_EAI:
    case MOSQ_ERR_LOOKUP:
      return {ErrorKind::kNameResolution, "the broker's host name cannot be resolved"};
    case MOSQ_ERR_KEEPALIVE:
      return {ErrorKind::kTimeout, "the broker does not answer any more"};
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
      return {ErrorKind::kTransport, "what answers at the broker's address does not speak MQTT 5"};
    default:
      return {ErrorKind::kEndOfStream,
              connected ? "the broker ended the connection" : "the broker ended the connection before it was made"};
  }
}

}  // namespace kanhu::sense
