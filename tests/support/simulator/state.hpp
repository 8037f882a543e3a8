// SPDX-License-Identifier: MIT
// The inside of a running simulator. Private to the simulator.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/simulator/gate.hpp"
#include "tests/support/simulator/simulator.hpp"
#include "tests/support/simulator/stream.hpp"

namespace kanhu::simulator {

struct Camera {
  CameraSpec spec;
  std::shared_ptr<Faults> faults = std::make_shared<Faults>();
  std::vector<std::shared_ptr<Stream>> streams;  // main, then sub
  // Guarded by State::mutex.
  PersonMode person = PersonMode::kAuto;
  double person_since = 0;  // scene seconds of the last `person` command
  int forced_visits = 0;
  GstRTSPAuth* lock = nullptr;
};

// Threads: `loop` (RTSP server), `painter` (every stream's pictures), the server's pool of client threads.
struct Simulator::State {
  State() = default;
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> open(Options options);
  double scene_seconds() const;
  Camera* find(std::string_view name) const;
  Camera* camera_of_path(std::string_view path) const;
  Visit visit_of(Camera& camera, double seconds);
  void mount(Camera& camera);
  void cut_clients(const Camera& camera);
  Ruling rule(GstRTSPContext& context);
  void paint_until_closed();

  static void on_client(GstRTSPServer* server, GstRTSPClient* client, void* self);
  static void on_closed(GstRTSPClient* client, void* self);
  static GstRTSPStatusCode on_setup(GstRTSPClient* client, GstRTSPContext* context, void* self);
  static void on_play(GstRTSPClient* client, GstRTSPContext* context, void* self);

  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Camera>> cameras;  // fixed after open
  int port = 0;

  mutable std::mutex mutex;
  std::map<GstRTSPClient*, std::set<const Camera*>> clients;  // open connections and what they asked for
  std::condition_variable closing_changed;
  bool closing = false;

  GMainContext* context = nullptr;
  GMainLoop* loop = nullptr;
  GstRTSPServer* server = nullptr;
  std::thread loop_thread;
  std::thread painter_thread;
};

}  // namespace kanhu::simulator
