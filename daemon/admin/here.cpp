// SPDX-License-Identifier: MIT
#include "daemon/admin/here.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysinfo.h>

#include "base/file_io.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "config/allow_list.hpp"
#include "config/place_checks.hpp"
#include "config/secrets.hpp"
#include "daemon/admin/here_paths.hpp"
#include "daemon/gateway/data_folder.hpp"
#include "daemon/provenance.hpp"
#include "pipelines/publish/access/server_key.hpp"

namespace kanhu {
namespace {

// docs/threads.md. A session: GStreamer's 8 to 12 and `in/<camera>`; a worker: main, stats, picture, record, closing sessions.
constexpr std::uint64_t kTasksOfSession = 13, kTasksOfWorker = 21, kTasksOfGateway = 32;
constexpr std::uint64_t kUnitTasks = 4096;  // TasksMax= of systemd/kanhu.service

std::uint64_t tasks_of(const Config& config) {
  std::uint64_t sessions = 0, cameras = 0;
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!camera.enabled || camera.sensor) continue;
      ++cameras;
      sessions += camera.record && session_role(camera, *camera.record) != session_role(camera, camera.analyze) ? 2 : 1;
    }
  }
  const auto each = static_cast<std::uint64_t>(config.gateway.sources_per_worker);
  const std::uint64_t workers = each == 0 ? 1 : (cameras + each - 1) / each;
  const auto analysis = static_cast<std::uint64_t>(analysis_threads(config));
  return kTasksOfGateway + config.brokers.size() + workers * (kTasksOfWorker + analysis + 1) + sessions * kTasksOfSession;
}

class Here {
 public:
  Here(const Config& config, std::string filename) : config_(config), filename_(std::move(filename)) { find_running(); }

  void look(const Place& place);
  void look_behind_links(const std::vector<Place>& places);
  void look_at_sums(const std::vector<Place>& places);
  std::vector<HereFault> take() { return std::move(faults_); }

 private:
  void find_running();
  void say(const Place& place, const std::string& fault, bool stops_run);
  void look_at_socket(const Place& place);
  void look_at_allow_list(const Place& place);
  void look_at_secret(const Place& place);

  const Config& config_;
  const std::string filename_;
  bool running_ = false;
  std::set<std::string> ours_;  // endpoints of the gateway that runs with this data_dir
  std::set<std::string> secrets_;
  std::vector<HeldSocket> held_;
  std::vector<HereFault> faults_;
};

void Here::say(const Place& place, const std::string& fault, bool stops_run) {
  if (fault.empty()) return;
  faults_.push_back({{filename_, place.mark.line, place.mark.column, fmt::format("{}: {}", place.key, fault)}, place.kind, stops_run});
}

// Its lock is held as long as a gateway, or a worker of one, uses the folder.
void Here::find_running() {
  const std::string& data = config_.gateway.data_dir;
  running_ = is_in_use(data);
  if (!running_) return;
  auto files = make_posix_file_io();
  const auto endpoints = read_endpoints(*files, data);
  if (!endpoints || !endpoints->is_object()) return;
  for (const char* name : {"live", "query", "metrics"}) {
    const auto found = endpoints->find(name);
    if (found != endpoints->end() && found->is_string()) ours_.insert(found->get<std::string>());
  }
}

void Here::look_at_socket(const Place& place) {
  const bool http = place.kind == PlaceKind::kListen;
  const Endpoint endpoint = http ? check_listen(place.value) : check_endpoint(place.value);
  if (!endpoint.fault.empty()) return;
  const bool ours = std::any_of(ours_.begin(), ours_.end(), [&](const std::string& one) {
    constexpr std::string_view kHttp = "http://";
    const Endpoint running = one.starts_with(kHttp) ? check_listen(std::string_view(one).substr(kHttp.size())) : check_endpoint(one);
    return same_place(running, endpoint);
  });
  if (!ours) say(place, endpoint_fault(place.key, endpoint, held_), true);
}

void Here::look_at_allow_list(const Place& place) {
  if (const auto list = load_allow_list(place.value); !list) return say(place, list.error().message, true);
  if (const auto key = publish::load_server_key(config_.gateway.secrets_dir); !key) say(place, key.error().message, true);
}

void Here::look_at_secret(const Place& place) {
  if (!secrets_.insert(place.value).second) return;
  if (const auto secret = load_secret(place.value, config_.gateway.secrets_dir); !secret) say(place, secret.error().message, false);
}

void Here::look(const Place& place) {
  if (place.value.empty()) return;
  switch (place.kind) {
    case PlaceKind::kDataDir:
      say(place, data_dir_fault(place.value), true);
      return say(place, evidence_fault(place.value), false);
    case PlaceKind::kModelsDir:
      return say(place, folder_fault(place.value), false);
    case PlaceKind::kAllowList:
      return look_at_allow_list(place);
    case PlaceKind::kAuthority:
      return say(place, authority_fault(place.value), false);
    case PlaceKind::kEndpoint:
    case PlaceKind::kListen:
      return look_at_socket(place);
    case PlaceKind::kMedia:
      return say(place, file_fault(place.value), false);
    case PlaceKind::kDevice:
      return say(place, device_fault(place.value), false);
    case PlaceKind::kSecret:
      return look_at_secret(place);
    case PlaceKind::kSecretsDir:  // each secret that is wanted says more
    case PlaceKind::kStream:
    case PlaceKind::kRing:
    case PlaceKind::kWorker:
      return;
  }
}

// What is apart as it is written may be one where links lead.
void Here::look_behind_links(const std::vector<Place>& places) {
  constexpr std::string_view kIpc = "ipc://";
  std::vector<Place> real = places;
  const Place* data = nullptr;
  std::string data_path, secrets;
  for (std::size_t index = 0; index < real.size(); ++index) {
    Place& place = real[index];
    if (place.value.empty()) continue;
    switch (place.kind) {
      case PlaceKind::kEndpoint:
        if (place.value.starts_with(kIpc)) place.value = fmt::format("{}{}", kIpc, real_socket_path(place.value.substr(kIpc.size())));
        break;
      case PlaceKind::kDataDir:
      case PlaceKind::kSecretsDir:
      case PlaceKind::kModelsDir:
      case PlaceKind::kAllowList:
      case PlaceKind::kAuthority:
        place.value = real_path(place.value);
        break;
      default:
        break;
    }
    if (place.kind == PlaceKind::kDataDir) {
      data = &places[index];
      data_path = place.value;
    }
    if (place.kind == PlaceKind::kSecretsDir) secrets = place.value;
  }
  std::error_code ignored;
  std::vector<std::string> own;
  for (const std::string_view name : own_folders()) {
    const std::string folder = fmt::format("{}/{}", data_path, name), leads = real_path(folder);
    if (leads == folder) continue;
    if (data != nullptr && (leads + "/").starts_with(secrets + "/"))
      say(*data, fmt::format("{} leads to {}, among the secrets; no files are kept there", folder, leads), true);
    own.push_back(leads);
  }
  for (const PlaceFault& fault : meeting_faults(real, real_path(std::filesystem::absolute(filename_, ignored).string()), own)) {
    const Place& place = places[static_cast<std::size_t>(fault.place - real.data())];
    say(place, fmt::format("where links lead, {}", fault.message), true);
  }
}

// What is little by itself and too much together.
void Here::look_at_sums(const std::vector<Place>& places) {
  const auto place_of = [&](PlaceKind kind) {
    const auto found = std::find_if(places.begin(), places.end(), [&](const Place& place) { return place.kind == kind; });
    return found == places.end() ? Place{kind, "gateway", {}, {1, 1}} : *found;
  };
  if (const std::uint64_t needed = tasks_of(config_), most = most_tasks(kUnitTasks); needed > most) {
    say(place_of(PlaceKind::kWorker),
        fmt::format("these cameras need about {} threads, and this machine allows {} (TasksMax= of the service); raise it (systemctl edit "
                    "kanhu), or "
                    "give some of the cameras to another gateway",
                    needed, most),
        false);
  }
  Config all = config_;
  all.gateway.sources_per_worker = 0;
  struct sysinfo machine {};
  if (::sysinfo(&machine) == 0) {
    const std::uint64_t memory = std::uint64_t{machine.totalram} * machine.mem_unit, rings = ring_bytes_of_a_worker(all);
    if (rings > memory)
      say(place_of(PlaceKind::kRing),
          fmt::format("all recording cameras together may hold {} MiB, and this machine has {} MiB of memory; lower clips.ring_bytes",
                      rings >> 20, memory >> 20),
          false);
  }
  const std::uint64_t disk = disk_bytes(config_.gateway.data_dir);
  const std::uint64_t kept = config_.journal.most_bytes + config_.storage.most_bytes;
  if (disk > 0 && kept > disk)
    say(place_of(PlaceKind::kDataDir),
        fmt::format("journal.most_bytes and clips_storage.most_bytes are {} MiB together, and the whole disk has {} MiB; lower one of them",
                    kept >> 20, disk >> 20),
        false);
}

}  // namespace

std::vector<HereFault> look_here(const LoadReport& report, const std::string& filename) {
  if (!report.config) return {};
  Here here(*report.config, filename);
  for (const Place& place : report.places) here.look(place);
  here.look_behind_links(report.places);
  here.look_at_sums(report.places);
  auto faults = here.take();
  std::stable_sort(faults.begin(), faults.end(), [](const HereFault& a, const HereFault& b) {
    return std::pair(a.problem.line, a.problem.column) < std::pair(b.problem.line, b.problem.column);
  });
  return faults;
}

Result<Config> load_config_again(const std::string& path) {
  LoadReport checked = check_config_file(path);
  if (!checked.config) return tl::unexpected(error_of(checked));
  for (const HereFault& fault : look_here(checked, path)) log::warning("config", "{}", to_string(fault.problem));
  return std::move(*checked.config);
}

}  // namespace kanhu
