// SPDX-License-Identifier: MIT
#include "config/place_checks.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/endpoint.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostNameBytes = 255;        // NAME_MAX of every usual file system
constexpr std::uint64_t kQueueBytes = 8ull << 20;  // one largest access unit, behind each ring

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/');
}

const Place* find_place(const ConfigReading& reading, PlaceKind kind) {
  const auto found = std::find_if(reading.places.begin(), reading.places.end(), [&](const Place& place) { return place.kind == kind; });
  return found == reading.places.end() ? nullptr : &*found;
}

void check_path(ConfigReading& reading, const Place& place) {
  if (place.value.empty()) return;
  std::string fault = path_fault(place.value);
  if (fault.empty() && place.kind == PlaceKind::kDataDir && place.value == "/")
    fault = "a folder of its own expected, not the root of the file system";
  if (!fault.empty()) reading.refuse(place.mark, fmt::format("{}: {}", place.key, fault));
}

constexpr std::string_view kOwnFolders[] = {"journal", "clips", "faces", "series", "galleries"};
constexpr std::string_view kOwnFiles[] = {"lock", "lock.workers", "endpoints.json", "endpoints.json.new"};

// Something that is no folder.
struct Held {
  const Place* place = nullptr;  // nothing: the configuration
  std::string path{}, what{};
};

// Which paths and sockets are one, or lie in each other, and must not.
class Meetings {
 public:
  Meetings(const std::vector<Place>& places, std::string configuration, const std::vector<std::string>& own);
  std::vector<PlaceFault> find();

 private:
  void say(const Place& place, std::string message) { faults_.push_back({&place, std::move(message)}); }
  std::string dir(PlaceKind kind) const;
  std::string taken_fault(PlaceKind kind, std::string_view path) const;
  std::string held_fault(std::size_t index, std::string_view path) const;
  void find_sockets();

  const std::vector<Place>& places_;
  std::vector<std::string> own_;  // what the gateway makes in data_dir, and what is in it: nothing else is put there
  std::vector<Held> held_;
  std::vector<PlaceFault> faults_;
};

// Normal; empty: it has none.
std::string path_of(const Place& place) {
  constexpr std::string_view kIpc = "ipc://";
  switch (place.kind) {
    case PlaceKind::kDataDir:
    case PlaceKind::kSecretsDir:
    case PlaceKind::kModelsDir:
    case PlaceKind::kAllowList:
    case PlaceKind::kAuthority:
      return place.value;
    case PlaceKind::kEndpoint: {
      if (!place.value.starts_with(kIpc)) return "";
      std::string path = std::filesystem::path(place.value.substr(kIpc.size())).lexically_normal().string();
      return path.starts_with('/') && !path.ends_with('/') ? path : "";  // anything else is refused as an address
    }
    default:
      return "";
  }
}

bool is_folder(PlaceKind kind) { return kind == PlaceKind::kDataDir || kind == PlaceKind::kSecretsDir || kind == PlaceKind::kModelsDir; }

Meetings::Meetings(const std::vector<Place>& places, std::string configuration, const std::vector<std::string>& own)
    : places_(places), own_(own) {
  const std::string data = dir(PlaceKind::kDataDir), folder = data == "/" ? "" : data;
  for (const std::string_view name : kOwnFolders) own_.push_back(fmt::format("{}/{}", folder, name));
  for (const std::string_view name : kOwnFiles) own_.push_back(fmt::format("{}/{}", folder, name));
  if (!configuration.empty()) held_.push_back({nullptr, std::move(configuration), "the configuration itself"});
  for (const Place& place : places_) {
    std::string path = path_of(place);
    if (path.empty() || is_folder(place.kind)) continue;
    held_.push_back({&place, std::move(path),
                     place.kind == PlaceKind::kAllowList   ? "the allow-list (access)"
                     : place.kind == PlaceKind::kAuthority ? "a certificate (ca_file)"
                                                           : fmt::format("the socket of {}", place.key)});
  }
}

std::string Meetings::dir(PlaceKind kind) const {
  const auto found = std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return place.kind == kind; });
  return found == places_.end() ? std::string() : found->value;
}

std::string Meetings::taken_fault(PlaceKind kind, std::string_view path) const {
  if (kind == PlaceKind::kDataDir) return "";
  const std::string data = dir(PlaceKind::kDataDir), secrets = dir(PlaceKind::kSecretsDir);
  // Of two folders that are one, the later is refused.
  const bool is_dir =
      path == data || (kind != PlaceKind::kSecretsDir && path == secrets) || (!is_folder(kind) && path == dir(PlaceKind::kModelsDir));
  const std::string shown = kanhu::quoted(path, 200);
  if (is_dir) return fmt::format("{} is a folder of this configuration; choose another path", shown);
  if (std::any_of(own_.begin(), own_.end(), [&](const std::string& own) { return is_below(path, own); }) ||
      path.starts_with(data + "/journal."))
    return fmt::format("{} is where the gateway itself keeps its files (data_dir); choose another path", shown);
  if (kind == PlaceKind::kEndpoint && is_below(path, secrets))
    return fmt::format("no socket stands among the secrets ({}); choose another folder", secrets);
  if (kind == PlaceKind::kModelsDir && (is_below(data, path) || is_below(secrets, path)))
    return fmt::format("workers read all of {}, and data_dir or secrets_dir lies below it; choose a folder of its own", shown);
  return "";
}

std::string Meetings::held_fault(std::size_t index, std::string_view path) const {
  const Place& place = places_[index];
  for (const Held& held : held_) {
    if (held.place == &place || !is_below(path, held.path)) continue;
    const std::string shown = kanhu::quoted(path, 200);
    if (path != held.path)
      return fmt::format("{} lies below {} ({}), which is no folder; choose another path", shown, held.what, held.path);
    // Of two that are one, the later is refused; two sockets meet below, and brokers may share a certificate.
    if (held.place == nullptr || (held.place < &place && held.place->kind != place.kind))
      return fmt::format("{} is {}; choose another path", shown, held.what);
  }
  return "";
}

void Meetings::find_sockets() {
  std::vector<std::pair<const Place*, Endpoint>> sockets;
  for (const Place& place : places_) {
    if (place.value.empty() || (place.kind != PlaceKind::kEndpoint && place.kind != PlaceKind::kListen)) continue;
    Endpoint end = place.kind == PlaceKind::kListen ? check_listen(place.value) : check_endpoint(place.value);
    // What links lead to may be longer than an address.
    if (std::string path = path_of(place); !path.empty()) end = {"", true, -1, {}, false, false, std::move(path)};
    const auto before = std::find_if(sockets.begin(), sockets.end(), [&](const auto& other) { return same_place(other.second, end); });
    if (before != sockets.end())
      say(place, fmt::format("{} and {} need two endpoints, and these meet in one; give one of them another {}", before->first->key,
                             place.key, end.path.empty() ? "port" : "path"));
    sockets.emplace_back(&place, std::move(end));
  }
}

std::vector<PlaceFault> Meetings::find() {
  for (std::size_t index = 0; index < places_.size(); ++index) {
    const Place& place = places_[index];
    const std::string path = path_of(place);
    if (path.empty()) continue;
    std::string fault = taken_fault(place.kind, path);
    if (fault.empty()) fault = held_fault(index, path);
    if (!fault.empty()) say(place, std::move(fault));
  }
  find_sockets();
  return std::move(faults_);
}

const ClipConfig* ring_of(const CameraConfig& camera) { return camera.enabled && camera.record ? &camera.clips : nullptr; }

void check_rings(ConfigReading& reading, const Config& config) {
  const int most = config.gateway.sources_per_worker;
  if (most == 0) return;  // nobody limits the one process
  const std::uint64_t room = config.gateway.worker_memory_bytes;
  const std::uint64_t needed = ring_bytes_of_a_worker(config) + kWorkerBaseBytes;
  if (needed <= room) return;
  const Place* largest = nullptr;
  std::uint64_t bytes = 0;
  for (const Place& place : reading.places) {
    if (place.kind != PlaceKind::kRing) continue;
    const CameraConfig* camera = config.camera(place.value);
    if (camera == nullptr || ring_of(*camera) == nullptr || camera->clips.ring_bytes <= bytes) continue;
    bytes = camera->clips.ring_bytes;
    largest = &place;
  }
  const Place* worker = find_place(reading, PlaceKind::kWorker);
  const Mark mark = largest != nullptr ? largest->mark : worker != nullptr ? worker->mark : Mark{1, 1};
  reading.refuse(mark,
                 fmt::format("clips.ring_bytes: the recording cameras of one worker (up to {}) may hold {} MiB, and a worker needs {} MiB "
                             "beside them, but has {} MiB; lower ring_bytes or gateway.sources_per_worker, or raise "
                             "gateway.worker_memory_bytes",
                             most, (needed - kWorkerBaseBytes) >> 20, kWorkerBaseBytes >> 20, room >> 20));
}

// One camera under two names would show and keep by the one what is private by the other.
void check_private_streams(ConfigReading& reading, const Config& config) {
  std::map<std::string, std::string_view> watching;  // comparable URL -> camera
  std::set<std::string_view> private_cameras;
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!watches_private_zone(facility, camera)) continue;
      private_cameras.insert(camera.id);
      for (const auto* stream : {&camera.main, &camera.sub})
        if (*stream) watching.emplace(comparable_url((*stream)->url), camera.id);
    }
  }
  for (const Place& place : reading.places) {
    if (place.kind != PlaceKind::kStream || private_cameras.contains(place.key)) continue;
    if (const auto found = watching.find(comparable_url(place.value)); found != watching.end())
      reading.refuse(
          place.mark,
          fmt::format("url: camera {} has this address and watches a private zone, of which nothing is shown or kept; under another "
                      "name the same holds: give camera {} that zone, too, or take it out",
                      found->second, place.key));
  }
}

}  // namespace

std::string path_fault(std::string_view path) {
  for (const std::string_view folder : {"/proc", "/sys", "/dev"}) {
    if (is_below(path, folder) && !is_below(path, "/dev/shm"))
      return fmt::format("{} is in {}, which is the kernel's and keeps no files; choose another path", kanhu::quoted(path, 200), folder);
  }
  if (path.starts_with('~') || path.find("/~/") != std::string_view::npos || path.ends_with("/~"))
    return "'~' means nothing here; write the whole path, such as /var/lib/kanhu";
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (name.size() > kMostNameBytes)
      return fmt::format("a name in a path has at most {} bytes, and {} has {}; choose a shorter one", kMostNameBytes,
                         kanhu::quoted(name, 40), name.size());
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return "";
}

std::span<const std::string_view> own_folders() { return kOwnFolders; }

std::vector<PlaceFault> meeting_faults(const std::vector<Place>& places, const std::string& configuration,
                                       const std::vector<std::string>& own) {
  return Meetings(places, configuration, own).find();
}

std::uint64_t ring_bytes_of_a_worker(const Config& config) {
  std::vector<std::uint64_t> rings;
  for (const FacilityConfig& facility : config.facilities)
    for (const CameraConfig& camera : facility.cameras)
      if (const ClipConfig* clips = ring_of(camera)) rings.push_back(clips->ring_bytes + kQueueBytes);
  const auto most = static_cast<std::size_t>(config.gateway.sources_per_worker);
  if (most > 0 && rings.size() > most) {
    std::nth_element(rings.begin(), rings.begin() + static_cast<std::ptrdiff_t>(most), rings.end(), std::greater<>());
    rings.resize(most);
  }
  return std::accumulate(rings.begin(), rings.end(), std::uint64_t{0});
}

void check_places(ConfigReading& reading, const Config& config, const std::string& configuration) {
  for (const Place& place : reading.places) {
    switch (place.kind) {
      case PlaceKind::kEndpoint:
        if (const std::string fault = path_fault(path_of(place)); !fault.empty())
          reading.refuse(place.mark, fmt::format("{}: {}", place.key, fault));
        break;
      case PlaceKind::kAllowList:
      case PlaceKind::kAuthority:
      case PlaceKind::kDataDir:
      case PlaceKind::kSecretsDir:
      case PlaceKind::kModelsDir:
      case PlaceKind::kMedia:
        check_path(reading, place);
        break;
      default:
        break;
    }
  }
  for (const PlaceFault& fault : meeting_faults(reading.places, configuration))
    reading.refuse(fault.place->mark, fmt::format("{}: {}", fault.place->key, fault.message));
  check_private_streams(reading, config);
  if (reading.problems.empty()) check_rings(reading, config);
}

}  // namespace kanhu
