// SPDX-License-Identifier: MIT
// Sources of 16-bit counts from their address to their frames. Of a V4L2 device everything but the element v4l2src itself: a
// test picture stands in for it.
#include <cstring>
#include <fstream>

#include <catch2/catch.hpp>
#include <gst/gst.h>

#include "pipelines/ingest/gst_init.hpp"
#include "pipelines/ingest/source.hpp"
#include "pipelines/ingest/v4l2/receiver.hpp"
#include "tests/support/thermal_scene/scene.hpp"
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

using namespace kanhu;
using namespace kanhu::test;

namespace {

const RadiometricConfig kArray{32, 24, 8, CountScale::kCentiKelvin, TelemetryRows::kNone};

thermal_scene::Scene short_scene(double seconds) {
  auto scene = thermal_scene::scenes().front();
  scene.seconds = seconds;
  return scene;
}

ingest::SourceSpec raw_replay(const std::filesystem::path& file, const RadiometricConfig& config = kArray) {
  auto spec = replay_of(file);
  spec.stream.thermal = config;
  spec.frames_per_second = 60;
  return spec;
}

// Also keeps the pixels and what was calibrating.
class KeepingSink final : public ingest::SourceSink {
 public:
  void on_packet(PacketPtr packet) override { rest.on_packet(std::move(packet)); }
  void on_frame(Frame frame) override {
    const ImageView& image = frame.image();
    CHECK(image.format == PixelFormat::kCentiCelsius);
    std::vector<std::int16_t> values(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
    for (int row = 0; row < image.height; ++row)
      std::memcpy(values.data() + row * image.width, image.planes[0].data + row * image.planes[0].stride,
                  2 * static_cast<std::size_t>(image.width));
    pictures.push_back(std::move(values));
    calibrating.push_back(frame.calibrating);
    rest.on_frame(std::move(frame));
  }
  void on_tick(Tick tick) override { rest.on_tick(tick); }
  void on_end(Error why) override { rest.on_end(std::move(why)); }

  RememberingSink rest;
  std::vector<std::vector<std::int16_t>> pictures;
  std::vector<bool> calibrating;
};

void run(KeepingSink& sink, const ingest::SourceSpec& spec) {
  auto source = ingest::make_source(spec, system_clock());
  REQUIRE(source);
  (*source)->start(sink);
  sink.rest.wait_for_end();
  source->reset();
}

// Runs a live device of which `element` is the description for gst_parse.
RememberingSink::Memory run_device(const std::string& element, const RadiometricConfig& config, std::size_t frames) {
  ingest::CountsInput input;
  input.name = "/dev/test";
  input.make_element = [element]() -> Result<ingest::GstPtr<GstElement>> {
    GError* error = nullptr;
    GstElement* made = gst_parse_bin_from_description(element.c_str(), TRUE, &error);
    if (made == nullptr) return fail(ErrorKind::kInternal, error->message);
    return ingest::GstPtr<GstElement>(GST_ELEMENT(gst_object_ref_sink(made)));
  };
  input.explain = [](const std::string& text) {
    return text.empty() ? Error{ErrorKind::kEndOfStream, "ended"} : Error{ErrorKind::kNotFound, "unplugged"};
  };
  auto spec = camera_at("v4l2:///dev/test");
  spec.stream.thermal = config;
  spec.decode = true;
  spec.frames_per_second = 60;
  RememberingSink sink;
  auto watched = ingest::watched_source_of(spec, ingest::make_counts_receiver(config, std::move(input)), "run", system_clock());
  watched.source->start(sink);
  sink.wait([&](const RememberingSink::Memory& memory) { return !memory.ends.empty() || memory.frame_pts.size() >= frames; });
  watched.source->stop();
  sink.wait_for_end();
  watched.source.reset();
  return sink.memory();
}

}  // namespace

TEST_CASE("a replayed file of raw frames gives the temperatures it was made from, at its rate, and its end") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const auto scene = short_scene(3);
  REQUIRE(thermal_scene::write_y16(scene, 7, (folder / "a.y16").string()) == 24);
  KeepingSink sink;
  run(sink, raw_replay(folder / "a.y16"));
  const auto memory = sink.rest.memory();
  CHECK(memory.broken_promises == 0);
  REQUIRE(memory.ends.size() == 1);
  CHECK(memory.ends[0].kind == ErrorKind::kEndOfStream);
  CHECK(memory.packets.size() == 24);
  CHECK(memory.packets[0]->format->codec == Codec::kRaw16);
  CHECK(memory.packets[0]->run.size() == 64);
  CHECK(memory.packets[3]->is_key);
  REQUIRE(sink.pictures.size() == 24);
  thermal_scene::Camera truth(scene, 7);
  for (std::size_t i = 0; i < 24; ++i) {
    CHECK(sink.pictures[i] == truth.next()->centi_c);
    CHECK(memory.frame_pts[i] == MediaTime(std::chrono::milliseconds(125 * i)));
    CHECK(memory.frame_times[i].from_file);
  }
  CHECK(memory.frame_times[8].arrival == wall_from_microseconds(1'790'000'001'000'000));
  CHECK(memory.ticks.size() == 2);
  CHECK(run_to_end(raw_replay(folder / "a.y16")).order == memory.order);
}

TEST_CASE("a file of raw frames plays as a camera, by the clock") {
  prepare_gstreamer();
  const ScratchFolder folder;
  thermal_scene::write_y16(short_scene(1), 7, (folder / "a.raw16").string());
  auto spec = raw_replay(folder / "a.raw16");
  spec.replay = false;
  spec.stream.thermal->frames_per_second = 40;
  const auto begun = std::chrono::steady_clock::now();
  const auto memory = run_to_end(spec);
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(175));
  CHECK(memory.frame_pts.size() == 8);
  CHECK(memory.ends.at(0).kind == ErrorKind::kEndOfStream);
  CHECK_FALSE(memory.frame_times.at(0).from_file);
}

TEST_CASE("a raw file that is cut off is read up to there and called so") {
  prepare_gstreamer();
  const ScratchFolder folder;
  thermal_scene::write_y16(short_scene(1), 7, (folder / "a.y16").string());
  std::filesystem::resize_file(folder / "a.y16", 8 * 32 * 24 * 2 - 100);
  const auto memory = run_to_end(raw_replay(folder / "a.y16"));
  CHECK(memory.frame_pts.size() == 7);
  CHECK(memory.ends.at(0).kind == ErrorKind::kCorrupt);
  CHECK(memory.ends.at(0).message.find("cut off") != std::string::npos);
}

TEST_CASE("files that cannot be read as told are refused") {
  prepare_gstreamer();
  const ScratchFolder folder;
  CHECK(run_to_end(raw_replay(folder / "none.y16")).ends.at(0).kind == ErrorKind::kNotFound);
  std::ofstream(folder / "empty.y16").flush();
  CHECK(run_to_end(raw_replay(folder / "empty.y16")).ends.at(0).kind == ErrorKind::kCorrupt);
  std::ofstream(folder / "letter.y16") << std::string(8 * 32 * 24 * 2, 'a');
  const auto letter = run_to_end(raw_replay(folder / "letter.y16", {32, 24, 8, CountScale::kDeciKelvin, TelemetryRows::kNone}));
  CHECK(letter.frame_pts.empty());
  CHECK(letter.ends.at(0).kind == ErrorKind::kUnsupported);
  CHECK(letter.ends.at(0).message.find("no temperatures") != std::string::npos);
  auto unsaid = raw_replay(folder / "letter.y16");
  unsaid.stream.thermal.reset();
  CHECK(run_to_end(unsaid).ends.at(0).kind == ErrorKind::kInvalidArgument);
}

TEST_CASE("16-bit grey kept in FFV1 is read like a raw file, with the times of its container") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const std::string grey = "videotestsrc num-buffers=20 pattern=solid-color foreground-color=0xff737373 ! ";
  run_pipeline(grey + "video/x-raw,format=GRAY16_LE,width=80,height=60,framerate=10/1 ! avenc_ffv1 ! matroskamux ! filesink location=" +
               (folder / "a.mkv").string());
  const RadiometricConfig config{0, 0, 0, CountScale::kCentiKelvin, TelemetryRows::kNone};
  KeepingSink sink;
  run(sink, raw_replay(folder / "a.mkv", config));
  const auto memory = sink.rest.memory();
  CHECK(memory.ends.at(0).kind == ErrorKind::kEndOfStream);
  REQUIRE(sink.pictures.size() == 20);
  CHECK(sink.pictures[19] == std::vector<std::int16_t>(80 * 60, 0x7373 - 27315));
  CHECK(memory.frame_pts[19] == MediaTime(std::chrono::milliseconds(1900)));
  CHECK(memory.packets[0]->run.size() == 64);

  make_recording(folder / "visible.mkv", 10);
  const auto visible = run_to_end(raw_replay(folder / "visible.mkv", config));
  CHECK(visible.frame_pts.empty());
  CHECK(visible.ends.at(0).kind == ErrorKind::kCorrupt);
}

TEST_CASE("a calibrating Lepton's frames say so") {
  prepare_gstreamer();
  const ScratchFolder folder;
  std::ofstream file(folder / "lepton.y16", std::ios::binary);
  for (int i = 0; i < 6; ++i) {
    std::vector<std::uint16_t> words(160 * 122, 29515);
    std::fill(words.begin() + 160 * 120, words.end(), std::uint16_t{0});
    words[160 * 120 + 3] = static_cast<std::uint16_t>((i == 2 || i == 3 ? 2 : 3) << 4);
    words[160 * 121 + 48] = words[160 * 121 + 49] = 1;
    file.write(reinterpret_cast<const char*>(words.data()), static_cast<std::streamsize>(2 * words.size()));
  }
  file.close();
  KeepingSink sink;
  run(sink, raw_replay(folder / "lepton.y16", {160, 120, 8.7, CountScale::kUnknown, TelemetryRows::kFooter}));
  CHECK(sink.calibrating == std::vector<bool>{false, false, true, true, false, false});
  CHECK(sink.rest.memory().height == 120);
}

TEST_CASE("a device's counts become frames, at the size it has when none is said") {
  prepare_gstreamer();
  const bool sized = GENERATE(true, false);
  RadiometricConfig config{sized ? 81 : 0, sized ? 61 : 0, sized ? 28.0 : 0, CountScale::kCentiKelvin, TelemetryRows::kNone};
  const auto memory = run_device(
      "videotestsrc is-live=true pattern=solid-color foreground-color=0xff737373 ! video/x-raw,width=81,height=61,framerate=30/1 ! "
      "identity",
      config, 5);
  CHECK(memory.broken_promises == 0);
  CAPTURE(memory.ends.at(0).message);
  REQUIRE(memory.frame_pts.size() >= 5);
  CHECK(memory.width == 81);
  CHECK(memory.height == 61);
  CHECK(memory.ends.at(0).kind == ErrorKind::kClosed);
  CHECK(memory.packets.at(0)->captured.best() == ClockSource::kArrival);
  CHECK(memory.packets.at(0)->format->frames_per_second == 30);
}

TEST_CASE("a device that shows no temperatures, ends, or fails, says so") {
  prepare_gstreamer();
  const RadiometricConfig config{0, 0, 0, CountScale::kCentiKelvin, TelemetryRows::kNone};
  const auto black =
      run_device("videotestsrc is-live=true pattern=black ! video/x-raw,width=80,height=60,framerate=60/1 ! identity", config, 1);
  CHECK(black.frame_pts.empty());
  CHECK(black.ends.at(0).kind == ErrorKind::kUnsupported);
  CHECK(black.packets.size() == 10);
  const std::string grey =
      "videotestsrc num-buffers=3 pattern=solid-color foreground-color=0xff737373 ! video/x-raw,width=80,height=60 ! identity";
  CHECK(run_device(grey, config, 100).ends.at(0).kind == ErrorKind::kEndOfStream);
  CHECK(run_device("filesrc location=/kanhu-no-such-file ! identity", config, 100).ends.at(0).kind == ErrorKind::kNotFound);
}

TEST_CASE("a camera that is not plugged in ends with that, and V4L2 brings no other element with it") {
  prepare_gstreamer();
  auto spec = camera_at("v4l2:///dev/kanhu-no-such-camera");
  spec.stream.thermal = kArray;
  const auto memory = run_to_end(spec);
  CHECK(memory.ends.at(0).kind == ErrorKind::kNotFound);
  CHECK(memory.ends.at(0).message.find("unplugged") != std::string::npos);
  spec.replay = true;
  CHECK(run_to_end(spec).ends.at(0).kind == ErrorKind::kInvalidArgument);

  const auto element = ingest::make_v4l2_element();
  REQUIRE(element);
  CHECK(gst_element_factory_find("v4l2sink") == nullptr);
}
