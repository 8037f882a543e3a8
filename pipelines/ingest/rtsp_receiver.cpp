#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gst/rtsp/gstrtspmessage.h>
#include <gst/rtsp/gstrtsptransport.h>

#include "pipelines/ingest/background.hpp"
#include "pipelines/ingest/receiver.hpp"
#include "pipelines/ingest/rtsp_errors.hpp"
#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr guint kLatencyTcp_ms = 100;  // waits only for packets that are missing
constexpr guint kLatencyUdp_ms = 300;
constexpr guint64 kAnswerTimeout_us = 8'000'000;
constexpr guint64 kUdpTimeout_us = 5'000'000;
constexpr std::chrono::milliseconds kDiagnosisPatience{1500};
constexpr gint64 kSameRequestWithin_us = 10'000'000;

// The dialogue with one camera, as rtspsrc's signals show it. Held by the signal handlers.
// Thread: the signals come from rtspsrc's task and, once it plays, from its streaming threads.
struct Dialogue {
  IntakePtr intake;
  Credential credential;
  RtspAddress address;
  std::atomic<bool> video_offered{false};
  std::atomic<bool> stream_chosen{false};
  std::atomic<bool> diagnosing{false};
  std::mutex mutex;
  GstPtr<GstElement> jitter_buffer;  // of the one stream that is set up
  // Only rtspsrc's task:
  GstRTSPMethod last_method = GST_RTSP_INVALID;
  std::string last_uri;
  gint64 last_sent_us = 0;
  int times_sent = 0;
};
using DialoguePtr = std::shared_ptr<Dialogue>;

Dialogue& dialogue_of(gpointer data) { return **static_cast<DialoguePtr*>(data); }
void delete_dialogue(gpointer data, GClosure*) { delete static_cast<DialoguePtr*>(data); }

void connect_signal(GObject* object, const char* signal, GCallback handler, const DialoguePtr& dialogue) {
  g_signal_connect_data(object, signal, handler, new DialoguePtr(dialogue), delete_dialogue, static_cast<GConnectFlags>(0));
}

// rtspsrc answers every 401 with the same user and password, up to nine times a request; cameras lock an account after
// five to seven. So it gets the password for one answer, and again for the next request.
void ration_password(GstElement* source, Dialogue& dialogue, GstRTSPMethod method, const char* uri) {
  const gint64 now_us = g_get_monotonic_time();
  const bool again = method == dialogue.last_method && dialogue.last_uri == uri && now_us - dialogue.last_sent_us < kSameRequestWithin_us;
  dialogue.times_sent = again && dialogue.times_sent < 2 ? dialogue.times_sent + 1 : 1;
  dialogue.last_method = method;
  dialogue.last_uri = uri;
  dialogue.last_sent_us = now_us;
  if (dialogue.credential.empty()) return;
  g_object_set(source, "user-pw", dialogue.times_sent == 1 ? dialogue.credential.password.reveal().c_str() : nullptr, nullptr);
}

gboolean before_send(GstElement* source, GstRTSPMessage* message, gpointer data) {
  Dialogue& dialogue = dialogue_of(data);
  GstRTSPMethod method = GST_RTSP_INVALID;
  const gchar* uri = nullptr;
  if (message->type != GST_RTSP_MESSAGE_REQUEST || gst_rtsp_message_parse_request(message, &method, &uri, nullptr) != GST_RTSP_OK)
    return TRUE;
  ration_password(source, dialogue, method, uri == nullptr ? "" : uri);
  auto& stage = dialogue.intake->signs.stage;
  if (stage == Stage::kStreaming) return TRUE;
  switch (method) {
    case GST_RTSP_OPTIONS:
    case GST_RTSP_DESCRIBE:
      stage = Stage::kDescribe;
      break;
    case GST_RTSP_SETUP:
      stage = Stage::kSetup;
      break;
    case GST_RTSP_PLAY:
      stage = Stage::kPlay;
      break;
    default:
      break;
  }
  return TRUE;
}

// The first video stream of a codec we take; audio and metadata are never set up.
gboolean select_stream(GstElement*, guint, GstCaps* caps, gpointer data) {
  Dialogue& dialogue = dialogue_of(data);
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
  std::scoped_lock lock(dialogue.mutex);
  dialogue.jitter_buffer.reset(GST_ELEMENT(gst_object_ref(buffer)));
}

void session_manager_made(GstElement*, GstElement* manager, gpointer data) {
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

void stream_found(GstElement* source, GstPad* pad, gpointer data) {
  Dialogue& dialogue = dialogue_of(data);
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
        {ErrorKind::kUnsupported, "the camera's video cannot be taken apart; choose another codec in its settings"});
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
  Intake& intake = *dialogue.intake;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    // After an error the end of stream follows at once; the error is the reason.
    if (!dialogue.diagnosing) intake.receiving_ended({ErrorKind::kEndOfStream, "the camera ended the stream or closed the connection"});
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    const Stage stage = intake.signs.stage;
    Error why = error_of_message(message, {stage, dialogue.video_offered, !dialogue.credential.empty()});
    if (stage == Stage::kConnect) {
      diagnose(dialogue, std::move(why));
    } else {
      intake.receiving_ended(std::move(why));
    }
  }
}

class RtspReceiver final : public Receiver {
 public:
  explicit RtspReceiver(const SourceSpec& spec)
      : url_(spec.stream.url),
        credential_(spec.credential),
        udp_(spec.stream.transport == Transport::kUdp),
        automatic_(spec.stream.transport == Transport::kAuto) {}

  Result<GstPtr<GstElement>> open(const IntakePtr& intake) override {
    GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    GstElement* source = gst_element_factory_make("rtspsrc", nullptr);
    if (source == nullptr) return fail(ErrorKind::kInternal, "GStreamer's rtspsrc is missing; install gstreamer1.0-plugins-good");
    gst_bin_add(GST_BIN(pipeline.get()), source);
    auto dialogue = std::make_shared<Dialogue>();
    dialogue_ = dialogue;
    dialogue->intake = intake;
    dialogue->credential = credential_;
    dialogue->address = rtsp_address(url_);
    g_object_set(source, "location", url_.c_str(), "protocols", udp_ ? GST_RTSP_LOWER_TRANS_UDP : GST_RTSP_LOWER_TRANS_TCP, "latency",
                 udp_ ? kLatencyUdp_ms : kLatencyTcp_ms, "tcp-timeout", kAnswerTimeout_us, "timeout", kUdpTimeout_us, "do-rtcp", TRUE,
                 "do-retransmission", FALSE, "add-reference-timestamp-meta", TRUE, "user-agent", "Kanhu", "udp-reconnect", FALSE, nullptr);
    // As properties the two are taken literally; inside an address @ : / % would end them.
    if (!credential_.empty())
      g_object_set(source, "user-id", credential_.user.c_str(), "user-pw", credential_.password.reveal().c_str(), nullptr);
    connect_signal(G_OBJECT(source), "before-send", G_CALLBACK(before_send), dialogue);
    connect_signal(G_OBJECT(source), "select-stream", G_CALLBACK(select_stream), dialogue);
    connect_signal(G_OBJECT(source), "new-manager", G_CALLBACK(session_manager_made), dialogue);
    connect_signal(G_OBJECT(source), "pad-added", G_CALLBACK(stream_found), dialogue);
    const GstPtr<GstBus> bus(gst_pipeline_get_bus(GST_PIPELINE(pipeline.get())));
    gst_bus_set_sync_handler(
        bus.get(),
        [](GstBus*, GstMessage* message, gpointer data) {
          hear(dialogue_of(data), message);
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

  bool has_other_way(const Error& why) override {
    if (!automatic_ || udp_ || (why.kind != ErrorKind::kTransport && why.kind != ErrorKind::kTimeout)) return false;
    udp_ = true;
    return true;
  }

 private:
  const std::string url_;
  const Credential credential_;
  bool udp_;
  const bool automatic_;
  std::weak_ptr<Dialogue> dialogue_;
};

}  // namespace

std::unique_ptr<Receiver> make_rtsp_receiver(const SourceSpec& spec) { return std::make_unique<RtspReceiver>(spec); }

}  // namespace kanhu::ingest
