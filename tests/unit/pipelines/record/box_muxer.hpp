// SPDX-License-Identifier: MIT
// A ClipMuxer without GStreamer: the same boxes around the bytes, a fragment every 25 packets, everything at once.
#pragma once

#include "pipelines/record/clip_muxer.hpp"

namespace kanhu::test {

class BoxMuxer final : public record::ClipMuxer {
 public:
  explicit BoxMuxer(std::size_t samples_per_fragment = 25) : most_(samples_per_fragment) {}

  Result<void> add(const PacketPtr& packet, const record::MuxTimes&, std::vector<std::byte>& out) override {
    if (!begun_) {
      put(out, box("ftyp", text("isom")));
      put(out, box("moov", text("nothing to see")));
      begun_ = true;
    }
    const auto bytes = packet->bytes.view();
    media_.insert(media_.end(), bytes.begin(), bytes.end());
    if (++samples_ == most_) flush(out);
    return {};
  }
  Result<void> finish(std::vector<std::byte>& out) override {
    if (samples_ > 0) flush(out);
    return {};
  }

 private:
  using Bytes = std::vector<std::byte>;
  static Bytes text(const char* value) {
    Bytes bytes;
    for (; *value; ++value) bytes.push_back(static_cast<std::byte>(*value));
    return bytes;
  }
  static void put32(Bytes& into, std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) into.push_back(static_cast<std::byte>(value >> shift & 0xff));
  }
  static void put(Bytes& into, const Bytes& bytes) { into.insert(into.end(), bytes.begin(), bytes.end()); }
  static Bytes box(const char* type, const Bytes& content) {
    Bytes bytes;
    put32(bytes, content.size() + 8);
    put(bytes, text(type));
    put(bytes, content);
    return bytes;
  }
  void flush(Bytes& out) {
    Bytes run;
    put32(run, 0);
    put32(run, samples_);
    put(out, box("moof", box("traf", box("trun", run))));
    put(out, box("mdat", media_));
    media_.clear();
    samples_ = 0;
  }

  const std::size_t most_;
  bool begun_ = false;
  Bytes media_;
  std::size_t samples_ = 0;
};

inline record::MuxerFactory box_muxers() {
  return [](const StreamFormat&) -> Result<std::unique_ptr<record::ClipMuxer>> { return std::make_unique<BoxMuxer>(); };
}

}  // namespace kanhu::test
