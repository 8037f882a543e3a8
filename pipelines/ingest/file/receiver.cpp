// SPDX-License-Identifier: MIT
#include "pipelines/ingest/receiver.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "pipelines/ingest/file/shape.hpp"
#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

// What a file's name says about its inside.
struct FileKind {
  std::string_view suffix;
  const char* demuxer;  // nullptr: a raw stream
  Codec codec;          // of a raw stream
};
constexpr std::array kFileKinds = std::to_array<FileKind>({
    {".mp4", "qtdemux", Codec::kH264},
    {".m4v", "qtdemux", Codec::kH264},
    {".mov", "qtdemux", Codec::kH264},
    {".mkv", "matroskademux", Codec::kH264},
    {".h264", nullptr, Codec::kH264},
    {".264", nullptr, Codec::kH264},
    {".h265", nullptr, Codec::kH265},
    {".265", nullptr, Codec::kH265},
});

const FileKind* kind_of(std::string_view path) {
  for (const FileKind& kind : kFileKinds)
    if (path.ends_with(kind.suffix)) return &kind;
  return nullptr;
}

struct FileFacts {
  bool cut_off = false;
};

Result<FileFacts> look_at(const std::string& path, std::string_view demuxer) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fail(errno == ENOENT   ? ErrorKind::kNotFound
                : errno == EACCES ? ErrorKind::kPermission
                                  : ErrorKind::kIo,
                fmt::format("{}: {}", quoted(path, 300), std::strerror(errno)));
  FileFacts facts;
  struct stat status {};
  Result<FileFacts> result = facts;
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    result = fail(ErrorKind::kInvalidArgument, fmt::format("{} is not a file", quoted(path, 300)));
  } else if (status.st_size == 0) {
    result = fail(ErrorKind::kCorrupt, fmt::format("{} is empty", quoted(path, 300)));
  } else {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (demuxer == "qtdemux") facts.cut_off = mp4_is_cut_off(fd, size);
    if (demuxer == "matroskademux") facts.cut_off = matroska_is_cut_off(fd, size);
    result = facts;
  }
  ::close(fd);
  return result;
}

// Held by the callbacks of one file's pipeline. Thread: filesrc's.
struct Reading {
  IntakePtr intake;
  std::string path;
  bool cut_off = false;
  std::atomic<bool> linked{false};
};
using ReadingPtr = std::shared_ptr<Reading>;

void track_found(GstElement* demuxer, GstPad* pad, gpointer data) {
  Reading& reading = **static_cast<ReadingPtr*>(data);
  if (reading.linked) return;
  const GstPtr<GstCaps> caps(gst_pad_query_caps(pad, nullptr));
  const auto codec = codec_of(caps.get());
  if (!codec) return;
  const GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(demuxer))));
  reading.linked = pipeline && attach_parser(pipeline.get(), pad, *codec, false, reading.intake);
}

void no_more_pads(GstElement*, gpointer data) {
  Reading& reading = **static_cast<ReadingPtr*>(data);
  if (!reading.linked)
    reading.intake->receiving_ended(
        {ErrorKind::kUnsupported, fmt::format("{} holds no H.264, H.265 or MJPEG video", quoted(reading.path, 300))});
}

void connect(GObject* object, const char* signal, GCallback handler, const ReadingPtr& reading) {
  g_signal_connect_data(
      object, signal, handler, new ReadingPtr(reading), [](gpointer data, GClosure*) { delete static_cast<ReadingPtr*>(data); },
      static_cast<GConnectFlags>(0));
}

void hear(Reading& reading, GstMessage* message) {
  const std::uint64_t packets = reading.intake->stats().packets;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    if (packets == 0) {
      reading.intake->receiving_ended({ErrorKind::kCorrupt, fmt::format("{} holds no video that can be read", quoted(reading.path, 300))});
    } else if (reading.cut_off) {
      reading.intake->receiving_ended(
          {ErrorKind::kCorrupt, fmt::format("{} is cut off; it was read up to there", quoted(reading.path, 300))});
    } else {
      reading.intake->receiving_ended({ErrorKind::kEndOfStream, "the recording is over"});
    }
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const GstPtr<GError> error(raw);
    reading.intake->receiving_ended(
        {error->domain == GST_RESOURCE_ERROR ? ErrorKind::kIo : ErrorKind::kCorrupt,
         packets == 0 ? fmt::format("{} cannot be read as {}: {}", quoted(reading.path, 300), kind_of(reading.path)->suffix.substr(1),
                                    error->message)
                      : fmt::format("{} is damaged; it was read up to there: {}", quoted(reading.path, 300), error->message)});
  }
}

class FileReceiver final : public Receiver {
 public:
  FileReceiver(std::string path, const FileKind& kind, FileFacts facts) : path_(std::move(path)), kind_(kind), facts_(facts) {}

  Result<GstPtr<GstElement>> open(const IntakePtr& intake) override {
    GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    GstElement* source = gst_element_factory_make("filesrc", nullptr);
    if (source == nullptr) return fail(ErrorKind::kInternal, "GStreamer's filesrc is missing");
    gst_bin_add(GST_BIN(pipeline.get()), source);
    g_object_set(source, "location", path_.c_str(), nullptr);
    auto reading = std::make_shared<Reading>();
    reading->intake = intake;
    reading->path = path_;
    reading->cut_off = facts_.cut_off;
    const GstPtr<GstBus> bus(gst_pipeline_get_bus(GST_PIPELINE(pipeline.get())));
    gst_bus_set_sync_handler(
        bus.get(),
        [](GstBus*, GstMessage* message, gpointer data) {
          hear(**static_cast<ReadingPtr*>(data), message);
          gst_message_unref(message);
          return GST_BUS_DROP;
        },
        new ReadingPtr(reading), [](gpointer data) { delete static_cast<ReadingPtr*>(data); });
    if (kind_.demuxer == nullptr) {
      intake->set_untimed();
      const GstPtr<GstPad> pad(gst_element_get_static_pad(source, "src"));
      if (!attach_parser(pipeline.get(), pad.get(), kind_.codec, false, intake))
        return fail(ErrorKind::kInternal, "the parser cannot be linked");
    } else {
      GstElement* demuxer = gst_element_factory_make(kind_.demuxer, nullptr);
      if (demuxer == nullptr)
        return fail(ErrorKind::kInternal, fmt::format("GStreamer's {} is missing; install gstreamer1.0-plugins-good", kind_.demuxer));
      gst_bin_add(GST_BIN(pipeline.get()), demuxer);
      connect(G_OBJECT(demuxer), "pad-added", G_CALLBACK(track_found), reading);
      connect(G_OBJECT(demuxer), "no-more-pads", G_CALLBACK(no_more_pads), reading);
      gst_element_link(source, demuxer);
    }
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return fail(ErrorKind::kCorrupt, fmt::format("{} cannot be opened", quoted(path_, 300)));
    return pipeline;
  }

 private:
  const std::string path_;
  const FileKind& kind_;
  const FileFacts facts_;
};

}  // namespace

Result<std::unique_ptr<Receiver>> make_file_receiver(const std::string& path) {
  const FileKind* kind = kind_of(path);
  if (kind == nullptr)
    return fail(ErrorKind::kUnsupported,
                fmt::format("{} is no recording that can be read; expected .mp4, .mkv, .h264 or .h265", quoted(path, 300)));
  const auto facts = look_at(path, kind->demuxer == nullptr ? "" : kind->demuxer);
  if (!facts) return tl::unexpected(facts.error());
  return std::unique_ptr<Receiver>(std::make_unique<FileReceiver>(path, *kind, *facts));
}

}  // namespace kanhu::ingest
