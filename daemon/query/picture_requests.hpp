// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// A picture as it came from a worker; whether it shows what was asked for, only the worker knows.
struct WorkerPicture {
  std::string jpeg;
  WallTime captured{}, arrival{};
  int width = 0, height = 0;  // px
};

// The pictures that are on their way from the workers: at most 8 of at most 4 MiB, each for at most 2 s. A worker is not trusted: what
// nobody asked for, comes out of order, outgrows its announcement or is no JPEG is refused, and the asker is told so.
// Thread: any. `done` is called exactly once each, on whatever thread decides it, with no lock held; it must not wait.
class PictureRequests {
 public:
  using Done = std::function<void(Result<WorkerPicture>)>;
  static constexpr std::size_t kMostOpen = 8;

  explicit PictureRequests(const Clock& clock, std::chrono::milliseconds patience = std::chrono::seconds(2));
  ~PictureRequests();  // what is still open is answered kClosed

  // A place for one picture of `camera` (empty: not known yet): the id that the worker is asked with. 0 when all are taken; `done` is then
  // not called.
  std::uint64_t open(std::string camera, Done done);
  // Once it is known: whose worker is asked.
  void name_camera(std::uint64_t id, const std::string& camera);
  bool is_open(std::uint64_t id) const;
  void part(const relay::PicturePart& part);
  void fail(std::uint64_t id, Error why);
  // Their worker has gone.
  void lose(const std::vector<std::string>& cameras, const std::string& cause);

 private:
  struct Place {
    std::string camera;
    Done done;
    MonoTime until{};
    WorkerPicture picture;
    std::uint64_t total = 0;
  };
  void watch();
  void finish(std::uint64_t id, Result<WorkerPicture> result);

  const Clock& clock_;
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Place> places_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kanhu
