#include "pipelines/ingest/probe.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "pipelines/ingest/picture_png.hpp"
#include "pipelines/ingest/rtsp_errors.hpp"
#include "pipelines/ingest/source.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::size_t kEnoughKeyFrames = 3;
constexpr std::chrono::seconds kEnoughVideo{10};  // two sender reports have come by then: RFC 3550 has one every 5 s

constexpr std::chrono::seconds kEnoughCounts{2};  // for the rate
constexpr const char* kOpenStep = "open";

enum Step : std::size_t { kResolve, kConnect, kDescribe, kSetup, kPlay, kKeyFrame, kDecode, kSteps };
constexpr std::array<const char*, kSteps> kNames{"resolve", "connect", "describe", "setup", "play", "key frame", "decode"};

ProbeReport::Warmth warmth_of(const ImageView& image) {
  std::vector<std::int16_t> values(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  for (int row = 0; row < image.height; ++row)
    std::memcpy(values.data() + static_cast<std::ptrdiff_t>(row) * image.width,
                image.planes[0].data + static_cast<std::ptrdiff_t>(row) * image.planes[0].stride,
                2 * static_cast<std::size_t>(image.width));
  std::sort(values.begin(), values.end());
  return {values.front() / 100.0, values[values.size() / 2] / 100.0, values.back() / 100.0};
}

// Measures a camera. Thread: the sink from the source's thread, the rest from the caller's.
class Meter final : public SourceSink {
 public:
  void on_packet(PacketPtr packet) override {
    std::scoped_lock lock(mutex_);
    ++packets_;
    bytes_ += packet->bytes.size();
    if (last_pts_ && packet->pts < *last_pts_) reordered_ = true;
    last_pts_ = packet->pts;
    first_ = std::min(first_.value_or(packet->pts), packet->pts);
    latest_ = std::max(latest_.value_or(packet->pts), packet->pts);
    if (packet->is_key) {
      if (last_key_) gop_ = std::max(gop_, packet->pts - *last_key_);
      last_key_ = packet->pts;
      ++keys_;
    }
    if (packet->captured.rtcp) {
      // What is sent soonest after capture shows the offset best; all later ones add their way.
      const auto offset = *packet->captured.rtcp - packet->captured.arrival;
      offset_ = std::max(offset_.value_or(offset), offset);
    }
    changed_.notify_all();
  }
  void on_frame(Frame frame) override {
    std::scoped_lock lock(mutex_);
    if (!frame_) frame_.emplace(std::move(frame));
    changed_.notify_all();
  }
  void on_tick(Tick) override {}
  void on_end(Error why) override {
    std::scoped_lock lock(mutex_);
    end_ = std::move(why);
    changed_.notify_all();
  }

  // Until enough is known, the source ends, or patience does.
  void watch(std::chrono::steady_clock::time_point until, std::chrono::nanoseconds enough_video) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until,
                        [&] { return end_ || (frame_ && offset_ && keys_ >= kEnoughKeyFrames) || (frame_ && span() >= enough_video); });
  }
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return end_.has_value(); });
  }

  // After the end.
  void report(ProbeReport& report) const {
    std::scoped_lock lock(mutex_);
    const double seconds = to_seconds(span());
    if (seconds > 0) {
      report.measured_frames_per_second = static_cast<double>(packets_ - 1) / seconds;
      report.kilobits_per_second = static_cast<double>(bytes_) * 8 / 1000 / seconds;
    }
    report.gop_seconds = to_seconds(gop_);
    report.has_b_frames = reordered_;
    report.has_rtcp_time = offset_.has_value();
    if (offset_) report.clock_offset = std::chrono::duration_cast<std::chrono::milliseconds>(*offset_);
    if (frame_ && frame_->image().format == PixelFormat::kCentiCelsius) report.warmth = warmth_of(frame_->image());
    if (frame_)
      if (auto png = png_of(frame_->image())) report.picture_png = std::move(*png);
  }
  std::optional<Error> end() const {
    std::scoped_lock lock(mutex_);
    return end_;
  }
  bool saw_key() const {
    std::scoped_lock lock(mutex_);
    return keys_ > 0;
  }
  bool saw_frame() const {
    std::scoped_lock lock(mutex_);
    return frame_.has_value();
  }

 private:
  std::chrono::nanoseconds span() const { return first_ ? *latest_ - *first_ : std::chrono::nanoseconds(0); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t packets_ = 0;
  std::size_t keys_ = 0;
  std::size_t bytes_ = 0;
  std::optional<MediaTime> first_, latest_, last_pts_, last_key_;
  std::chrono::nanoseconds gop_{0};
  std::optional<std::chrono::microseconds> offset_;
  bool reordered_ = false;
  std::optional<Frame> frame_;
  std::optional<Error> end_;
};

// The first step that was not passed.
Step failed_step(const Signs& signs, const Meter& meter, const std::optional<Error>& why) {
  switch (signs.stage.load()) {
    case Stage::kConnect:
      return why && why->kind == ErrorKind::kNameResolution ? kResolve : kConnect;
    case Stage::kDescribe:
      return kDescribe;
    case Stage::kSetup:
      return kSetup;
    case Stage::kPlay:
    case Stage::kDevice:
      return kPlay;
    case Stage::kStreaming:
      break;
  }
  if (!meter.saw_key()) return kKeyFrame;
  return meter.saw_frame() ? kSteps : kDecode;
}

Error out_of_patience(Step step) {
  switch (step) {
    case kResolve:
    case kConnect:
      return {ErrorKind::kUnreachable, "no answer to the connection attempt; check the address, the cable and the firewall"};
    case kKeyFrame:
      return {ErrorKind::kNoKeyFrame, "packets arrive, but no key frame came in time; shorten the key frame interval in the camera"};
    case kDecode:
      return {ErrorKind::kCorrupt, "packets arrive, but no picture could be decoded in time"};
    default:
      return {ErrorKind::kTimeout, "connected, but no answer in time; check that the port is the camera's RTSP port"};
  }
}

std::string passed_detail(Step step, const RtspAddress& address, const ProbeReport& report) {
  switch (step) {
    case kResolve:
      return fmt::format("{} has an address", address.host);
    case kConnect:
      return fmt::format("port {} answers", address.port);
    case kDescribe:
      return "path, user and password are accepted";
    case kSetup:
      return report.transport == Transport::kUdp ? "by UDP" : "by TCP";
    case kPlay:
      return "the camera sends";
    case kKeyFrame:
      return "decoding can start";
    case kDecode:
      return "a picture came out";
    case kSteps:
      break;
  }
  return {};
}

// The steps of a 16-bit source, which has no conversation.
void tell_counts_steps(ProbeReport& report, const Meter& meter, const std::optional<Error>& why) {
  const char* const names[] = {kOpenStep, "pictures", "temperatures"};
  const char* const details[] = {"it can be read", "16-bit counts come", "they are temperatures"};
  const std::size_t passed = meter.saw_frame() ? 3 : meter.saw_key() ? 2 : why ? 0 : 1;
  for (std::size_t step = 0; step < passed; ++step) report.steps.push_back({names[step], true, details[step]});
  if (passed == 3) return;
  report.error =
      why.value_or(passed == 1 ? Error{ErrorKind::kTimeout, "the device is open, but sent no picture; unplug it and plug it in again"}
                               : Error{ErrorKind::kTimeout, "pictures come, but not enough of them to tell; give it more --seconds"});
  report.steps.push_back({names[passed], false, report.error->message});
}

constexpr std::chrono::seconds kGoodbye{1};

ProbeReport probe_by(Transport transport, const StreamConfig& stream, const Credential& credential,
                     std::chrono::steady_clock::time_point until) {
  ProbeReport report;
  report.transport = transport;
  SourceSpec spec;
  spec.source = "probe";
  spec.stream = stream;
  spec.stream.transport = transport;
  spec.credential = credential;
  spec.decode = true;
  spec.frames_per_second = 1;
  static const SystemClock clock;
  Meter meter;
  auto made = make_watched_source(spec, clock);
  if (!made) {
    report.error = made.error();
    report.steps.push_back({stream.thermal ? kOpenStep : kNames[kResolve], false, made.error().message});
    return report;
  }
  made->source->start(meter);
  meter.watch(until, spec.stream.thermal ? kEnoughCounts : kEnoughVideo);
  std::optional<Error> why = meter.end();
  const Step failed = failed_step(*made->signs, meter, why);
  made->source->stop();
  meter.wait_for_end();
  report.format = made->source->stats().format;
  meter.report(report);
  if (stream.thermal) {
    report.format.height -= telemetry_row_count(*stream.thermal);
    tell_counts_steps(report, meter, why);
    return report;
  }
  const RtspAddress address = rtsp_address(stream.url);
  for (std::size_t step = kResolve; step < failed; ++step)
    report.steps.push_back({kNames[step], true, passed_detail(static_cast<Step>(step), address, report)});
  if (failed == kSteps) return report;
  report.error = why.value_or(out_of_patience(failed));
  report.steps.push_back({kNames[failed], false, report.error->message});
  return report;
}

}  // namespace

ProbeReport probe(const StreamConfig& stream, const Credential& credential, std::chrono::seconds patience) {
  const auto now = std::chrono::steady_clock::now();
  const auto until = now + patience;
  if (stream.thermal) return probe_by(Transport::kTcp, stream, credential, until);
  // Two thirds of the patience for TCP, so that UDP gets its turn when nothing arrives.
  auto by_tcp = probe_by(Transport::kTcp, stream, credential, stream.url.starts_with("rtsp:") ? now + patience * 2 / 3 : until);
  if (!by_tcp.error || (by_tcp.error->kind != ErrorKind::kTransport && by_tcp.error->kind != ErrorKind::kTimeout)) return by_tcp;
  // The camera is given time to notice the end of the first try: one that serves a single viewer answers 453 until then.
  std::this_thread::sleep_for(kGoodbye);
  auto by_udp = probe_by(Transport::kUdp, stream, credential, until);
  return by_udp.steps.size() >= by_tcp.steps.size() ? by_udp : by_tcp;
}

}  // namespace kanhu::ingest
