// SPDX-License-Identifier: MIT
// The receiver of 16-bit counts, with its element given.
#pragma once

#include <functional>
#include <memory>

#include "pipelines/ingest/receiver.hpp"

namespace kanhu::ingest {

// Where counts come from: everything about them that differs between a device and a file.
struct CountsInput {
  std::string name;                                      // for messages
  enum class Kind { kDevice, kHeaderless, kContainer };  // headerless: a file that says neither sizes nor times
  Kind kind = Kind::kDevice;
  // Makes the element, whose buffers are whole pictures; an Error when the device cannot be used.
  std::function<Result<GstPtr<GstElement>>()> make_element;
  // After the element failed or ended: why, in our words. `text` is GStreamer's, empty at the end of the stream.
  std::function<Error(const std::string& text)> explain;
};

// element ! capsfilter(GRAY16_LE, size, rate) ! appsink.
std::unique_ptr<Receiver> make_counts_receiver(const RadiometricConfig& config, CountsInput input);

}  // namespace kanhu::ingest
