// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/bounded_connection.hpp"

#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include <gio/gio.h>

#include "pipelines/ingest/rtsp/wire.hpp"

namespace kanhu::ingest {
namespace {

bool& oversized_here() {
  static thread_local bool oversized = false;
  return oversized;
}

// An input stream in front of a socket's, with the framing it has read so far.
struct WireStream {
  GFilterInputStream parent;
  RtspWire* wire;
};
struct WireStreamClass {
  GFilterInputStreamClass parent;
};

GObjectClass* wire_parent_class = nullptr;

WireStream* wire_of(gpointer stream) { return static_cast<WireStream*>(stream); }

GPollableInputStream* pollable_of(gpointer stream) {
  return reinterpret_cast<GPollableInputStream*>(g_filter_input_stream_get_base_stream(G_FILTER_INPUT_STREAM(stream)));
}

gssize judged(gpointer stream, const void* buffer, gssize got, GError** error) {
  if (got <= 0) return got;
  const auto& refused = wire_of(stream)->wire->read(std::span(static_cast<const std::byte*>(buffer), static_cast<std::size_t>(got)));
  if (!refused) return got;
  oversized_here() = true;
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, refused->c_str());
  return -1;
}

gssize read_stream(GInputStream* stream, void* buffer, gsize count, GCancellable* cancellable, GError** error) {
  GInputStream* base = g_filter_input_stream_get_base_stream(G_FILTER_INPUT_STREAM(stream));
  return judged(stream, buffer, g_input_stream_read(base, buffer, count, cancellable, error), error);
}

gssize read_now(GPollableInputStream* stream, void* buffer, gsize count, GError** error) {
  return judged(stream, buffer, g_pollable_input_stream_read_nonblocking(pollable_of(stream), buffer, count, nullptr, error), error);
}

void finish_wire(GObject* object) {
  delete std::exchange(wire_of(object)->wire, nullptr);
  wire_parent_class->finalize(object);
}

void fill_wire_class(gpointer stream_class, gpointer) {
  wire_parent_class = static_cast<GObjectClass*>(g_type_class_peek_parent(stream_class));
  G_OBJECT_CLASS(stream_class)->finalize = finish_wire;
  G_INPUT_STREAM_CLASS(stream_class)->read_fn = read_stream;
}

void fill_pollable(gpointer interface, gpointer) {
  auto* pollable = static_cast<GPollableInputStreamInterface*>(interface);
  pollable->can_poll = [](GPollableInputStream* stream) { return g_pollable_input_stream_can_poll(pollable_of(stream)); };
  pollable->is_readable = [](GPollableInputStream* stream) { return g_pollable_input_stream_is_readable(pollable_of(stream)); };
  pollable->create_source = [](GPollableInputStream* stream, GCancellable* cancellable) {
    GSource* source = g_pollable_source_new_full(stream, nullptr, cancellable);
    GSource* child = g_pollable_input_stream_create_source(pollable_of(stream), nullptr);
    g_source_set_dummy_callback(child);
    g_source_add_child_source(source, child);
    g_source_unref(child);
    return source;
  };
  pollable->read_nonblocking = read_now;
}

GType wire_type() {
  static const GType type = [] {
    const GType made = g_type_register_static_simple(
        G_TYPE_FILTER_INPUT_STREAM, "KanhuWireStream", sizeof(WireStreamClass), fill_wire_class, sizeof(WireStream),
        [](GTypeInstance* instance, gpointer) { wire_of(instance)->wire = new RtspWire; }, static_cast<GTypeFlags>(0));
    const GInterfaceInfo interface { fill_pollable, nullptr, nullptr };
    g_type_add_interface_static(made, G_TYPE_POLLABLE_INPUT_STREAM, &interface);
    return made;
  }();
  return type;
}

GInputStream* (*plain_input_of)(GIOStream*) = nullptr;

GQuark wire_of_connection() {
  static const GQuark quark = g_quark_from_static_string("kanhu-wire");
  return quark;
}

// A connection that a client made is read through its WireStream, any other as before.
GInputStream* input_of(GIOStream* connection) {
  auto* wire = static_cast<GInputStream*>(g_object_get_qdata(G_OBJECT(connection), wire_of_connection()));
  return wire != nullptr ? wire : plain_input_of(connection);
}

// GSocketClient's signal "event": (client, event, connectable, connection).
gboolean client_event(GSignalInvocationHint*, guint count, const GValue* values, gpointer) {
  if (count < 4 || g_value_get_enum(&values[1]) != G_SOCKET_CLIENT_CONNECTED) return TRUE;
  auto* connection = static_cast<GObject*>(g_value_get_object(&values[3]));
  if (connection == nullptr || !G_IS_TCP_CONNECTION(connection)) return TRUE;
  auto* wire = static_cast<GObject*>(
      g_object_new(wire_type(), "base-stream", plain_input_of(G_IO_STREAM(connection)), "close-base-stream", FALSE, nullptr));
  g_object_set_qdata_full(connection, wire_of_connection(), wire, g_object_unref);
  return TRUE;
}

}  // namespace

void bound_connections() {
  if (plain_input_of != nullptr) return;
  // GIO's factory of connection classes cannot be told another class for IPv4 (2.74 then gives garbage): the one it has reads through us.
  auto* tcp = G_IO_STREAM_CLASS(g_type_class_ref(G_TYPE_TCP_CONNECTION));
  plain_input_of = tcp->get_input_stream;
  tcp->get_input_stream = input_of;
  g_type_class_ref(G_TYPE_SOCKET_CLIENT);  // kept, as the signal is needed
  g_signal_add_emission_hook(g_signal_lookup("event", G_TYPE_SOCKET_CLIENT), 0, client_event, nullptr, nullptr);
}

bool connection_was_oversized() { return std::exchange(oversized_here(), false); }

}  // namespace kanhu::ingest
