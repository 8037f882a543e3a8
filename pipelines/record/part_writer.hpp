// SPDX-License-Identifier: MIT
// One media file of a clip, from its first packet to its last byte read back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/file_io.hpp"
#include "pipelines/record/clip_muxer.hpp"
#include "pipelines/record/decode_times.hpp"
#include "pipelines/record/fragments.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {

// SHA-256 of a whole file as it is on disk now, in lower-case hex.
Result<std::string> hash_file(File& file);

// Promises: bytes only ever grow at the end; the line of a frame is in the times log before the frame is in the file.
// Thread: the record thread.
class PartWriter {
 public:
  // `times` is the clip's open times log.
  static Result<std::unique_ptr<PartWriter>> create(FileIo& io, const SidecarPart& part, const std::string& path,
                                                    const StreamFormat& format, const MuxerFactory& muxers, File& times);

  Result<void> add(const PacketPtr& packet);
  // Everything out of the muxer and on disk (synced).
  Result<void> finish();

  // What the file really holds, after finish() or after a failure. A torn tail is cut off.
  struct Outcome {
    SidecarPart part;
    std::string sha256;  // of the bytes read back; empty when the file had no whole fragment and was removed
    std::vector<SidecarFrame> frames;
    Result<void> health;  // says why when the file is not exactly what was written
  };
  Outcome settle();

  const StreamFormat& format() const { return *format_; }
  MediaTime newest_pts() const { return newest_pts_; }
  const std::string& run() const { return run_; }

 private:
  PartWriter(FileIo& io, SidecarPart part, std::string path, std::unique_ptr<File> file, std::unique_ptr<ClipMuxer> muxer, File& times);
  Result<void> mux(const PacketPtr& packet);
  Result<void> release();  // the packets that waited for the reorder depth
  Result<void> write();    // what the muxer has given

  FileIo& io_;
  SidecarPart part_;
  const std::string path_;
  std::unique_ptr<File> file_;
  std::unique_ptr<ClipMuxer> muxer_;
  File& times_;
  std::shared_ptr<const StreamFormat> format_;
  std::string run_;
  MediaTime newest_pts_{};
  std::vector<PacketPtr> held_;  // at most DecodeTimes::kLookAhead
  std::unique_ptr<DecodeTimes> decode_times_;
  std::vector<SidecarFrame> frames_;
  std::string lines_;  // of frames not yet in the times log
  std::vector<std::byte> ready_;
  Sha256Stream written_;
  bool finished_ = false;
};

}  // namespace kanhu::record
