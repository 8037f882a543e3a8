#include "pipelines/ingest/gst_init.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "base/log.hpp"
#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {
namespace {

// Everything the program's own pipelines are made of. Whatever else is installed cannot be plugged, neither by a
// camera's answer nor by a file's content: most of the CVEs fixed in Debian 12's media packages sit in other elements.
constexpr std::array kOwnElements = std::to_array<std::string_view>({
    // RTSP and RTP
    "rtspsrc",
    "rtpbin",
    "rtpsession",
    "rtpssrcdemux",
    "rtpptdemux",
    "rtpjitterbuffer",
    "rtpstorage",
    "rtpfunnel",
    "udpsrc",
    "udpsink",
    "fakesrc",
    "rtph264depay",
    "rtph265depay",
    "rtpjpegdepay",
    // files
    "filesrc",
    "filesink",
    "qtdemux",
    "matroskademux",
    "mp4mux",
    "qtmux",
    "h264timestamper",
    "h265timestamper",
    // codecs
    "h264parse",
    "h265parse",
    "jpegparse",
    "avdec_h264",
    "avdec_h265",
    "avdec_ffv1",
    "jpegdec",
    "pngenc",
    "videoconvert",
    // plumbing
    "appsrc",
    "appsink",
    "capsfilter",
    "fakesink",
    "funnel",
    "identity",
    "queue",
    "tee",
    "bin",
    "pipeline",
});

// Kept, but not loaded before somebody asks (make_v4l2_element).
constexpr std::string_view kDeviceElement = "v4l2src";
constexpr const char* kDevicePlugin = "video4linux2";

// GStreamer's own lines are for developers: what matters of them reaches the bus and is said in our words.
void write_log(GstDebugCategory* category, GstDebugLevel, const gchar*, const gchar* function, gint, GObject*, GstDebugMessage* message,
               gpointer) {
  const char* text = gst_debug_message_get(message);
  log::write(log::Level::kDebug, "gstreamer",
             fmt::format("{} {}: {}", gst_debug_category_get_name(category), function, text == nullptr ? "" : text));
}

void write_glib_log(const gchar* domain, GLogLevelFlags, const gchar* message, gpointer) {
  log::write(log::Level::kDebug, "glib", fmt::format("{}: {}", domain == nullptr ? "" : domain, message == nullptr ? "" : message));
}

void keep_only(std::span<const std::string_view> more) {
  const auto wanted = [&](std::string_view name) {
    return name == kDeviceElement || std::find(kOwnElements.begin(), kOwnElements.end(), name) != kOwnElements.end() ||
           std::find(more.begin(), more.end(), name) != more.end();
  };
  GstRegistry* registry = gst_registry_get();
  // A plugin that is loaded later registers all its elements again: load what is used now, then remove the rest.
  const auto load = [](std::string_view name) {
    GstElementFactory* factory = gst_element_factory_find(std::string(name).c_str());
    if (factory == nullptr) return;
    if (GstPluginFeature* loaded = gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory))) gst_object_unref(loaded);
    gst_object_unref(factory);
  };
  for (std::string_view name : kOwnElements) load(name);
  for (std::string_view name : more) load(name);
  GList* features = gst_registry_feature_filter(
      registry, [](GstPluginFeature*, gpointer) -> gboolean { return TRUE; }, FALSE, nullptr);
  for (GList* item = features; item != nullptr; item = item->next) {
    auto* feature = GST_PLUGIN_FEATURE(item->data);
    const bool is_element = GST_IS_ELEMENT_FACTORY(feature);
    if (!is_element || !wanted(gst_plugin_feature_get_name(feature))) gst_registry_remove_feature(registry, feature);
  }
  gst_plugin_feature_list_free(features);
}

Result<void> initialise(std::span<const std::string_view> more) {
  // Before gst_init: it would otherwise install its own writer to standard error, and obey GST_DEBUG.
  gst_debug_remove_log_function(nullptr);
  gst_registry_fork_set_enabled(FALSE);
  GError* raw = nullptr;
  if (!gst_init_check(nullptr, nullptr, &raw)) {
    const GstPtr<GError> error(raw);
    return fail(ErrorKind::kInternal, fmt::format("GStreamer does not start: {}", error ? error->message : "no reason given"));
  }
  // In brackets: the functions, not the macros around them, which compare a function with a data pointer (clang refuses).
  (gst_debug_remove_log_function)(nullptr);  // the default one
  (gst_debug_add_log_function)(write_log, nullptr, nullptr);
  gst_debug_set_active(TRUE);
  // rtspsrc writes whole messages, Authorization included, at level LOG: never let it.
  gst_debug_unset_threshold_for_name("*");
  gst_debug_set_threshold_from_string("*:2", TRUE);
  g_log_set_default_handler(write_glib_log, nullptr);
  keep_only(more);
  for (const char* needed :
       {"rtspsrc", "rtpbin", "rtpjitterbuffer", "rtph264depay", "rtph265depay", "rtpjpegdepay", "qtdemux", "matroskademux", "h264parse",
        "h265parse", "jpegparse", "avdec_h264", "avdec_h265", "jpegdec", "appsrc", "appsink"}) {
    GstElementFactory* factory = gst_element_factory_find(needed);
    if (factory == nullptr)
      return fail(ErrorKind::kNotFound,
                  fmt::format("GStreamer's element {} is missing; install gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad "
                              "and gstreamer1.0-libav",
                              needed));
    gst_object_unref(factory);
  }
  return {};
}

}  // namespace

Result<void> init_gstreamer_with(std::span<const std::string_view> more_elements) {
  static std::mutex mutex;
  static std::optional<Result<void>> done;
  std::scoped_lock lock(mutex);
  if (!done) done = initialise(more_elements);
  return *done;
}

Result<GstPtr<GstElement>> make_v4l2_element() {
  static std::mutex mutex;
  std::scoped_lock lock(mutex);
  GstPtr<GstElement> element(gst_element_factory_make(kDeviceElement.data(), nullptr));
  if (!element) return fail(ErrorKind::kNotFound, "GStreamer's element v4l2src is missing; install gstreamer1.0-plugins-good");
  gst_object_ref_sink(element.get());
  GstRegistry* registry = gst_registry_get();
  GList* features = gst_registry_get_feature_list_by_plugin(registry, kDevicePlugin);
  for (GList* item = features; item != nullptr; item = item->next) {
    auto* feature = GST_PLUGIN_FEATURE(item->data);
    if (gst_plugin_feature_get_name(feature) != kDeviceElement) gst_registry_remove_feature(registry, feature);
  }
  gst_plugin_feature_list_free(features);
  return element;
}

Result<void> init_gstreamer() { return init_gstreamer_with({}); }

}  // namespace kanhu::ingest
