// SPDX-License-Identifier: MIT
#include "tests/support/simulator/gate.hpp"

#include <utility>

namespace kanhu::simulator {
namespace {

using Rule = std::function<Ruling(GstRTSPContext&)>;

struct Gate {
  GstRTSPAuth parent;
  Rule* rule;
};

gboolean gate_check(GstRTSPAuth* auth, GstRTSPContext* context, const gchar* check) {
  if (context->uri == nullptr) return TRUE;  // the connection itself
  const Ruling ruling = (*reinterpret_cast<Gate*>(auth)->rule)(*context);
  if (ruling.cut) {
    cut(context->client);
    return FALSE;
  }
  if (ruling.lock == nullptr) return TRUE;
  const gboolean allowed = GST_RTSP_AUTH_GET_CLASS(ruling.lock)->check(ruling.lock, context, check);
  g_object_unref(ruling.lock);
  return allowed;
}

void gate_finalize(GObject* object) {
  auto* parent = static_cast<GObjectClass*>(g_type_class_peek(GST_TYPE_RTSP_AUTH));
  delete reinterpret_cast<Gate*>(object)->rule;
  parent->finalize(object);
}

void gate_class_init(void* klass, void*) {
  static_cast<GstRTSPAuthClass*>(klass)->check = gate_check;
  static_cast<GObjectClass*>(klass)->finalize = gate_finalize;
}

GType gate_type() {
  static const GType type = g_type_register_static_simple(GST_TYPE_RTSP_AUTH, "KanhuSimulatorGate", sizeof(GstRTSPAuthClass),
                                                          gate_class_init, sizeof(Gate), nullptr, GTypeFlags{});
  return type;
}

}  // namespace

GstRTSPAuth* make_lock(const std::string& user, const std::string& password, AuthScheme scheme) {
  GstRTSPAuth* lock = gst_rtsp_auth_new();
  GstRTSPAuthMethod methods = GST_RTSP_AUTH_BASIC;
  if (scheme == AuthScheme::kDigest) methods = GST_RTSP_AUTH_DIGEST;
  // The library takes one method or a set of them; a set is not named in its enumeration.
  gst_rtsp_auth_set_supported_methods(
      lock, scheme == AuthScheme::kBoth ? static_cast<GstRTSPAuthMethod>(GST_RTSP_AUTH_BASIC | GST_RTSP_AUTH_DIGEST) : methods);
  gst_rtsp_auth_set_realm(lock, "kanhu-simulator");
  GstRTSPToken* token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", nullptr);
  gchar* basic = gst_rtsp_auth_make_basic(user.c_str(), password.c_str());
  gst_rtsp_auth_add_basic(lock, basic, token);
  gst_rtsp_auth_add_digest(lock, user.c_str(), password.c_str(), token);
  g_free(basic);
  gst_rtsp_token_unref(token);
  return lock;
}

GstRTSPAuth* make_gate(std::function<Ruling(GstRTSPContext&)> rule) {
  auto* gate = static_cast<Gate*>(g_object_new(gate_type(), nullptr));
  gate->rule = new Rule(std::move(rule));
  return &gate->parent;
}

void cut(GstRTSPClient* client) {
  GstRTSPConnection* connection = gst_rtsp_client_get_connection(client);
  if (connection == nullptr) return;
  // Closing the socket, not the client: its own thread then sees the end and takes the client down.
  if (GSocket* socket = gst_rtsp_connection_get_read_socket(connection); socket != nullptr) g_socket_shutdown(socket, TRUE, TRUE, nullptr);
}

}  // namespace kanhu::simulator
