// SPDX-License-Identifier: MIT
// Cameras that exist only in this process: RTSP streams on loopback that misbehave when told to.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tests/support/simulator/camera_spec.hpp"

namespace kanhu::simulator {

struct Options {
  std::vector<CameraSpec> cameras;
  std::filesystem::path faces;  // folder of photographs; empty: painted faces
  int port = 0;                 // 0: the system chooses
};

// Serves every camera at rtsp://127.0.0.1:PORT/NAME (and NAME-sub). What a camera shows depends on the time since
// the start alone: a client that comes back finds the scene gone on. Commands work at once (well under a second)
// and never wait for a client. Ends within a second when destroyed.
// Thread: any; commands may come from several threads.
class Simulator {
 public:
  static Result<std::unique_ptr<Simulator>> start(Options options);
  ~Simulator();
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  int port() const;
  // rtsp://127.0.0.1:PORT/PATH, without user information.
  std::string url(std::string_view path) const;

  // All of them fail with kNotFound when there is no such camera.
  Result<void> drop(std::string_view camera);  // cable pulled: connections cut, new ones cut at their first request
  Result<void> restore(std::string_view camera);
  Result<void> stall(std::string_view camera);  // no more packets (RTP nor RTCP), connections stay open
  Result<void> resume(std::string_view camera);
  Result<void> freeze(std::string_view camera);  // the same picture, the stream goes on
  Result<void> unfreeze(std::string_view camera);
  Result<void> black(std::string_view camera, bool on);
  // Who comes in is the next of the portraits, or `visitor`, counted from 0.
  Result<void> person(std::string_view camera, PersonMode mode, std::optional<int> visitor = std::nullopt);
  Result<void> corrupt(std::string_view camera, double share_of_packets);     // 0 ends it
  Result<void> status453(std::string_view camera, bool on);                   // "Not Enough Bandwidth" to every SETUP
  Result<void> password(std::string_view camera, std::string_view password);  // connections are cut
  Result<void> codec(std::string_view camera, Codec codec);                   // connections are cut; the next one gets it
  // `path` is NAME or NAME-sub. Inside running sessions: key frame with new parameter sets.
  Result<void> size(std::string_view path, Size size);

  // Connections that have asked for this camera and are still open.
  int connections(std::string_view camera) const;
  // One row per camera for people.
  std::string list() const;

  // One line as the program reads it ("drop entrance"); answers "ok ..." or "error ...". `quit` is not a command here.
  std::string command(std::string_view line);

 private:
  struct State;
  explicit Simulator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kanhu::simulator
