// SPDX-License-Identifier: MIT
// One clip on its way to disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "pipelines/record/part_writer.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {

// Why a write failed, as the reason of a clip.
const char* reason_of(ErrorKind kind);

// Makes the folder of a clip and, when it was not there, makes its way from the clips folder durable.
Result<void> make_clip_folder(FileIo& io, const ClipPaths& paths);

// What a sidecar says of the camera beside its id.
struct Recorded {
  std::string name;
  std::vector<std::string> zones;
};

// Packets of one clip -> parts, times log, sidecar, and a record that is true (invariant 5). A failure ends the
// writing, never the clip: what is on disk by then is what the record says.
// Thread: the record thread.
class ClipWriter {
 public:
  ClipWriter(FileIo& io, std::string directory, const ClipRequest& request, const Recorded& camera, const MuxerFactory& muxers);

  void packet(const PacketPtr& packet);
  void extend(const ClipRequest& request);  // a later end, or one more subject
  void flaw(const std::string& reason);     // the clip will be partial; the first reason stays
  // An empty reason: the end asked for was reached.
  ClipRecord close(const std::string& reason);

 private:
  Result<void> begin(const PacketPtr& first);
  Result<void> write(const PacketPtr& packet);
  Result<void> begin_part(const Packet& first);
  void end_part();
  void failed(const Error& error);
  ClipRecord finish();
  void leave_sidecar();

  FileIo& io_;
  const std::string directory_;
  const MuxerFactory& muxers_;
  Result<ClipPaths> paths_;
  Sidecar sidecar_;
  std::unique_ptr<File> times_;
  std::unique_ptr<PartWriter> part_;
  MonoTime newest_arrival_{};  // steady
  int parts_begun_ = 0;
  bool begun_ = false;
  bool failed_ = false;
  bool found_on_disk_ = false;  // an earlier process wrote it: its files are the truth
  bool waiting_for_key_ = false;
};

}  // namespace kanhu::record
