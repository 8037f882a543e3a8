// SPDX-License-Identifier: MIT
// Owners of GStreamer's reference-counted things.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <gst/gst.h>

namespace kanhu::ingest {

struct GstUnref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstPad* pad) const { gst_object_unref(pad); }
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
  void operator()(gchar* text) const { g_free(text); }
  void operator()(GError* error) const { g_error_free(error); }
};

template <typename T>
using GstPtr = std::unique_ptr<T, GstUnref>;

// A buffer's bytes, mapped for reading as long as it lives. Thread: any; immutable.
class MappedBuffer {
 public:
  explicit MappedBuffer(GstBuffer* buffer) : buffer_(gst_buffer_ref(buffer)), mapped_(gst_buffer_map(buffer, &map_, GST_MAP_READ)) {}
  ~MappedBuffer() {
    if (mapped_) gst_buffer_unmap(buffer_, &map_);
    gst_buffer_unref(buffer_);
  }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;
  // Empty when the memory could not be mapped.
  std::span<const std::byte> view() const {
    return mapped_ ? std::span(reinterpret_cast<const std::byte*>(map_.data), map_.size) : std::span<const std::byte>();
  }

 private:
  GstBuffer* buffer_;
  GstMapInfo map_{};
  bool mapped_;
};

}  // namespace kanhu::ingest
