// SPDX-License-Identifier: MIT
#include "pipelines/ingest/receiver.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gst/rtsp/gstrtspmessage.h>
#include <gst/rtsp/gstrtsptransport.h>

#include "base/fault.hpp"
#include "pipelines/ingest/background.hpp"
#include "pipelines/ingest/rtsp/bounded_connection.hpp"
#include "pipelines/ingest/rtsp/dialogue.hpp"
#include "pipelines/ingest/rtsp/errors.hpp"
#include "pipelines/ingest/rtsp/rtp_guard.hpp"
#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr guint kLatencyTcp_ms = 100;  // waits only for packets that are missing
constexpr guint kLatencyUdp_ms = 300;
constexpr guint64 kAnswerTimeout_us = 8'000'000;
constexpr guint64 kUdpTimeout_us = 5'000'000;
constexpr std::chrono::milliseconds kDiagnosisPatience{1500};

using DialoguePtr = std::shared_ptr<Dialogue>;

// GStreamer cannot carry an exception: what a camera causes ends its run, not the worker.
template <typename Work>
void contained(const IntakePtr& intake, Work&& work) noexcept {
  if (faults::contained("ingest", std::forward<Work>(work))) return;
  (void)faults::contained("ingest", [&] {
    intake->receiving_ended(
        {ErrorKind::kCorrupt, "what the camera sent could not be dealt with (an error in Kanhu, see the log); report it"});
  });
}

Dialogue& dialogue_of(gpointer data) { return **static_cast<DialoguePtr*>(data); }
void delete_dialogue(gpointer data, GClosure*) { delete static_cast<DialoguePtr*>(data); }

void connect_signal(GObject* object, const char* signal, GCallback handler, const DialoguePtr& dialogue) {
  g_signal_connect_data(object, signal, handler, new DialoguePtr(dialogue), delete_dialogue, static_cast<GConnectFlags>(0));
}

gboolean before_send(GstElement* source, GstRTSPMessage* message, gpointer data) {
  const DialoguePtr& dialogue = *static_cast<DialoguePtr*>(data);
  contained(dialogue->intake, [&] {
    if (message->type == GST_RTSP_MESSAGE_REQUEST) Dialogue::before_request(dialogue, source, *message);
  });
  return TRUE;
}

void on_sdp(GstElement*, GstSDPMessage* sdp, gpointer data) {
  contained(dialogue_of(data).intake, [&] {
    if (sdp != nullptr) dialogue_of(data).described(*sdp);
  });
}

void handle_request(GstElement*, GstRTSPMessage* request, GstRTSPMessage*, gpointer data) {
  contained(dialogue_of(data).intake, [&] { dialogue_of(data).requested(*request); });
}

// The first video stream of a codec we take; audio and metadata are never set up.
gboolean select_stream(GstElement*, guint number, GstCaps* caps, gpointer data) {
  Dialogue& dialogue = dialogue_of(data);
  if (dialogue.is_secret(number)) return FALSE;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const char* media = gst_structure_get_string(structure, "media");
  const char* encoding = gst_structure_get_string(structure, "encoding-name");
  if (media == nullptr || encoding == nullptr || std::string_view(media) != "video" || !codec_of_rtp(encoding)) return FALSE;
  dialogue.video_offered = true;
  // A retry with another transport asks again about the same stream.
  return dialogue.stream_chosen.exchange(true) ? FALSE : TRUE;
}

// Each jitter buffer counts what never came, by RTP sequence numbers.
void jitter_buffer_made(GstElement*, GstElement* buffer, guint, guint, gpointer data) {
  Dialogue& dialogue = dialogue_of(data);
  guard_jitter_buffer(buffer, dialogue.intake);
  std::scoped_lock lock(dialogue.mutex);
  dialogue.jitter_buffer.reset(GST_ELEMENT(gst_object_ref(buffer)));
}

void session_manager_made(GstElement*, GstElement* manager, gpointer data) {
  guard_senders(manager, dialogue_of(data).intake);
  connect_signal(G_OBJECT(manager), "new-jitterbuffer", G_CALLBACK(jitter_buffer_made), *static_cast<DialoguePtr*>(data));
}

std::uint64_t lost_of(Dialogue& dialogue) {
  std::scoped_lock lock(dialogue.mutex);
  if (!dialogue.jitter_buffer) return 0;
  GstStructure* stats = nullptr;
  g_object_get(dialogue.jitter_buffer.get(), "stats", &stats, nullptr);
  guint64 lost = 0;
  if (stats != nullptr) {
    gst_structure_get_uint64(stats, "num-lost", &lost);
    gst_structure_free(stats);
  }
  return lost;
}

GstPadProbeReturn heard_rtp(GstPad*, GstPadProbeInfo*, gpointer data) {
  (*static_cast<IntakePtr*>(data))->heard_something();
  return GST_PAD_PROBE_OK;
}

void receive_stream(Dialogue& dialogue, GstElement* source, GstPad* pad) {
  const GstPtr<GstCaps> caps(gst_pad_query_caps(pad, nullptr));
  const char* encoding =
      gst_caps_get_size(caps.get()) == 0 ? nullptr : gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "encoding-name");
  const auto codec = encoding == nullptr ? std::nullopt : codec_of_rtp(encoding);
  if (!codec) return;
  gst_pad_add_probe(pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), heard_rtp,
                    new IntakePtr(dialogue.intake), [](gpointer held) { delete static_cast<IntakePtr*>(held); });
  const GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(source))));
  if (!pipeline || !attach_parser(pipeline.get(), pad, *codec, true, dialogue.intake))
    dialogue.intake->receiving_ended(
        {ErrorKind::kUnsupported,
         dialogue.has_odd_clock_rate()
             ? "the camera describes its video with a clock rate other than 90,000 (RFC 6184, 7798 and 2435); update its firmware"
             : "the camera's video cannot be taken apart; choose another codec in its settings"});
}

void stream_found(GstElement* source, GstPad* pad, gpointer data) {
  contained(dialogue_of(data).intake, [&] { receive_stream(dialogue_of(data), source, pad); });
}

// A connection that failed says little: ask the resolver and the network once more, aside, and report what they say.
void diagnose(Dialogue& dialogue, Error fallback) {
  if (dialogue.diagnosing.exchange(true)) return;
  run_in_background([intake = dialogue.intake, address = dialogue.address, fallback = std::move(fallback)] {
    const auto why = diagnose_connection(address, kDiagnosisPatience);
    intake->receiving_ended(why.value_or(fallback));
  });
}

void hear(Dialogue& dialogue, GstMessage* message) {
  if (dialogue.closed()) return;
  Intake& intake = *dialogue.intake;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    // After an error the end of stream follows at once; the error is the reason.
    if (!dialogue.diagnosing) intake.receiving_ended({ErrorKind::kEndOfStream, "the camera ended the stream or closed the connection"});
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
    if (auto why = error_of_warning(message)) intake.receiving_ended(std::move(*why));
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    const Talk talk = dialogue.talk();
    if (connection_was_oversized())
      return intake.receiving_ended({ErrorKind::kOversized,
                                     "an RTSP answer of the camera is without end or too large; restart it, and update its firmware if it "
                                     "stays so"});
    Error why = error_of_message(message, talk);
    if (talk.stage == Stage::kConnect) {
      diagnose(dialogue, std::move(why));
    } else {
      intake.receiving_ended(std::move(why));
    }
  }
}

class RtspReceiver final : public Receiver {
 public:
  explicit RtspReceiver(const SourceSpec& spec)
      : path_(std::make_shared<Guarded<RedirectPath>>(RedirectPath(spec.stream.url, spec.stream.redirect_to))),
        credential_(spec.credential),
        digest_only_(spec.stream.digest_only),
        udp_(spec.stream.transport == Transport::kUdp),
        automatic_(spec.stream.transport == Transport::kAuto) {}

  Result<GstPtr<GstElement>> open(const IntakePtr& intake) override {
    GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    GstElement* source = gst_element_factory_make("rtspsrc", nullptr);
    if (source == nullptr) return fail(ErrorKind::kInternal, "GStreamer's rtspsrc is missing; install gstreamer1.0-plugins-good");
    gst_bin_add(GST_BIN(pipeline.get()), source);
    auto dialogue = std::make_shared<Dialogue>(intake, path_, credential_, digest_only_);
    dialogue_ = dialogue;
    source_.reset(GST_ELEMENT(gst_object_ref(source)));
    const std::string url = path_->with([](const RedirectPath& path) { return path.url(); });
    intake->sent_to.with([this](std::string& place) { place = path_->with([](const RedirectPath& path) { return path.sent_to(); }); });
    g_object_set(source, "location", url.c_str(), "protocols", udp_ ? GST_RTSP_LOWER_TRANS_UDP : GST_RTSP_LOWER_TRANS_TCP, "latency",
                 udp_ ? kLatencyUdp_ms : kLatencyTcp_ms, "tcp-timeout", kAnswerTimeout_us, "timeout", kUdpTimeout_us, "do-rtcp", TRUE,
                 "do-retransmission", FALSE, "add-reference-timestamp-meta", TRUE, "user-agent", "Kanhu", "udp-reconnect", FALSE, nullptr);
    connect_signal(G_OBJECT(source), "before-send", G_CALLBACK(before_send), dialogue);
    connect_signal(G_OBJECT(source), "handle-request", G_CALLBACK(handle_request), dialogue);
    connect_signal(G_OBJECT(source), "on-sdp", G_CALLBACK(on_sdp), dialogue);
    connect_signal(G_OBJECT(source), "select-stream", G_CALLBACK(select_stream), dialogue);
    connect_signal(G_OBJECT(source), "new-manager", G_CALLBACK(session_manager_made), dialogue);
    connect_signal(G_OBJECT(source), "pad-added", G_CALLBACK(stream_found), dialogue);
    const GstPtr<GstBus> bus(gst_pipeline_get_bus(GST_PIPELINE(pipeline.get())));
    gst_bus_set_sync_handler(
        bus.get(),
        [](GstBus*, GstMessage* message, gpointer data) {
          contained(dialogue_of(data).intake, [&] { hear(dialogue_of(data), message); });
          gst_message_unref(message);
          return GST_BUS_DROP;
        },
        new DialoguePtr(dialogue), [](gpointer data) { delete static_cast<DialoguePtr*>(data); });
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return fail(ErrorKind::kInvalidArgument, "the address is not one rtspsrc accepts; expected rtsp://host[:port]/path");
    return pipeline;
  }

  std::uint64_t lost_on_the_way() override {
    const auto dialogue = dialogue_.lock();
    return dialogue ? lost_of(*dialogue) : 0;
  }

  void tend() override {
    const auto dialogue = dialogue_.lock();
    if (!dialogue || !source_ || !dialogue->wants_keep_alive(g_get_monotonic_time())) return;
    gboolean sent = FALSE;
    GstPromise* answer = gst_promise_new();  // rtspsrc wants one, and holds it by itself
    g_signal_emit_by_name(source_.get(), "get-parameter", "alive", nullptr, answer, &sent);
    gst_promise_unref(answer);
  }

  Error explained(Error why) override {
    const auto dialogue = dialogue_.lock();
    if (dialogue) dialogue->ended(why.kind);
    if (!dialogue || !dialogue->timed_out(why.kind, g_get_monotonic_time())) return at_its_place(std::move(why));
    return {
        ErrorKind::kSessionTimeout,
        "the camera ended the session by its own timer, as it takes no request that would keep it alive; update its firmware, or make the "
        "session time-out in its RTSP settings longer"};
  }

  KeepAlive keep_alive() override {
    const auto dialogue = dialogue_.lock();
    return dialogue ? dialogue->keep_alive() : KeepAlive::kUnknown;
  }

  bool has_other_way(const Error& why) override {
    const auto dialogue = dialogue_.lock();
    if (dialogue) dialogue->close();
    if (dialogue && dialogue->has_moved()) return true;
    if (!automatic_ || udp_ || (why.kind != ErrorKind::kTransport && why.kind != ErrorKind::kTimeout)) return false;
    udp_ = true;
    return true;
  }

 private:
  // Words about a camera are about the place it has sent us to.
  Error at_its_place(Error why) const {
    if (why.kind == ErrorKind::kRedirected || why.kind == ErrorKind::kClosed) return why;
    why.message = after_redirect(path_->with([](const RedirectPath& path) { return path.sent_to(); }), std::move(why.message));
    return why;
  }

  const Dialogue::Path path_;
  const Credential credential_;
  const bool digest_only_;
  bool udp_;
  const bool automatic_;
  std::weak_ptr<Dialogue> dialogue_;
  GstPtr<GstElement> source_;
};

}  // namespace

std::unique_ptr<Receiver> make_rtsp_receiver(const SourceSpec& spec) { return std::make_unique<RtspReceiver>(spec); }

}  // namespace kanhu::ingest
