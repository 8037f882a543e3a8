// SPDX-License-Identifier: MIT
// What differs between a camera and a recording: the pipeline that receives.
#pragma once

#include <memory>

#include "pipelines/ingest/intake.hpp"

namespace kanhu::ingest {

// Builds the receiving pipeline rtspsrc|filesrc ... ! parser ! appsink and says in our words why it ended.
// Thread: confined to the source's thread.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // The running pipeline; it feeds `intake` and ends by intake->receiving_ended. Does not wait for the other side.
  virtual Result<GstPtr<GstElement>> open(const IntakePtr& intake) = 0;
  // RTP packets that never came, by their sequence numbers.
  virtual std::uint64_t lost_on_the_way() { return 0; }
  // Once a second while it runs: what the connection needs to stay alive.
  virtual void tend() {}
  // What an end that others saw means for this connection.
  virtual Error explained(Error why) { return why; }
  // How the session is kept alive.
  virtual KeepAlive keep_alive() { return KeepAlive::kUnknown; }
  // True when another attempt by other means (UDP after TCP, where a redirect leads) is in order after this end.
  virtual bool has_other_way(const Error&) { return false; }
};

std::unique_ptr<Receiver> make_rtsp_receiver(const SourceSpec& spec);
// 16-bit counts of a device (v4l2://) or file, as `spec.stream.thermal` says. A file is looked at at once: a missing, empty or
// unreadable one is an Error; a device when it is opened.
Result<std::unique_ptr<Receiver>> make_radiometric_receiver(const SourceSpec& spec);
// Looks at the file at once: a missing, empty or unreadable one is an Error.
Result<std::unique_ptr<Receiver>> make_file_receiver(const std::string& path);

// Parser, caps limit and appsink behind `upstream` pad, playing within `pipeline`. False when they cannot be linked.
bool attach_parser(GstElement* pipeline, GstPad* upstream, Codec codec, bool depayload, const IntakePtr& intake);

}  // namespace kanhu::ingest
