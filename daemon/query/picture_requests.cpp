// SPDX-License-Identifier: MIT
#include "daemon/query/picture_requests.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/fault.hpp"
#include "base/thread_name.hpp"
#include "models/images/jpeg_writer.hpp"

namespace kanhu {
namespace {

constexpr int kMostSide = 65'500;  // px, of any JPEG
constexpr auto kLook = std::chrono::milliseconds(50);

// A JPEG begins with SOI and another marker, and ends with EOI (ITU-T T.81, B.1.1.3).
bool looks_like_jpeg(const std::string& bytes) { return bytes.starts_with("\xff\xd8\xff") && bytes.ends_with("\xff\xd9"); }

std::string whose(const std::string& camera) { return camera.empty() ? "the event" : "camera " + camera; }

std::optional<std::string> wrong_with(const relay::PicturePart& part, std::uint64_t announced, const WorkerPicture& before) {
  if (part.total == 0 || part.total > models::kMostJpegBytes) return fmt::format("it announces {} bytes", part.total);
  if (part.width < 1 || part.height < 1 || part.width > kMostSide || part.height > kMostSide) return "its size is impossible";
  if (part.offset != before.jpeg.size()) return "a part of it is missing";
  if (part.bytes.empty() || part.bytes.size() > part.total - part.offset) return "a part of it does not fit";
  if (part.offset > 0 && (part.total != announced || part.width != before.width || part.height != before.height ||
                          part.captured != before.captured || part.arrival != before.arrival))
    return "its parts are of different pictures";
  return std::nullopt;
}

}  // namespace

PictureRequests::PictureRequests(const Clock& clock, std::chrono::milliseconds patience)
    : clock_(clock), patience_(patience), thread_([this] { watch(); }) {}

PictureRequests::~PictureRequests() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  std::map<std::uint64_t, Place> left;
  {
    std::scoped_lock lock(mutex_);
    left.swap(places_);
  }
  for (const auto& [id, place] : left)
    faults::contained("pictures", [&, &done = place.done] { done(kanhu::fail(ErrorKind::kClosed, "the gateway stops")); });
}

std::uint64_t PictureRequests::open(std::string camera, Done done) {
  std::scoped_lock lock(mutex_);
  if (stopping_ || places_.size() >= kMostOpen) return 0;
  std::uint64_t id = 0;
  while (id == 0 || places_.contains(id)) id = random_u64();
  places_[id] = {std::move(camera), std::move(done), clock_.mono() + patience_, {}, 0};
  return id;
}

void PictureRequests::name_camera(std::uint64_t id, const std::string& camera) {
  std::scoped_lock lock(mutex_);
  if (const auto found = places_.find(id); found != places_.end()) found->second.camera = camera;
}

bool PictureRequests::is_open(std::uint64_t id) const {
  std::scoped_lock lock(mutex_);
  return places_.contains(id);
}

void PictureRequests::part(const relay::PicturePart& part) {
  std::optional<Result<WorkerPicture>> result;
  {
    std::scoped_lock lock(mutex_);
    const auto found = places_.find(part.id);
    if (found == places_.end()) return;  // too late, or never asked for
    Place& place = found->second;
    if (const auto wrong = wrong_with(part, place.total, place.picture)) {
      result =
          kanhu::fail(ErrorKind::kCorrupt, fmt::format("the worker of {} sent a picture that cannot be: {}", whose(place.camera), *wrong));
    } else {
      if (part.offset == 0) {
        place.total = part.total;
        place.picture = {"", part.captured, part.arrival, part.width, part.height};
      }
      place.picture.jpeg += part.bytes;
      if (place.picture.jpeg.size() < place.total) return;
      result = looks_like_jpeg(place.picture.jpeg)
                   ? Result<WorkerPicture>(std::move(place.picture))
                   : kanhu::fail(ErrorKind::kCorrupt, fmt::format("the worker of {} sent something that is no JPEG", whose(place.camera)));
    }
  }
  finish(part.id, std::move(*result));
}

void PictureRequests::fail(std::uint64_t id, Error why) { finish(id, tl::unexpected(std::move(why))); }

void PictureRequests::lose(const std::vector<std::string>& cameras, const std::string& cause) {
  std::vector<std::pair<std::uint64_t, std::string>> gone;
  {
    std::scoped_lock lock(mutex_);
    for (const auto& [id, place] : places_)
      if (std::find(cameras.begin(), cameras.end(), place.camera) != cameras.end()) gone.emplace_back(id, place.camera);
  }
  for (const auto& [id, camera] : gone)
    finish(id, kanhu::fail(ErrorKind::kClosed,
                           fmt::format("the worker of camera {} {} and is started again; ask again in some seconds", camera, cause)));
}

// Whoever takes the place out calls `done`.
void PictureRequests::finish(std::uint64_t id, Result<WorkerPicture> result) {
  Done done;
  {
    std::scoped_lock lock(mutex_);
    const auto found = places_.find(id);
    if (found == places_.end()) return;
    done = std::move(found->second.done);
    places_.erase(found);
  }
  faults::contained("pictures", [&] { done(std::move(result)); });
}

void PictureRequests::watch() {
  name_this_thread("pictures");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kLook, [&] { return stopping_; })) {
    std::vector<std::pair<std::uint64_t, std::string>> late;
    const MonoTime now = clock_.mono();
    for (const auto& [id, place] : places_)
      if (now >= place.until) late.emplace_back(id, place.camera);
    lock.unlock();
    for (const auto& [id, camera] : late)
      finish(id, kanhu::fail(ErrorKind::kTimeout,
                             fmt::format("no picture of {} within {} ms: its worker is busy or hangs", whose(camera), patience_.count())));
    lock.lock();
  }
}

}  // namespace kanhu
