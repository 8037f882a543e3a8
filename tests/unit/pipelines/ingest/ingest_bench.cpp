// SPDX-License-Identifier: MIT
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>
#include <gst/gst.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "pipelines/ingest/gst_init.hpp"

// x265 3.5 forgets 28 KiB of parameters with each encoder (it is the tests' encoder, not part of the program), and GLib
// forgets its old table of quarks on purpose when it grows; the latter is only seen with whole call stacks.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libx265\nleak:x265_\nleak:g_quark_\nleak:g_intern_\nleak:call_init\n"; }
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }

namespace kanhu::test {

void prepare_gstreamer() {
  const auto ready = ingest::init_gstreamer_with(server_elements());
  if (!ready) throw std::runtime_error(ready.error().message);
}

struct RememberingSink::Visit {
  explicit Visit(RememberingSink& sink) : sink_(sink) {
    const bool alone = sink_.inside_++ == 0;
    std::scoped_lock lock(sink_.mutex_);
    if (!alone || !sink_.memory_.ends.empty()) ++sink_.memory_.broken_promises;
  }
  ~Visit() {
    --sink_.inside_;
    sink_.changed_.notify_all();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  RememberingSink& sink_;
};

void RememberingSink::on_packet(PacketPtr packet) {
  const Visit visit(*this);
  {
    std::scoped_lock lock(mutex_);
    memory_.packets.push_back(std::move(packet));
  }
  changed_.notify_all();  // at_packet may hold this call back for long
  if (at_packet) at_packet();
}

void RememberingSink::on_frame(Frame frame) {
  const Visit visit(*this);
  const ImageView& image = frame.image();
  Sha256Stream digest;
  for (int row = 0; row < image.height; ++row)
    digest.update(std::as_bytes(std::span(image.planes[0].data + row * image.planes[0].stride, static_cast<std::size_t>(image.width))));
  const Sha256 sum = digest.finish();
  std::scoped_lock lock(mutex_);
  memory_.frame_pts.push_back(frame.pts);
  memory_.frame_times.push_back(frame.captured);
  memory_.width = image.width;
  memory_.height = image.height;
  memory_.order.push_back(fmt::format("frame {} {} {} {}", frame.sequence, frame.pts.time_since_epoch().count(),
                                      format_utc(frame.captured.by(frame.captured.best())), to_hex(sum)));
}

void RememberingSink::on_tick(Tick tick) {
  const Visit visit(*this);
  std::scoped_lock lock(mutex_);
  memory_.ticks.push_back(tick);
  memory_.order.push_back(fmt::format("tick {} {}", tick.media.time_since_epoch().count(), format_utc(tick.wall.by(tick.wall.best()))));
}

void RememberingSink::on_end(Error why) {
  const Visit visit(*this);
  std::scoped_lock lock(mutex_);
  memory_.ends.push_back(std::move(why));
}

bool RememberingSink::wait(const std::function<bool(const Memory&)>& enough) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return enough(memory_); });
}

RememberingSink::Memory RememberingSink::memory() const {
  std::scoped_lock lock(mutex_);
  return memory_;
}

std::optional<Error> RememberingSink::end() const {
  std::scoped_lock lock(mutex_);
  if (memory_.ends.empty()) return std::nullopt;
  return memory_.ends.front();
}

const SystemClock& system_clock() {
  static const SystemClock clock;
  return clock;
}

ingest::SourceSpec camera_at(const std::string& url) {
  ingest::SourceSpec spec;
  spec.source = "cam-1";
  spec.stream.url = url;
  spec.frames_per_second = 0;
  return spec;
}

ingest::SourceSpec replay_of(const std::filesystem::path& file) {
  ingest::SourceSpec spec = camera_at("file://" + file.string());
  spec.replay = true;
  spec.decode = true;
  spec.frames_per_second = 5;
  spec.file_start = wall_from_microseconds(1'790'000'000'000'000);
  return spec;
}

RememberingSink::Memory run_to_end(const ingest::SourceSpec& spec) {
  RememberingSink sink;
  auto source = ingest::make_source(spec, system_clock());
  if (!source) {
    RememberingSink::Memory memory;
    memory.ends.push_back(source.error());
    return memory;
  }
  (*source)->start(sink);
  sink.wait_for_end();
  source->reset();
  return sink.memory();
}

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "kanhu-ingest-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch folder");
  path_ = name;
}

ScratchFolder::~ScratchFolder() { std::filesystem::remove_all(path_); }

void run_pipeline(const std::string& launch) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(launch.c_str(), &error);
  if (error != nullptr) throw std::runtime_error(fmt::format("{}: {}", launch, error->message));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(static_cast<int>(GST_MESSAGE_EOS) | static_cast<int>(GST_MESSAGE_ERROR)));
  const bool good = end != nullptr && GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS;
  if (end != nullptr) gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  if (!good) throw std::runtime_error("the recording could not be made: " + launch);
}

void make_recording(const std::filesystem::path& file, int frames, int b_frames) {
  const std::string name = file.string();
  const bool h265 = name.ends_with(".h265");
  const std::string encoder =
      h265 ? "x265enc speed-preset=ultrafast key-int-max=10 option-string=pools=none:frame-threads=1 ! h265parse ! "
             "video/x-h265,stream-format=byte-stream"
           : fmt::format("x264enc speed-preset=ultrafast threads=1 b-adapt=false bframes={} key-int-max=10 ! h264parse", b_frames);
  const std::string container = name.ends_with(".mp4")   ? "! mp4mux faststart=true"
                                : name.ends_with(".mkv") ? "! matroskamux"
                                : h265                   ? ""
                                                         : "! video/x-h264,stream-format=byte-stream";
  run_pipeline(
      fmt::format("videotestsrc num-buffers={} pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! {} {} ! "
                  "filesink location={}",
                  frames, encoder, container, name));
}

}  // namespace kanhu::test
