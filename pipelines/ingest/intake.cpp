// SPDX-License-Identifier: MIT
#include "pipelines/ingest/intake.hpp"

#include <utility>

#include <fmt/format.h>

#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr double kUntimedFramesPerSecond = 25;  // of a raw stream that does not say

std::int64_t count(MonoTime time) { return time.time_since_epoch().count(); }

}  // namespace

const char* to_string(KeepAlive kind) {
  switch (kind) {
    case KeepAlive::kGetParameter:
      return "get_parameter";
    case KeepAlive::kOptions:
      return "options";
    case KeepAlive::kRefused:
      return "refused";
    case KeepAlive::kUnknown:
      break;
  }
  return "unknown";
}

Intake::Intake(SourceSpec spec, const Clock& clock, std::string run)
    : mailbox(spec.replay), spec_(std::move(spec)), run_(std::move(run)), clock_(&clock), thinner_(spec_.frames_per_second) {
  if (spec_.stream.thermal) radiometer_.emplace(*spec_.stream.thermal);
  constexpr std::string_view kFile = "file://";
  if (spec_.replay && spec_.stream.url.starts_with(kFile)) bounds_.emplace(spec_.stream.url.substr(kFile.size()), !spec_.stream.thermal);
}

std::optional<Intake::Now> Intake::now() const {
  std::scoped_lock lock(clock_mutex_);
  if (clock_ == nullptr) return std::nullopt;
  return Now{clock_->mono(), clock_->wall()};
}

std::optional<MonoTime> Intake::mono() const {
  const auto at = now();
  return at ? std::optional(at->mono) : std::nullopt;
}

void Intake::retire() {
  std::scoped_lock lock(clock_mutex_);
  clock_ = nullptr;
}

bool Intake::begin_again() {
  signs.stage = Stage::kConnect;
  signs.last_heard = 0;
  signs.first_packet = 0;
  signs.last_unit = 0;
  signs.last_picture = 0;
  bound.completed();
  return mailbox.reopen();
}

std::shared_ptr<Decoder> Intake::take_decoder() {
  return decoder_.with([](auto& decoder) { return std::exchange(decoder, nullptr); });
}

void Intake::heard_something() {
  const auto at = mono();
  if (!at) return;
  signs.last_heard = count(*at);
  std::int64_t never = 0;
  signs.first_packet.compare_exchange_strong(never, count(*at));
  signs.stage = Stage::kStreaming;
}

void Intake::heard_unit(MonoTime at) {
  bound.completed();
  signs.last_unit = count(at);
}

GstFlowReturn Intake::refuse(Error why) {
  mailbox.end(std::move(why));
  return GST_FLOW_ERROR;
}

Result<void> Intake::follow_format(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps)) return {};
  const bool in_container = !untimed_ && spec_.stream.url.starts_with("file:");
  auto format = read_format(caps, in_container ? FrameRate::kReckoned : FrameRate::kDeclared);
  if (!format) return tl::unexpected(format.error());
  const auto before = format_.with([](auto& held) { return held; });
  if (before && before->codec != (*format)->codec)
    return fail(ErrorKind::kEndOfStream, fmt::format("the camera changed its codec from {} to {}; the stream is set up again",
                                                     to_string(before->codec), to_string((*format)->codec)));
  caps_.reset(gst_caps_ref(caps));
  if (before && before->caps == (*format)->caps) return {};
  format_.with([&](auto& held) { held = *format; });
  return {};
}

MediaTime Intake::media_time(GstBuffer* buffer, std::optional<MediaTime>& dts) {
  const GstClockTime pts = GST_BUFFER_PTS(buffer);
  if (untimed_ || !GST_CLOCK_TIME_IS_VALID(pts)) {
    const auto format = format_.with([](auto& held) { return held; });
    const double rate = format && format->frames_per_second > 0 ? format->frames_per_second : kUntimedFramesPerSecond;
    const MediaTime counted{std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(sequence_) * 1e9 / rate))};
    dts = counted;
    return counted;
  }
  if (!first_pts_) first_pts_ = pts;
  const auto since_first = [&](GstClockTime time) {
    return MediaTime(std::chrono::nanoseconds(static_cast<std::int64_t>(time) - static_cast<std::int64_t>(*first_pts_)));
  };
  // A live parser guesses DTS from arrival; only a container knows it.
  if (GST_BUFFER_DTS_IS_VALID(buffer) && spec_.stream.url.starts_with("file:")) dts = since_first(GST_BUFFER_DTS(buffer));
  return since_first(pts);
}

Result<PacketPtr> Intake::make_packet(GstSample* sample, const Now& at) {
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  if (gst_buffer_get_size(buffer) > kMostAccessUnitBytes)
    return fail(ErrorKind::kOversized,
                fmt::format("one picture takes {} MiB, more than {} MiB is not accepted; lower the camera's bit rate",
                            gst_buffer_get_size(buffer) >> 20, kMostAccessUnitBytes >> 20));
  if (auto followed = follow_format(gst_sample_get_caps(sample)); !followed) return tl::unexpected(followed.error());
  auto packet = std::make_shared<Packet>();
  packet->source = spec_.source;
  packet->role = spec_.role;
  packet->run = run_;
  packet->pts = media_time(buffer, packet->dts);
  packet->sequence = sequence_++;
  if (GST_BUFFER_DURATION_IS_VALID(buffer)) packet->duration = plausible_duration(GST_BUFFER_DURATION(buffer));
  packet->format = format_.with([](auto& held) { return held; });
  const bool alone = packet->format->codec == Codec::kMjpeg || packet->format->codec == Codec::kRaw16;
  packet->is_key = alone || !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  packet->discontinuity = packet->sequence > 0 && (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) || lost_one_);
  lost_one_ = false;
  packet->arrival = at.mono;
  if (spec_.replay) {
    packet->captured = recorded_time(spec_.recorded_times, spec_.file_start, packet->pts);
  } else {
    packet->captured.arrival = at.wall;
    packet->captured.rtcp = ntp_time_of(buffer);
  }
  // A device has few buffers and waits for each to come back: what may be held for long is a copy.
  const bool borrowed = packet->format->codec == Codec::kRaw16;
  const GstPtr<GstBuffer> own(borrowed ? gst_buffer_copy_deep(buffer) : gst_buffer_ref(buffer));
  auto bytes = std::make_shared<MappedBuffer>(own.get());
  const auto view = bytes->view();
  packet->bytes = PacketBytes(view, std::move(bytes), account_);
  return PacketPtr(std::move(packet));
}

GstFlowReturn Intake::take_access_unit(GstSample* sample) {
  if (mailbox.closed()) return GST_FLOW_FLUSHING;
  heard_something();
  const auto at = now();
  if (!at) return GST_FLOW_FLUSHING;
  // Parameter sets or SEI by themselves are no picture, whatever their number.
  if (!holds_picture(gst_sample_get_caps(sample), gst_sample_get_buffer(sample))) return GST_FLOW_OK;
  heard_unit(at->mono);
  auto packet = make_packet(sample, *at);
  if (!packet) return refuse(std::move(packet.error()));
  if (auto fault = bounds_ ? bounds_->fault(**packet) : std::nullopt) {
    receiving_ended(std::move(*fault));
    return GST_FLOW_EOS;
  }
  if (auto why = speed_.too_fast((*packet)->arrival, *(*packet)->format, spec_.decode); why && !spec_.replay)
    return refuse(std::move(*why));
  if (!pace(**packet)) return GST_FLOW_FLUSHING;
  ++packets_;
  bytes_ += (*packet)->bytes.size();
  if ((*packet)->is_key) ++key_frames_;
  if ((*packet)->captured.rtcp) has_rtcp_ = true;
  switch (mailbox.post(*packet)) {
    case Mailbox::Posted::kClosed:
      return GST_FLOW_FLUSHING;
    case Mailbox::Posted::kRefused:
      lost_one_ = true;
      ++refused;
      break;
    case Mailbox::Posted::kTaken:
      break;
  }
  if (!spec_.decode) return GST_FLOW_OK;
  return radiometer_ ? read_temperatures(sample, **packet) : show_decoder(sample, *packet, *at);
}

GstFlowReturn Intake::read_temperatures(GstSample* sample, const Packet& packet) {
  auto read = radiometer_->read(sample_counts(sample));
  if (!read) {
    ++decode_errors_;
    return radiometer_->in_doubt() ? GST_FLOW_OK : refuse(std::move(read.error()));
  }
  auto held = std::make_shared<const std::vector<std::int16_t>>(std::move(read->centi_celsius));
  Picture picture;
  picture.pts = packet.pts;
  picture.captured = packet.captured;
  picture.arrival = packet.arrival;
  picture.image.format = PixelFormat::kCentiCelsius;
  picture.image.width = read->width;
  picture.image.height = read->height;
  picture.image.planes[0] = {reinterpret_cast<const std::uint8_t*>(held->data()), 2 * read->width};
  picture.owner = std::move(held);
  picture.calibrating = read->calibrating;
  return take_picture(std::move(picture)) ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

// A recording that plays as a camera gives each packet at its time.
bool Intake::pace(const Packet& packet) {
  if (spec_.replay || !spec_.stream.url.starts_with("file:")) return true;
  if (!pace_start_) pace_start_ = packet.arrival;
  const auto due = *pace_start_ + packet.dts.value_or(packet.pts).time_since_epoch();
  while (true) {
    const auto at = mono();
    if (!at) return false;
    if (*at >= due) return true;
    if (mailbox.wait_until_closed(due - *at)) return false;
  }
}

GstFlowReturn Intake::show_decoder(GstSample* sample, const PacketPtr& packet, const Now& at) {
  auto decoder = decoder_.with([](auto& held) { return held; });
  if (!decoder) {
    if (auto why = undecodable(gst_sample_get_caps(sample))) return refuse(std::move(*why));
    auto made = make_decoder();
    if (!made) return refuse(std::move(made.error()));
    decoder = *made;
  }
  const bool admitted = gate_.admit(*packet, spec_.replay || decoder->has_room());
  held_back_ = gate_.held_back();
  if (!admitted) return GST_FLOW_OK;
  std::int64_t never = 0;
  signs.first_unanswered.compare_exchange_strong(never, count(at.mono));
  ++signs.unanswered;
  // A decoder that refuses says why by its own callback.
  return decoder->push(gst_sample_get_buffer(sample), gst_sample_get_caps(sample), *packet) ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

Result<std::shared_ptr<Decoder>> Intake::make_decoder() {
  const auto format = format_.with([](auto& held) { return held; });
  Decoder::Callbacks callbacks;
  const auto self = weak_from_this();
  callbacks.on_picture = [self](Picture picture) {
    const auto intake = self.lock();
    return intake && intake->take_picture(std::move(picture));
  };
  callbacks.on_error_in_stream = [self] {
    if (const auto intake = self.lock()) {
      ++intake->decode_errors_;
      ++intake->signs.errors_unanswered;
    }
  };
  callbacks.on_failure = [self](Error why) {
    if (const auto intake = self.lock()) intake->mailbox.end(std::move(why));
  };
  callbacks.on_drained = [self] {
    if (const auto intake = self.lock())
      intake->mailbox.end(intake->drained_reason_.with([](auto& why) {
        return why.value_or(Error{ErrorKind::kEndOfStream, "the recording is over"});
      }));
  };
  auto made = Decoder::make(format->codec, spec_.replay, untimed_, std::move(callbacks));
  if (!made) return tl::unexpected(made.error());
  std::shared_ptr<Decoder> decoder = std::move(*made);
  decoder_.with([&](auto& held) { held = decoder; });
  return decoder;
}

bool Intake::take_picture(Picture picture) {
  ++frames_;
  if (const auto at = mono()) signs.last_picture = count(*at);
  signs.first_unanswered = 0;
  signs.unanswered = 0;
  signs.errors_unanswered = 0;
  const std::uint64_t sequence = frame_sequence_++;
  if (!thinner_.wants(picture.pts)) return !mailbox.closed();
  Frame frame(spec_.source, run_, sequence, picture.pts, picture.captured, picture.arrival, picture.image, std::move(picture.owner));
  frame.calibrating = picture.calibrating;
  return mailbox.post(std::move(frame)) != Mailbox::Posted::kClosed;
}

void Intake::receiving_ended(Error why) {
  if (why.kind == ErrorKind::kEndOfStream && radiometer_ && radiometer_->never_good()) why = *radiometer_->never_good();
  const auto decoder = decoder_.with([](auto& held) { return held; });
  if (!decoder || !spec_.stream.url.starts_with("file:")) {
    mailbox.end(std::move(why));
    return;
  }
  drained_reason_.with([&](auto& reason) {
    if (!reason) reason = std::move(why);
  });
  decoder->drain();
}

SourceStats Intake::stats() const {
  SourceStats stats;
  stats.packets = packets_;
  stats.key_frames = key_frames_;
  stats.bytes = bytes_;
  stats.frames_decoded = frames_;
  stats.decode_errors = decode_errors_;
  stats.packets_not_decoded = held_back_;
  stats.packets_lost = rtp_lost + refused;
  stats.held_bytes = account_->held_bytes();
  if (const auto format = format_.with([](const auto& held) { return held; })) stats.format = *format;
  stats.has_rtcp_time = has_rtcp_;
  stats.was_heard = was_heard;
  stats.sent_to = sent_to.with([](const std::string& place) { return place; });
  stats.keep_alive = keep_alive;
  return stats;
}

}  // namespace kanhu::ingest
