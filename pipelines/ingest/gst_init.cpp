// SPDX-License-Identifier: MIT
#include "pipelines/ingest/gst_init.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gst/gst.h>

#include "base/log.hpp"
#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/ingest/gst_handles.hpp"
#include "pipelines/ingest/rtsp/bounded_connection.hpp"
#include "pipelines/ingest/rtsp/extension.hpp"

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

// Where they are. A plugin that is not loaded starts no threads and opens no devices.
constexpr std::array kOwnPlugins = std::to_array<const char*>({"coreelements", "app", "rtsp", "rtpmanager", "rtp", "udp", "isomp4",
                                                               "matroska", "codectimestamper", "videoparsersbad", "jpegformat", "libav",
                                                               "jpeg", "videoconvertscale", "videoconvert"});  // the last before 1.22

// Kept, but not loaded before somebody asks (make_v4l2_element).
constexpr std::string_view kDeviceElement = "v4l2src";
constexpr const char* kDevicePlugin = "video4linux2";

const char* environment_of(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::getenv(otherwise);
}

// In the order in which GStreamer looks.
std::vector<std::filesystem::path> plugin_folders() {
  std::vector<std::filesystem::path> folders;
  const auto add_all = [&](std::string_view list) {
    while (!list.empty()) {
      const std::string_view folder = list.substr(0, list.find(':'));
      list.remove_prefix(std::min(list.size(), folder.size() + 1));
      if (!folder.empty()) folders.emplace_back(folder);
    }
  };
  if (const char* path = environment_of("GST_PLUGIN_PATH_1_0", "GST_PLUGIN_PATH")) add_all(path);
  if (const char* path = environment_of("GST_PLUGIN_SYSTEM_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH")) {
    add_all(path);
    return folders;
  }
  Dl_info library{};
  if (void* inside = ::dlsym(RTLD_DEFAULT, "gst_init_check"); inside != nullptr && ::dladdr(inside, &library) != 0)
    folders.push_back(std::filesystem::path(library.dli_fname).parent_path() / "gstreamer-1.0");
  return folders;
}

bool is_known(const char* element) {
  GstElementFactory* factory = gst_element_factory_find(element);
  if (factory == nullptr) return false;
  gst_object_unref(factory);
  return true;
}

void load_plugin(const std::string& name) {
  for (const auto& folder : plugin_folders()) {
    const auto file = folder / ("libgst" + name + ".so");
    std::error_code problem;
    if (!std::filesystem::exists(file, problem)) continue;
    GError* raw = nullptr;
    if (GstPlugin* plugin = gst_plugin_load_file(file.c_str(), &raw)) {
      gst_object_unref(plugin);
      return;
    }
    const GstPtr<GError> error(raw);
    log::debug("gstreamer", "{}: {}", file.string(), error ? error->message : "cannot be loaded");
  }
}

// Where nothing was looked for by GStreamer itself. One of them in a plugin of another name: all that are installed are loaded.
void load_own_plugins() {
  for (const char* name : kOwnPlugins) load_plugin(name);
  const bool complete = std::all_of(kOwnElements.begin(), kOwnElements.end(), [](std::string_view name) { return is_known(name.data()); });
  if (complete) return;
  for (const auto& folder : plugin_folders()) (void)gst_registry_scan_path(gst_registry_get(), folder.c_str());
}

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
    return name == kDeviceElement || name == kRtspExtension ||
           std::find(kOwnElements.begin(), kOwnElements.end(), name) != kOwnElements.end() ||
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
  // It would catch a crash while a plugin is loaded and end the process in an orderly way: whoever waits for it must see the signal.
  gst_segtrap_set_enabled(FALSE);
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
  // Before rtspsrc: it looks for extensions once, when its class is made, which a plugin loaded without a list of plugins does at once.
  if (!register_rtsp_extension()) return fail(ErrorKind::kInternal, "GStreamer does not take the watch over RTSP answers");
  // Of a worker (daemon/supervise/worker_process): GStreamer would otherwise load all that are installed, some of which start threads for
  // hardware.
  if (std::getenv("GST_REGISTRY_DISABLE") != nullptr && more.empty()) load_own_plugins();
  keep_only(more);
  bound_connections();
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
  if (!is_known(kDeviceElement.data())) load_plugin(kDevicePlugin);
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
