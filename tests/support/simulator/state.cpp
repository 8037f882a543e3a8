// SPDX-License-Identifier: MIT
#include "tests/support/simulator/state.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "tests/support/simulator/portrait.hpp"

namespace kanhu::simulator {
namespace {

constexpr int kClientThreads = 8;  // a client that waits for its DESCRIBE does not hold up the others

gboolean collect_sessions(void* pool) {
  gst_rtsp_session_pool_cleanup(static_cast<GstRTSPSessionPool*>(pool));
  return G_SOURCE_CONTINUE;
}

}  // namespace

Result<void> Simulator::State::open(Options options) {
  gst_init(nullptr, nullptr);
  auto people = std::make_shared<std::vector<CutOut>>();
  if (options.faces.empty()) {
    *people = painted_portraits(6);
  } else {
    auto photos = photo_portraits(options.faces);
    if (!photos) return tl::unexpected<Error>(photos.error());
    *people = std::move(*photos);
  }
  context = g_main_context_new();
  loop = g_main_loop_new(context, FALSE);
  server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, std::to_string(options.port).c_str());
  GstRTSPThreadPool* threads = gst_rtsp_server_get_thread_pool(server);
  gst_rtsp_thread_pool_set_max_threads(threads, kClientThreads);
  g_object_unref(threads);
  for (CameraSpec& spec : options.cameras) {
    if (find(spec.name) != nullptr) return fail(ErrorKind::kInvalidArgument, fmt::format("two cameras are called {}", spec.name));
    auto camera = std::make_unique<Camera>();
    camera->spec = std::move(spec);
    camera->person = camera->spec.person;
    const auto seed = static_cast<std::uint32_t>(cameras.size());
    const std::string path = fmt::format("/{}", camera->spec.name);
    camera->streams.push_back(std::make_shared<Stream>(camera->spec, path, camera->spec.size, people, seed, camera->faults));
    if (camera->spec.sub) {
      camera->streams.push_back(std::make_shared<Stream>(camera->spec, path + "-sub", *camera->spec.sub, people, seed, camera->faults));
    }
    if (!camera->spec.user.empty()) camera->lock = make_lock(camera->spec.user, camera->spec.password, camera->spec.auth);
    mount(*camera);
    cameras.push_back(std::move(camera));
  }
  GstRTSPAuth* gate = make_gate([this](GstRTSPContext& request) { return rule(request); });
  gst_rtsp_server_set_auth(server, gate);
  g_object_unref(gate);
  g_signal_connect(server, "client-connected", G_CALLBACK(on_client), this);
  if (gst_rtsp_server_attach(server, context) == 0) {
    return fail(ErrorKind::kRefused, fmt::format("cannot listen on 127.0.0.1:{}", options.port));
  }
  port = gst_rtsp_server_get_bound_port(server);
  GSource* collector = g_timeout_source_new_seconds(5);
  g_source_set_callback(collector, collect_sessions, gst_rtsp_server_get_session_pool(server), g_object_unref);
  g_source_attach(collector, context);
  g_source_unref(collector);
  loop_thread = std::thread([this] { g_main_loop_run(loop); });
  painter_thread = std::thread([this] { paint_until_closed(); });
  return {};
}

Simulator::State::~State() {
  {
    std::scoped_lock hold(mutex);
    closing = true;
  }
  closing_changed.notify_all();
  if (painter_thread.joinable()) painter_thread.join();
  {
    // Each client is taken down by the thread that serves it: gst_rtsp_client_close on another one crashes (1.22).
    std::unique_lock hold(mutex);
    for (const auto& [client, asked] : clients) cut(client);
    closing_changed.wait_for(hold, std::chrono::seconds(3), [this] { return clients.empty(); });
  }
  if (loop_thread.joinable()) {
    // Quitting from inside, so that a loop that has not begun to run yet ends as well.
    GSource* quit = g_idle_source_new();
    g_source_set_callback(
        quit,
        [](gpointer data) -> gboolean {
          g_main_loop_quit(static_cast<GMainLoop*>(data));
          return G_SOURCE_REMOVE;
        },
        loop, nullptr);
    g_source_attach(quit, context);
    g_source_unref(quit);
    loop_thread.join();
  }
  {
    // Clients that are still closing on threads of the pool must not call back into this object.
    std::map<GstRTSPClient*, std::set<const Camera*>> left;
    {
      std::scoped_lock hold(mutex);
      left.swap(clients);
    }
    for (auto& [client, asked] : left) {
      g_signal_handlers_disconnect_by_data(client, this);
      gst_rtsp_client_set_auth(client, nullptr);
      g_object_unref(client);
    }
  }
  if (server != nullptr) g_object_unref(server);
  if (loop != nullptr) g_main_loop_unref(loop);
  if (context != nullptr) g_main_context_unref(context);
  for (const auto& camera : cameras) g_clear_object(&camera->lock);
}

double Simulator::State::scene_seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count(); }

Camera* Simulator::State::find(std::string_view name) const {
  for (const auto& camera : cameras) {
    if (camera->spec.name == name) return camera.get();
  }
  return nullptr;
}

// The path of a request: /entrance, /entrance-sub, /entrance/stream=0.
Camera* Simulator::State::camera_of_path(std::string_view path) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  path = path.substr(0, path.find('/'));
  for (const auto& camera : cameras) {
    for (const auto& stream : camera->streams) {
      if (std::string_view(stream->path()).substr(1) == path) return camera.get();
    }
  }
  return nullptr;
}

Visit Simulator::State::visit_of(Camera& camera, double seconds) {
  std::scoped_lock hold(mutex);
  switch (camera.person) {
    case PersonMode::kOut:
      return {};
    case PersonMode::kIn:
      return Visit{true, seconds - camera.person_since, 1e9, camera.forced_visits};
    case PersonMode::kAuto:
      break;
  }
  return scheduled_visit(camera.spec, seconds);
}

void Simulator::State::mount(Camera& camera) {
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  for (const auto& stream : camera.streams) gst_rtsp_mount_points_add_factory(mounts, stream->path().c_str(), stream->make_factory());
  g_object_unref(mounts);
}

void Simulator::State::cut_clients(const Camera& camera) {
  std::scoped_lock hold(mutex);
  for (const auto& [client, asked] : clients) {
    if (asked.contains(&camera)) cut(client);
  }
}

Ruling Simulator::State::rule(GstRTSPContext& request) {
  const Camera* camera = camera_of_path(request.uri->abspath == nullptr ? "" : request.uri->abspath);
  if (camera == nullptr) return {};
  std::scoped_lock hold(mutex);
  if (const auto client = clients.find(request.client); client != clients.end()) client->second.insert(camera);
  if (camera->faults->dropped) return Ruling{true, nullptr};
  return Ruling{false, camera->lock == nullptr ? nullptr : static_cast<GstRTSPAuth*>(g_object_ref(camera->lock))};
}

void Simulator::State::on_client(GstRTSPServer*, GstRTSPClient* client, void* self) {
  auto& state = *static_cast<State*>(self);
  {
    std::scoped_lock hold(state.mutex);
    state.clients.emplace(static_cast<GstRTSPClient*>(g_object_ref(client)), std::set<const Camera*>{});
  }
  g_signal_connect(client, "closed", G_CALLBACK(on_closed), self);
  g_signal_connect(client, "pre-setup-request", G_CALLBACK(on_setup), self);
  g_signal_connect(client, "play-request", G_CALLBACK(on_play), self);
}

void Simulator::State::on_closed(GstRTSPClient* client, void* self) {
  auto& state = *static_cast<State*>(self);
  bool known = false;
  {
    std::scoped_lock hold(state.mutex);
    known = state.clients.erase(client) > 0;
    state.closing_changed.notify_all();  // under the lock: whoever waits may take the object away
  }
  if (known) g_object_unref(client);
}

GstRTSPStatusCode Simulator::State::on_setup(GstRTSPClient*, GstRTSPContext* request, void* self) {
  const auto& state = *static_cast<State*>(self);
  const Camera* camera = request->uri == nullptr ? nullptr : state.camera_of_path(request->uri->abspath);
  return camera != nullptr && camera->faults->no_bandwidth ? GST_RTSP_STS_NOT_ENOUGH_BANDWIDTH : GST_RTSP_STS_OK;
}

void Simulator::State::on_play(GstRTSPClient*, GstRTSPContext* request, void* self) {
  const auto& state = *static_cast<State*>(self);
  const Camera* camera = request->uri == nullptr ? nullptr : state.camera_of_path(request->uri->abspath);
  if (camera == nullptr) return;
  // Cameras answer PLAY with a key frame; without it a second client of a 50 s GOP would wait for it.
  for (const auto& stream : camera->streams) stream->request_key_frame();
}

void Simulator::State::paint_until_closed() {
  struct Due {
    Camera* camera;
    Stream* stream;
    std::uint32_t frame;
  };
  std::vector<Due> all;
  for (const auto& camera : cameras) {
    for (const auto& stream : camera->streams) all.push_back({camera.get(), stream.get(), 0});
  }
  if (all.empty()) return;
  const auto time_of = [this](const Due& due) {
    return started + std::chrono::nanoseconds(1'000'000'000LL * due.frame / due.stream->fps());
  };
  std::unique_lock hold(mutex);
  while (!closing) {
    Due& next = *std::min_element(all.begin(), all.end(), [&](const Due& a, const Due& b) { return time_of(a) < time_of(b); });
    const auto at = time_of(next);
    if (closing_changed.wait_until(hold, at, [this] { return closing; })) return;
    hold.unlock();
    const double seconds = std::chrono::duration<double>(at - started).count();
    next.stream->produce(std::chrono::nanoseconds(at.time_since_epoch()), seconds, next.frame, visit_of(*next.camera, seconds));
    // After a pause of the machine, frames that are more than a second late are skipped.
    const auto now = std::chrono::steady_clock::now();
    ++next.frame;
    while (time_of(next) + std::chrono::seconds(1) < now) ++next.frame;
    hold.lock();
  }
}

}  // namespace kanhu::simulator
