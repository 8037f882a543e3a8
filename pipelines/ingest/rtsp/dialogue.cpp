// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/dialogue.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gst/rtsp/gstrtsptransport.h>

#include "base/fault.hpp"
#include "base/text.hpp"

namespace kanhu::ingest {
namespace {

constexpr gint64 kSecond_us = 1'000'000;
constexpr gint64 kKeepAliveEvery_us = 25 * kSecond_us;
constexpr gint64 kKeepAliveAtLeast_us = 2 * kSecond_us;
constexpr gint64 kFirstKeepAliveAfter_us = 3 * kSecond_us;
constexpr gint64 kAnsweredWithin_us = 8 * kSecond_us;
constexpr gint64 kSessionTimeout_us = 60 * kSecond_us;  // where the camera says none: RFC 2326, 12.37
constexpr gint64 kNoticedWithin_us = 15 * kSecond_us;   // a stall is found after up to 8 s
constexpr gint64 kEarlier_us = 3 * kSecond_us;
constexpr gint64 kNoSessionEndsBefore_us = 10 * kSecond_us;
// rtspsrc answers a 401 only with a user and a password of its own, and by Digest only if it knows realm and nonce. So it is given a
// user that nobody reads and a challenge without both: it repeats the request, and the header is ours.
constexpr const char* kNobody = "-";
constexpr const char* kRepeat = "Digest repeat=\"yes\"";

std::vector<std::string> values_of(const GstRTSPMessage& message, GstRTSPHeaderField field) {
  std::vector<std::string> values;
  gchar* value = nullptr;
  for (gint i = 0; gst_rtsp_message_get_header(&message, field, &value, i) == GST_RTSP_OK; ++i) values.emplace_back(value);
  return values;
}

void remove_all(GstRTSPMessage& message, GstRTSPHeaderField field) { gst_rtsp_message_remove_header(&message, field, -1); }

bool lists(const std::vector<std::string>& headers, std::string_view method) {
  return std::any_of(headers.begin(), headers.end(), [&](const std::string& header) { return header.find(method) != std::string::npos; });
}

// Media comes from the camera itself and goes to us: what a Transport says about other hosts is not listened to, and nothing is joined
// that we did not ask for. Nothing for multicast.
std::optional<std::string> own_transport(std::string_view offered) {
  std::string kept;
  while (!offered.empty()) {
    const auto end = std::min(offered.find(';'), offered.size());
    std::string_view part = offered.substr(0, end);
    offered.remove_prefix(std::min(end + 1, offered.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    std::string name(part.substr(0, part.find('=')));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name == "multicast") return std::nullopt;
    if (name.starts_with("source") || name.starts_with("destination")) continue;
    if (!kept.empty()) kept += ';';
    kept += part;
  }
  return kept;
}

// May rtspsrc be told of it? With what it has not asked for it asks again, without end.
bool was_asked_for(const std::string& offered, const std::vector<std::string>& asked) {
  GstRTSPTransport* raw = nullptr;
  gst_rtsp_transport_new(&raw);
  const std::unique_ptr<GstRTSPTransport, decltype(&gst_rtsp_transport_free)> transport(raw, &gst_rtsp_transport_free);
  if (gst_rtsp_transport_parse(offered.c_str(), raw) != GST_RTSP_OK || raw->trans != GST_RTSP_TRANS_RTP) return false;
  const bool by_tcp = lists(asked, "RTP/AVP/TCP");
  if (!by_tcp) return raw->lower_transport == GST_RTSP_LOWER_TRANS_UDP;
  // A channel is one byte (RFC 2326, 10.12). One that names none takes those that were asked for.
  const auto is_channel = [](gint number) { return number >= 0 && number <= 255; };
  const bool names_none = offered.find("interleaved") == std::string::npos;
  return raw->lower_transport == GST_RTSP_LOWER_TRANS_TCP &&
         (names_none || (is_channel(raw->interleaved.min) && is_channel(raw->interleaved.max)));
}

// Of these rtspsrc keeps the status to itself, or goes on as if nothing had been refused.
bool is_refused(GstRTSPMethod method, int status) {
  if (method != GST_RTSP_DESCRIBE && method != GST_RTSP_SETUP && method != GST_RTSP_PLAY) return false;
  // 461 and 453: it may have another way.
  const bool other_way = status == GST_RTSP_STS_UNSUPPORTED_TRANSPORT || status == GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH;
  return status >= 400 && !(method == GST_RTSP_SETUP && other_way);
}

// "application/sdp; charset=utf-8" -> "application/sdp"
std::string media_type_of(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

// Cameras, by host and port, that ended a stream when they were asked to keep it. Never destroyed.
Guarded<std::set<std::string>>& places_that_hang_up() {
  static auto* const places = new Guarded<std::set<std::string>>;
  return *places;
}

}  // namespace

Dialogue::Dialogue(IntakePtr of, Path path, const Credential& credential, bool digest_only)
    : intake(std::move(of)),
      address(path->with([](const RedirectPath& at) { return rtsp_address(at.url(), at.url().starts_with("rtsps:") ? "322" : "554"); })),
      path_(std::move(path)),
      has_credential_(!credential.empty()),
      withheld_(has_credential_ && !path_->with([](const RedirectPath& at) { return at.trusted(); })),
      session_timeout_us_(kSessionTimeout_us),
      keep_alive_every_us_(kKeepAliveEvery_us),
      login_(withheld_ ? Credential{} : credential, digest_only, place()) {}

std::string Dialogue::place() const { return place_of(fmt::format("{}:{}", address.host, address.port)); }

Talk Dialogue::talk() const {
  return offer_.with([&](const Offer& offer) {
    return Talk{intake->signs.stage, asked_options_, video_offered, has_credential_ && !withheld_, offer.encrypted, offer.named};
  });
}

void Dialogue::described(GstSDPMessage& sdp) {
  constexpr guint kMostMedia = 16;
  constexpr const char* kStaticMjpeg = "26";  // RFC 3551, table 5
  Offer offer;
  for (guint i = 0; i < std::min(gst_sdp_message_medias_len(&sdp), kMostMedia); ++i) {
    // The message is ours to change; the function that finds a part of it says const.
    auto* media = const_cast<GstSDPMedia*>(gst_sdp_message_get_media(&sdp, i));
    const gchar* first_type = gst_sdp_media_formats_len(media) == 0 ? nullptr : gst_sdp_media_get_format(media, 0);
    if (g_strcmp0(first_type, kStaticMjpeg) == 0 && gst_sdp_media_get_attribute_val(media, "rtpmap") == nullptr)
      gst_sdp_media_add_attribute(media, "rtpmap", "26 JPEG/90000");
    const gchar* map = gst_sdp_media_get_attribute_val(media, "rtpmap");
    std::string_view encoding = map == nullptr ? "" : map;  // "96 H264/90000"
    encoding.remove_prefix(std::min(encoding.find(' ') + 1, encoding.size()));
    const std::string_view kind = media->media == nullptr ? "" : media->media;
    const std::string_view protocol = media->proto == nullptr ? "" : media->proto;
    const bool secret = protocol.find("SAVP") != std::string_view::npos;
    if (kind == "video" && secret) offer.encrypted = true;
    offer.secret.push_back(secret);
    if (!offer.named.empty()) offer.named += ", ";
    const auto slash = encoding.find('/');
    const std::string_view name = encoding.substr(0, std::min<std::size_t>(slash, 20));
    offer.named += name.empty() ? fmt::format("{} of payload type {}, which it does not name", kind.substr(0, 16),
                                              std::string_view(first_type == nullptr ? "" : first_type).substr(0, 8))
                                : fmt::format("{} {}", kind.substr(0, 16), name);
    if (kind == "video" && slash != std::string_view::npos && encoding.substr(slash + 1, 5) != "90000") offer.odd_clock_rate = true;
  }
  offer_.with([&](Offer& held) { held = std::move(offer); });
}

bool Dialogue::is_secret(unsigned stream) const {
  return offer_.with([&](const Offer& offer) { return stream < offer.secret.size() && offer.secret[stream]; });
}

bool Dialogue::has_odd_clock_rate() const {
  return offer_.with([](const Offer& offer) { return offer.odd_clock_rate; });
}

void Dialogue::note_stage(GstRTSPMethod method) {
  auto& stage = intake->signs.stage;
  if (stage == Stage::kStreaming || closed_) return;
  if (method == GST_RTSP_OPTIONS || method == GST_RTSP_DESCRIBE) stage = Stage::kDescribe;
  if (method == GST_RTSP_SETUP) stage = Stage::kSetup;
  if (method == GST_RTSP_PLAY) stage = Stage::kPlay;
}

void Dialogue::before_request(const std::shared_ptr<Dialogue>& self, GstElement* source, GstRTSPMessage& request) {
  self->source_ = source;
  filter_next_answer([self](const GstRTSPMessage& asked, GstRTSPMessage& answer) { self->answered(asked, answer); });
  g_object_set(source, "user-id", nullptr, "user-pw", nullptr, nullptr);
  self->last_request_us_ = g_get_monotonic_time();
  auto& head = request.type_data.request;
  if (head.method == GST_RTSP_GET_PARAMETER) {  // ours: rtspsrc's own do not come by here
    if (self->keep_alive_ == KeepAlive::kOptions) head.method = GST_RTSP_OPTIONS;
    self->asked_us_ = self->last_request_us_.load();
    self->unanswered_ = true;
    remove_all(request, GST_RTSP_HDR_CONTENT_TYPE);
    gst_rtsp_message_set_body(&request, nullptr, 0);
  } else {
    self->note_stage(head.method);
    self->asked_options_ = head.method == GST_RTSP_OPTIONS;
    if (self->played_us_ == 0) ++self->requests_;
  }
  remove_all(request, GST_RTSP_HDR_AUTHORIZATION);
  const auto value = self->login_.authorization(gst_rtsp_method_as_text(head.method), head.uri == nullptr ? "" : head.uri);
  self->answers_challenge_ = value.has_value();
  if (value) gst_rtsp_message_add_header(&request, GST_RTSP_HDR_AUTHORIZATION, value->c_str());
}

// GStreamer cannot carry an exception.
void Dialogue::answered(const GstRTSPMessage& request, GstRTSPMessage& answer) {
  if (faults::contained("ingest", [&] { take_answer(request, answer); })) return;
  (void)faults::contained("ingest", [&] {
    give_up(answer, {ErrorKind::kCorrupt, "an answer of the camera could not be dealt with (an error in Kanhu, see the log); report it"});
  });
}

void Dialogue::give_up(GstRTSPMessage& answer, Error why) {
  remove_all(answer, GST_RTSP_HDR_WWW_AUTHENTICATE);
  remove_all(answer, GST_RTSP_HDR_LOCATION);
  answer.type_data.response.code = GST_RTSP_STS_BAD_REQUEST;
  if (!closed_.exchange(true)) intake->receiving_ended(std::move(why));
}

void Dialogue::take_answer(const GstRTSPMessage& request, GstRTSPMessage& answer) {
  // OPTIONS, DESCRIBE, a SETUP and PLAY, each again with a password: more is a camera that is never content.
  constexpr int kMostRequests = 40;
  if (requests_ > kMostRequests)
    return give_up(answer, {ErrorKind::kCorrupt, fmt::format("the camera had {} requests and still does not play; restart it, and update "
                                                             "its firmware if it stays so",
                                                             kMostRequests)});
  const int status = answer.type_data.response.code;
  const GstRTSPMethod method = request.type_data.request.method;
  const bool keeps_alive = method == GST_RTSP_GET_PARAMETER || (method == GST_RTSP_OPTIONS && intake->signs.stage == Stage::kStreaming);
  if (keeps_alive) unanswered_ = false;
  if (status == GST_RTSP_STS_UNAUTHORIZED) return unauthorized(answer, keeps_alive);
  remove_all(answer, GST_RTSP_HDR_WWW_AUTHENTICATE);  // rtspsrc would repeat a 404 because of it
  login_.accepted();
  if (keeps_alive) return keep_alive_answered(answer);
  if (status >= 300 && status < 400) return redirected(answer);
  if (is_refused(method, status) && !closed_) intake->receiving_ended(error_of_status(status, talk()));
  if (status != GST_RTSP_STS_OK) return;
  if (method == GST_RTSP_DESCRIBE) describe_answered(answer);
  if (method == GST_RTSP_OPTIONS) options_answered(answer);
  if (method == GST_RTSP_SETUP) setup_answered(request, answer);
  if (method != GST_RTSP_PLAY) return;
  played_us_ = g_get_monotonic_time();
  // A live picture has no range and no speed: by them rtspsrc would shift or drop what comes.
  for (const GstRTSPHeaderField field : {GST_RTSP_HDR_SCALE, GST_RTSP_HDR_SPEED, GST_RTSP_HDR_RANGE}) remove_all(answer, field);
}

void Dialogue::unauthorized(GstRTSPMessage& answer, bool keeps_alive) {
  auto why = login_.challenged(values_of(answer, GST_RTSP_HDR_WWW_AUTHENTICATE), answers_challenge_);
  remove_all(answer, GST_RTSP_HDR_WWW_AUTHENTICATE);
  if (!why) {
    gst_rtsp_message_add_header(&answer, GST_RTSP_HDR_WWW_AUTHENTICATE, kRepeat);
    if (source_ != nullptr) g_object_set(source_, "user-id", kNobody, "user-pw", kNobody, nullptr);
    return;
  }
  // Who gives video takes the password; what else it wants it for is its own affair.
  if (keeps_alive) {
    keep_alive_ = KeepAlive::kRefused;
    return;
  }
  if (withheld_)
    why =
        Error{ErrorKind::kRedirected,
              fmt::format("the camera redirects to {}, which asks for a password; it is not told there: name {} under redirect_to if it is "
                          "yours",
                          kanhu::quoted(address.host), kanhu::quoted(place(), 120))};
  if (!closed_) intake->receiving_ended(std::move(*why));
}

void Dialogue::go_to(const std::string& location) {
  if (closed_.exchange(true)) return;
  const auto followed = path_->with([&](RedirectPath& path) { return path.follow(location); });
  moved_ = followed.has_value();
  intake->receiving_ended(
      followed ? Error{ErrorKind::kRedirected,
                       fmt::format("the camera moved its stream to {}; it is asked again at its own address",
                                   kanhu::quoted(path_->with([](const RedirectPath& path) { return place_of(path.url()); })))}
               : followed.error());
}

void Dialogue::redirected(GstRTSPMessage& answer) {
  const auto locations = values_of(answer, GST_RTSP_HDR_LOCATION);
  remove_all(answer, GST_RTSP_HDR_LOCATION);
  answer.type_data.response.code = GST_RTSP_STS_BAD_REQUEST;
  go_to(locations.empty() ? "" : locations.front());
}

void Dialogue::requested(const GstRTSPMessage& request) {
  if (request.type_data.request.method != GST_RTSP_REDIRECT) return;
  gchar* location = nullptr;
  gst_rtsp_message_get_header(&request, GST_RTSP_HDR_LOCATION, &location, 0);
  go_to(location == nullptr ? "" : location);
}

void Dialogue::describe_answered(const GstRTSPMessage& answer) {
  const auto types = values_of(answer, GST_RTSP_HDR_CONTENT_TYPE);
  if (types.empty() || media_type_of(types.front()) == "application/sdp" || closed_) return;
  intake->receiving_ended({ErrorKind::kUnsupported,
                           fmt::format("the camera does not describe its stream by SDP, but by {}; check that the path is a live stream, "
                                       "and update its firmware",
                                       quoted(media_type_of(types.front()), 60))});
}

void Dialogue::options_answered(GstRTSPMessage& answer) {
  auto methods = values_of(answer, GST_RTSP_HDR_PUBLIC);
  const auto allowed = values_of(answer, GST_RTSP_HDR_ALLOW);
  methods.insert(methods.end(), allowed.begin(), allowed.end());
  if (places_that_hang_up().with([&](const auto& places) { return places.contains(place()); })) {
    keep_alive_ = KeepAlive::kRefused;
    return;
  }
  if (lists(methods, "GET_PARAMETER")) {
    keep_alive_ = KeepAlive::kGetParameter;
    return;
  }
  // rtspsrc must believe in GET_PARAMETER to send our request, which then goes out as OPTIONS.
  keep_alive_ = KeepAlive::kOptions;
  gst_rtsp_message_add_header(&answer, GST_RTSP_HDR_PUBLIC, methods.empty() ? "DESCRIBE, SETUP, GET_PARAMETER" : "GET_PARAMETER");
}

void Dialogue::setup_answered(const GstRTSPMessage& request, GstRTSPMessage& answer) {
  for (std::string session : values_of(answer, GST_RTSP_HDR_SESSION)) {
    constexpr std::string_view kMark = "timeout=";
    std::transform(session.begin(), session.end(), session.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto at = session.find(kMark);
    gint64 seconds = 0;
    if (at == std::string::npos) continue;
    std::from_chars(session.data() + at + kMark.size(), session.data() + session.size(), seconds);
    if (seconds <= 0 || seconds > 3600) continue;
    session_timeout_us_ = seconds * kSecond_us;
    keep_alive_every_us_ = std::clamp(seconds * kSecond_us / 2, kKeepAliveAtLeast_us, kKeepAliveEvery_us);
  }
  const auto asked = values_of(request, GST_RTSP_HDR_TRANSPORT);
  const auto transports = values_of(answer, GST_RTSP_HDR_TRANSPORT);
  remove_all(answer, GST_RTSP_HDR_TRANSPORT);
  for (const std::string& transport : transports) {
    const auto kept = own_transport(transport);
    if (!kept) return give_up(answer, {ErrorKind::kTransport, "the camera sends by multicast only; switch its stream to unicast"});
    if (!was_asked_for(*kept, asked))
      return give_up(answer,
                     {ErrorKind::kTransport,
                      fmt::format("the camera answers SETUP with a transport that nobody asked for ({}); set transport to tcp, udp or "
                                  "auto, or update its firmware",
                                  kanhu::quoted(*kept, 60))});
    gst_rtsp_message_add_header(&answer, GST_RTSP_HDR_TRANSPORT, kept->c_str());
  }
}

void Dialogue::keep_alive_answered(GstRTSPMessage& answer) {
  remove_all(answer, GST_RTSP_HDR_LOCATION);
  const int status = answer.type_data.response.code;
  // 451: it looked for a parameter in a request that names none; it was a request all the same.
  if (status != GST_RTSP_STS_OK && status != GST_RTSP_STS_PARAMETER_NOT_UNDERSTOOD) keep_alive_ = KeepAlive::kRefused;
}

bool Dialogue::timed_out(ErrorKind why, gint64 now_us) const {
  if (why != ErrorKind::kEndOfStream && why != ErrorKind::kStalled && why != ErrorKind::kIo) return false;
  const KeepAlive kind = keep_alive_;
  const gint64 age_us = now_us - played_us_;
  if (played_us_ == 0 || (kind != KeepAlive::kRefused && kind != KeepAlive::kOptions)) return false;
  // Refused at the first try, the timer may have run from any request before it.
  if (kind == KeepAlive::kRefused) return age_us >= std::min<gint64>(session_timeout_us_, kNoSessionEndsBefore_us);
  return age_us >= session_timeout_us_ - kEarlier_us && age_us <= session_timeout_us_ + kNoticedWithin_us;
}

void Dialogue::ended(ErrorKind why) {
  constexpr std::size_t kMostPlaces = 4096;
  // kCorrupt: its answer cannot be read, and rtspsrc gives up a stream for that.
  if (!unanswered_ || (why != ErrorKind::kEndOfStream && why != ErrorKind::kIo && why != ErrorKind::kCorrupt)) return;
  places_that_hang_up().with([&](auto& places) {
    if (places.size() < kMostPlaces) places.insert(place());
  });
}

bool Dialogue::wants_keep_alive(gint64 now_us) {
  if (unanswered_ && now_us - asked_us_ >= kAnsweredWithin_us) keep_alive_ = KeepAlive::kRefused;
  const KeepAlive kind = keep_alive_;
  if (closed_ || (kind != KeepAlive::kGetParameter && kind != KeepAlive::kOptions) || intake->signs.stage != Stage::kStreaming)
    return false;
  if (unanswered_) return false;
  return now_us - last_request_us_ >=
         (asked_us_ == 0 ? std::min<gint64>(keep_alive_every_us_, kFirstKeepAliveAfter_us) : keep_alive_every_us_.load());
}

}  // namespace kanhu::ingest
