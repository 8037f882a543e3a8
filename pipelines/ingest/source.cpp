// SPDX-License-Identifier: MIT
#include "pipelines/ingest/source.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "base/thread_name.hpp"
#include "pipelines/ingest/background.hpp"
#include "pipelines/ingest/file/run.hpp"
#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/ingest/receiver.hpp"
#include "pipelines/ingest/tick_source.hpp"
#include "pipelines/ingest/watchdog.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::chrono::nanoseconds kReplayPatience = std::chrono::seconds(1);  // only a wake-up to look whether all is well
constexpr std::chrono::nanoseconds kLookForAnswer = std::chrono::milliseconds(100);
constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kRtspScheme = "rtsp://";
constexpr std::string_view kDeviceScheme = "v4l2://";

bool has_answered(Stage stage) { return stage != Stage::kConnect && stage != Stage::kDescribe; }

// A source is a receiving pipeline, a decoding pipeline and one thread that alone calls the sink; so the sink's calls are in order and
// on_end is the last. Teardown happens on another thread: it may hang as long as the camera likes.
// What the thread needs; independent of the FrameSource, which may die in on_end.
struct SourceRun {
  IntakePtr intake;
  std::shared_ptr<Receiver> receiver;
  SourceSink* sink;
  const Clock* clock;
  bool connected = false;

  void loop() {
    name_this_thread("in/" + intake->spec().source);
    const bool replay = intake->spec().replay;
    Error why;
    do {
      auto pipeline = receiver->open(intake);
      if (!pipeline) intake->mailbox.end(pipeline.error());
      why = replay ? serve_replay() : receiver->explained(serve_live());
      const std::int64_t heard = intake->signs.last_heard;
      intake->was_heard = heard != 0 && clock->mono() - MonoTime(std::chrono::nanoseconds(heard)) < intake->spec().health.stall_after;
      tear_down(pipeline ? std::move(*pipeline) : nullptr);
    } while (intake->stats().packets == 0 && receiver->has_other_way(why) && intake->begin_again());
    intake->retire();
    sink->on_end(std::move(why));
  }

  Error serve_live() {
    const MonoTime started = clock->mono();
    LiveTickSource ticks(started, clock->wall());
    while (true) {
      // Until the camera has answered it is looked at more often: others wait for its place.
      const std::chrono::nanoseconds due = ticks.due() - clock->mono();
      auto item = intake->mailbox.next(connected ? due : std::min<std::chrono::nanoseconds>(due, kLookForAnswer));
      if (!connected && (item || has_answered(intake->signs.stage))) {
        connected = true;
        sink->on_connected();
      }
      if (item) {
        if (const auto* packet = std::get_if<PacketPtr>(&*item)) ticks.saw(**packet);
        deliver(std::move(*item));
      } else if (auto why = intake->mailbox.ended()) {
        return *why;
      }
      const MonoTime now = clock->mono();
      if (const auto tick = ticks.tick(now)) {
        sink->on_tick(*tick);
        intake->rtp_lost = receiver->lost_on_the_way();
        intake->keep_alive = receiver->keep_alive();
        receiver->tend();
        if (auto silence = check_silence(intake->signs, intake->stats(), intake->spec().decode, intake->spec().health, started, now))
          intake->mailbox.end(std::move(*silence));
      }
    }
  }

  Error serve_replay() {
    ReplayTickSource ticks(intake->spec().file_start);
    const bool by_frames = intake->spec().decode;
    while (true) {
      auto item = intake->mailbox.next(kReplayPatience);
      if (!item) {
        if (auto why = intake->mailbox.ended()) return *why;
        continue;
      }
      if (const auto* frame = std::get_if<Frame>(&*item)) {
        for (const Tick& tick : ticks.until(frame->pts, frame->captured)) sink->on_tick(tick);
      } else if (const auto& packet = std::get<PacketPtr>(*item); !by_frames) {
        for (const Tick& tick : ticks.until(packet->pts, packet->captured)) sink->on_tick(tick);
      }
      deliver(std::move(*item));
    }
  }

  void deliver(Item item) {
    if (auto* packet = std::get_if<PacketPtr>(&item)) {
      sink->on_packet(std::move(*packet));
    } else {
      sink->on_frame(std::move(std::get<Frame>(item)));
    }
  }

  void tear_down(GstPtr<GstElement> pipeline) {
    auto decoder = intake->take_decoder();
    if (!pipeline && !decoder) return;
    run_in_background(
        [held = std::shared_ptr<GstElement>(std::move(pipeline)), decoder, intake = intake]() mutable {
          if (decoder) decoder->stop();  // first: it frees a receiving thread that waits for room
          if (held) gst_element_set_state(held.get(), GST_STATE_NULL);
          held.reset();
          decoder.reset();
          if (auto late = intake->take_decoder()) late->stop();
        },
        intake->spec().source);
  }
};

}  // namespace

FrameSource::FrameSource(IntakePtr intake, std::unique_ptr<Receiver> receiver, const Clock& clock)
    : intake_(std::move(intake)), receiver_(std::move(receiver)), clock_(clock) {}

FrameSource::~FrameSource() {
  stop();
  if (!thread_.joinable()) return;
  // The owner may let go of the source from within on_end.
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void FrameSource::start(SourceSink& sink) {
  if (thread_.joinable()) return;
  thread_ =
      std::thread([run = SourceRun{intake_, std::shared_ptr<Receiver>(std::move(receiver_)), &sink, &clock_}]() mutable { run.loop(); });
}

void FrameSource::stop() { intake_->mailbox.abort({ErrorKind::kClosed, "stopped"}); }
SourceStats FrameSource::stats() const { return intake_->stats(); }
const std::string& FrameSource::run() const { return intake_->run(); }

WatchedSource watched_source_of(const SourceSpec& spec, std::unique_ptr<Receiver> receiver, std::string run, const Clock& clock) {
  auto intake = std::make_shared<Intake>(spec, clock, std::move(run));
  std::shared_ptr<const Signs> signs(intake, &intake->signs);
  return WatchedSource{std::make_unique<FrameSource>(std::move(intake), std::move(receiver), clock), std::move(signs)};
}

Result<WatchedSource> make_watched_source(const SourceSpec& spec, const Clock& clock) {
  const std::string& url = spec.stream.url;
  std::unique_ptr<Receiver> receiver;
  std::string run = random_id();
  if (url.starts_with(kDeviceScheme)) {
    if (spec.replay) return fail(ErrorKind::kInvalidArgument, "a camera cannot be replayed; give a file");
    auto made = make_radiometric_receiver(spec);
    if (!made) return tl::unexpected(made.error());
    receiver = std::move(*made);
  } else if (url.starts_with(kFileScheme)) {
    const std::string path = url.substr(kFileScheme.size());
    auto made = is_radiometric(url) || spec.stream.thermal ? make_radiometric_receiver(spec) : make_file_receiver(path);
    if (!made) return tl::unexpected(made.error());
    receiver = std::move(*made);
    if (spec.replay && !spec.file_digest.empty()) {
      run = spec.file_digest;
    } else if (spec.replay) {
      auto digest = sha256_of_file(path);
      if (!digest) return tl::unexpected(digest.error());
      run = std::move(*digest);
    }
  } else if (url.starts_with(kRtspScheme)) {
    if (spec.replay) return fail(ErrorKind::kInvalidArgument, "a camera cannot be replayed; give a file");
    receiver = make_rtsp_receiver(spec);
  } else {
    // What is no URL may still hold a password, where nothing that knows URLs would find it.
    const std::string shown = url.find('@') == std::string::npos ? quoted(url) : "this";
    return fail(ErrorKind::kUnsupported,
                fmt::format("{} is no address of a camera or recording; expected rtsp://, file:// or v4l2://", shown));
  }
  return watched_source_of(spec, std::move(receiver), std::move(run), clock);
}

Result<std::unique_ptr<FrameSource>> make_source(const SourceSpec& spec, const Clock& clock) {
  auto made = make_watched_source(spec, clock);
  if (!made) return tl::unexpected(made.error());
  return std::move(made->source);
}

}  // namespace kanhu::ingest
