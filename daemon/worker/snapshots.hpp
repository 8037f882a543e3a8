// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "daemon/worker/latest_picture.hpp"
#include "models/images/jpeg_writer.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// A worker's answers to AskPicture: decodes one key frame, makes a JPEG of it, sends it in parts. One at a time and at most 8 waiting:
// what does not fit is answered at once with kNoBandwidth, so pictures cost analysis at most one core and bounded memory.
// Thread: ask from any; `find` and `send` are called on the maker's own thread.
class Snapshots {
 public:
  // `latest` is nullptr when this worker does not have the camera.
  struct Camera {
    std::shared_ptr<LatestPicture> latest;
    StreamRole analysed = StreamRole::kMain;
    bool thermal = false;     // raw temperatures: only frames can be shown
    bool is_private = false;  // it watches a private zone: nothing is shown
  };
  using Find = std::function<Camera(const std::string& camera)>;
  using Send = std::function<void(relay::Message)>;

  Snapshots(FileIo& files, std::string clips, const Clock& clock, Find find, Send send);
  ~Snapshots();  // after the picture at hand; the others are not answered
  void ask(relay::AskPicture ask);

 private:
  struct Made {
    models::Jpeg jpeg;
    CaptureTime captured;
  };
  void run();
  Result<Made> make(const relay::AskPicture& ask);
  Result<Made> of_now(const relay::AskPicture& ask);
  Result<Made> of_clip(const relay::AskPicture& ask);
  static Result<Made> of_key_frame(const PacketPtr& packet, int max_width);

  FileIo& files_;
  const std::string clips_;
  const Clock& clock_;
  const Find find_;
  const Send send_;
  BoundedQueue<relay::AskPicture> asked_{8};
  std::thread thread_;
};

}  // namespace kanhu
