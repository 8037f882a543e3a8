// SPDX-License-Identifier: MIT
// A camera that sends, once it plays, whatever a test makes up.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace kanhu::test {

// Answers over TCP, one viewer at a time, and pours after PLAY.
// Thread: any; `next` and `answer` are called from the camera's own.
class PouringCamera {
 public:
  struct Pour {
    std::string bytes;                   // empty: nothing this time
    std::chrono::milliseconds pause{0};  // before the next
    bool hang_up = false;
  };
  struct Options {
    std::string sdp;
    // What follows, by the number of earlier calls for this viewer.
    std::function<Pour(int)> next;
    // An answer of its own to a request; empty: the usual.
    std::function<std::string(const std::string&)> answer = [](const std::string&) { return std::string(); };
    std::string methods = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER";
    std::string session = "1;timeout=60";
  };
  explicit PouringCamera(Options options);
  ~PouringCamera();
  std::string url() const;
  std::vector<std::string> requests() const;
  // Waits for a request that begins with `method`; false after 30 s.
  bool wait_for(std::string_view method) const;

 private:
  void serve();
  void talk(int fd);
  bool answer_one(int fd, std::string& heard, bool& plays);

  Options options_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> closing_{false};
  std::atomic<int> talking_{-1};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "m=video" with this encoding, payload type 96 (26 for JPEG), and more attribute lines.
std::string sdp_of(std::string_view encoding, std::string_view more = "", std::string_view protocol = "RTP/AVP");
// One RTP packet in an interleaved frame of channel 0.
std::string rtp_frame(std::uint16_t sequence, std::uint32_t time, bool marker, std::string_view payload, int payload_type = 96,
                      std::uint32_t sender = 0x1234);
// The NAL units of a byte stream (a .h264 or .h265 file), without start codes.
std::vector<std::string> nal_units(const std::string& byte_stream);

}  // namespace kanhu::test
