// SPDX-License-Identifier: MIT
#include "pipelines/ingest/v4l2/receiver.hpp"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "pipelines/ingest/gst_init.hpp"
#include "pipelines/ingest/v4l2/device.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::string_view kDevicePrefix = "v4l2://";
constexpr std::string_view kRawFilePrefix = "file://";

// Held by the callbacks of one pipeline. Thread: the element's.
struct Feeding {
  IntakePtr intake;
  CountsInput input;
};
using FeedingPtr = std::shared_ptr<Feeding>;

void delete_feeding(gpointer data) { delete static_cast<FeedingPtr*>(data); }

GstFlowReturn take_counts(GstAppSink* sink, gpointer data) {
  const GstPtr<GstSample> sample(gst_app_sink_pull_sample(sink));
  if (!sample) return GST_FLOW_EOS;
  return (*static_cast<FeedingPtr*>(data))->intake->take_access_unit(sample.get());
}

GstBusSyncReply hear_feeding(GstBus*, GstMessage* message, gpointer data) {
  Feeding& feeding = **static_cast<FeedingPtr*>(data);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    feeding.intake->receiving_ended(feeding.input.explain(""));
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const GstPtr<GError> error(raw);
    feeding.intake->receiving_ended(feeding.input.explain(error->message));
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

// What is accepted of the element. A rate is asked of a file, which has none, and of a device the nearest it has is taken:
// 8.7 a second is 26/3 in one driver and 9 in another.
GstPtr<GstCaps> caps_of(const RadiometricConfig& config, CountsInput::Kind kind) {
  GstPtr<GstCaps> caps(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "GRAY16_LE", nullptr));
  if (config.width > 0) {
    gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, config.width, "height", G_TYPE_INT, config.height + telemetry_row_count(config),
                        nullptr);
  } else {
    gst_caps_set_simple(caps.get(), "width", GST_TYPE_INT_RANGE, 8, kMostRadiometricSide, "height", GST_TYPE_INT_RANGE, 8,
                        kMostRadiometricSide, nullptr);
  }
  const auto thousandth = [](double rate) { return static_cast<int>(std::lround(1000 * rate)); };
  if (kind == CountsInput::Kind::kHeaderless) {
    gst_caps_set_simple(caps.get(), "framerate", GST_TYPE_FRACTION, thousandth(config.frames_per_second), 1000, nullptr);
  } else if (kind == CountsInput::Kind::kDevice && config.frames_per_second > 0) {
    gst_caps_set_simple(caps.get(), "framerate", GST_TYPE_FRACTION_RANGE, std::max(1, thousandth(0.9 * config.frames_per_second)), 1000,
                        thousandth(1.1 * config.frames_per_second), 1000, nullptr);
  }
  return caps;
}

class CountsReceiver final : public Receiver {
 public:
  CountsReceiver(const RadiometricConfig& config, CountsInput input) : config_(config), input_(std::move(input)) {}

  Result<GstPtr<GstElement>> open(const IntakePtr& intake) override {
    auto element = input_.make_element();
    if (!element) return tl::unexpected(element.error());
    GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    GstElement* filter = gst_element_factory_make("capsfilter", nullptr);
    GstElement* sink = gst_element_factory_make("appsink", nullptr);
    gst_bin_add_many(GST_BIN(pipeline.get()), element->get(), filter, sink, nullptr);
    const GstPtr<GstCaps> caps = caps_of(config_, input_.kind);
    g_object_set(filter, "caps", caps.get(), nullptr);
    g_object_set(sink, "sync", FALSE, "async", FALSE, "max-buffers", 2u, "enable-last-sample", FALSE, nullptr);
    auto feeding = std::make_shared<Feeding>(Feeding{intake, input_});
    GstAppSinkCallbacks callbacks{};
    callbacks.new_sample = take_counts;
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, new FeedingPtr(feeding), delete_feeding);
    const GstPtr<GstBus> bus(gst_pipeline_get_bus(GST_PIPELINE(pipeline.get())));
    gst_bus_set_sync_handler(bus.get(), hear_feeding, new FeedingPtr(feeding), delete_feeding);
    if (!gst_element_link_many(element->get(), filter, sink, nullptr))
      return fail(ErrorKind::kInternal, "the pipeline of 16-bit counts cannot be linked");
    if (input_.kind == CountsInput::Kind::kHeaderless) intake->set_untimed();
    if (input_.kind == CountsInput::Kind::kDevice) intake->signs.stage = Stage::kDevice;
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
      gst_element_set_state(pipeline.get(), GST_STATE_NULL);
      // The reason came by the bus, and stays.
      return fail(ErrorKind::kIo, fmt::format("{} does not start", quoted(input_.name, 300)));
    }
    return pipeline;
  }

 private:
  const RadiometricConfig config_;
  const CountsInput input_;
};

CountsInput device_input(const std::string& path, const RadiometricConfig& config) {
  CountsInput input;
  input.name = path;
  input.make_element = [path]() -> Result<GstPtr<GstElement>> {
    if (auto usable = check_v4l2_device(path); !usable) return tl::unexpected(usable.error());
    auto element = make_v4l2_element();
    if (element) g_object_set(element->get(), "device", path.c_str(), nullptr);
    return element;
  };
  input.explain = [path, config](const std::string& text) -> Error {
    if (::access(path.c_str(), F_OK) != 0) return v4l2_open_error(path, ENOENT);
    if (text.empty()) return {ErrorKind::kEndOfStream, fmt::format("{} ended its stream", quoted(path, 300))};
    const std::string size =
        config.width > 0 ? fmt::format("{}x{}", config.width, config.height + telemetry_row_count(config)) : "its size";
    return {ErrorKind::kIo,
            fmt::format("{} gives no 16-bit pictures of {} at this rate (v4l2-ctl --list-formats-ext shows what it has): {}",
                        quoted(path, 300), size, text)};
  };
  return input;
}

// Links the decoder behind the demuxer's video track once it is known.
void link_track(GstElement*, GstPad* pad, gpointer decoder) {
  const GstPtr<GstPad> entry(gst_element_get_static_pad(GST_ELEMENT(decoder), "sink"));
  if (!gst_pad_is_linked(entry.get())) gst_pad_link(pad, entry.get());  // another kind of track does not fit, and waits unlinked
}

// filesrc ! matroskademux ! avdec_ffv1, as one element. FFV1 (RFC 9043) is how 16-bit grey is usually kept without loss.
Result<GstPtr<GstElement>> make_ffv1_reader(const std::string& path) {
  GstElement* source = gst_element_factory_make("filesrc", nullptr);
  GstElement* demuxer = gst_element_factory_make("matroskademux", nullptr);
  GstElement* decoder = gst_element_factory_make("avdec_ffv1", nullptr);
  GstPtr<GstElement> bin(GST_ELEMENT(gst_object_ref_sink(gst_bin_new(nullptr))));
  for (GstElement* element : {source, demuxer, decoder})
    if (element != nullptr) gst_bin_add(GST_BIN(bin.get()), element);
  if (source == nullptr || demuxer == nullptr || decoder == nullptr || !gst_element_link(source, demuxer))
    return fail(ErrorKind::kInternal, "FFV1 cannot be read; install gstreamer1.0-plugins-good and gstreamer1.0-libav");
  g_object_set(source, "location", path.c_str(), nullptr);
  g_object_set(decoder, "max-threads", 1, nullptr);
  g_signal_connect_object(demuxer, "pad-added", G_CALLBACK(link_track), decoder, static_cast<GConnectFlags>(0));
  const GstPtr<GstPad> exit(gst_element_get_static_pad(decoder, "src"));
  gst_element_add_pad(bin.get(), gst_ghost_pad_new("src", exit.get()));
  return bin;
}

CountsInput matroska_input(const std::string& path) {
  CountsInput input;
  input.name = path;
  input.kind = CountsInput::Kind::kContainer;
  input.make_element = [path] { return make_ffv1_reader(path); };
  input.explain = [path](const std::string& text) -> Error {
    if (text.empty()) return {ErrorKind::kEndOfStream, "the recording is over"};
    return {ErrorKind::kCorrupt, fmt::format("{} cannot be read on as 16-bit grey in FFV1: {}", quoted(path, 300), text)};
  };
  return input;
}

Result<CountsInput> file_input(const std::string& path, const RadiometricConfig& config) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || ::access(path.c_str(), R_OK) != 0)
    return fail(errno == ENOENT   ? ErrorKind::kNotFound
                : errno == EACCES ? ErrorKind::kPermission
                                  : ErrorKind::kIo,
                fmt::format("{}: {}", quoted(path, 300), std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is not a file", quoted(path, 300)));
  if (status.st_size == 0) return fail(ErrorKind::kCorrupt, fmt::format("{} is empty", quoted(path, 300)));
  if (path.ends_with(".mkv")) return matroska_input(path);
  const std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
  const std::uint64_t rows = static_cast<std::uint64_t>(config.height) + static_cast<std::uint64_t>(telemetry_row_count(config));
  const std::uint64_t frame = 2 * static_cast<std::uint64_t>(config.width) * rows;
  if (size < frame)
    return fail(ErrorKind::kCorrupt,
                fmt::format("{} is shorter than one picture of {}x{} with 16 bits", quoted(path, 300), config.width, rows));
  CountsInput input;
  input.name = path;
  input.kind = CountsInput::Kind::kHeaderless;
  input.make_element = [path, frame]() -> Result<GstPtr<GstElement>> {
    GstPtr<GstElement> element(gst_element_factory_make("filesrc", nullptr));
    if (!element) return fail(ErrorKind::kInternal, "GStreamer's filesrc is missing");
    gst_object_ref_sink(element.get());
    g_object_set(element.get(), "location", path.c_str(), "blocksize", static_cast<guint>(frame), nullptr);
    return element;
  };
  const bool cut_off = size % frame != 0;
  const std::string shape = fmt::format("{}x{}", config.width, rows);
  input.explain = [path, cut_off, shape](const std::string& text) -> Error {
    if (!text.empty()) return {ErrorKind::kIo, fmt::format("{} cannot be read: {}", quoted(path, 300), text)};
    if (cut_off)
      return {ErrorKind::kCorrupt,
              fmt::format("{} holds no whole number of pictures of {}: it is cut off, or thermal.size is wrong", quoted(path, 300), shape)};
    return {ErrorKind::kEndOfStream, "the recording is over"};
  };
  return input;
}

}  // namespace

std::unique_ptr<Receiver> make_counts_receiver(const RadiometricConfig& config, CountsInput input) {
  return std::make_unique<CountsReceiver>(config, std::move(input));
}

Result<std::unique_ptr<Receiver>> make_radiometric_receiver(const SourceSpec& spec) {
  const std::string& url = spec.stream.url;
  if (!spec.stream.thermal)
    return fail(ErrorKind::kInvalidArgument, "thermal: 16-bit numbers mean nothing without scale; say what a count means, as 0.01K");
  const RadiometricConfig& config = *spec.stream.thermal;
  if (const std::string fault = radiometric_fault(config, url); !fault.empty())
    return fail(ErrorKind::kInvalidArgument, "thermal: " + fault);
  if (url.starts_with(kDevicePrefix)) return make_counts_receiver(config, device_input(url.substr(kDevicePrefix.size()), config));
  auto input = file_input(url.substr(kRawFilePrefix.size()), config);
  if (!input) return tl::unexpected(input.error());
  return make_counts_receiver(config, std::move(*input));
}

}  // namespace kanhu::ingest
