// SPDX-License-Identifier: MIT
// What a configuration needs of this machine, where no gateway has to run to see it.
#include "daemon/admin/here.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_io.hpp"
#include "config/endpoint.hpp"
#include "daemon/admin/here_paths.hpp"
#include "daemon/gateway/data_folder.hpp"

namespace kanhu {
namespace {

// Line 2 is the gateway.
LoadReport with_cameras(int cameras, const std::string& data_dir, const char* record = "none") {
  std::string text = fmt::format(
      "version: 1\ngateway: {{id: gw, data_dir: {}, analysis_threads: 1, worker_memory_bytes: 64GiB}}\n"
      "publish: {{live: \"tcp://127.0.0.1:0\", query: \"tcp://127.0.0.1:0\"}}\nmetrics: {{listen: \"\"}}\n"
      "journal: {{most_bytes: 64MiB}}\nclips_storage: {{most_bytes: 64MiB}}\ndefaults: {{clips: {{ring_bytes: 1GiB}}}}\n"
      "facilities:\n  - id: f1\n    class: street_centre\n    cameras:\n",
      data_dir);
  for (int i = 0; i < cameras; ++i)
    text += fmt::format("      - {{id: c{}, main: {{url: \"rtsp://h/x\"}}, record: {}, detector: {{name: none}}}}\n", i, record);
  LoadReport report = check_config(text, "x.yaml");
  for (const Problem& problem : report.problems) UNSCOPED_INFO(to_string(problem));
  REQUIRE(report.config);
  return report;
}

bool tells(const std::vector<HereFault>& faults, PlaceKind kind, const char* fragment) {
  return std::any_of(faults.begin(), faults.end(), [&](const HereFault& fault) {
    return fault.kind == kind && !fault.stops_run && fault.problem.line > 1 && fault.problem.message.find(fragment) != std::string::npos;
  });
}

TEST_CASE("more cameras than the service may have threads for are told, and so is more memory than there is") {
  const std::string data = (std::filesystem::temp_directory_path() / fmt::format("kanhu-here-{}", ::getpid())).string();
  CHECK(look_here(with_cameras(4, data), "x.yaml").empty());
  CHECK(tells(look_here(with_cameras(400, data), "x.yaml"), PlaceKind::kWorker, "threads, and this machine allows"));
  CHECK(tells(look_here(with_cameras(3'000, data, "main"), "x.yaml"), PlaceKind::kRing, "of memory; lower clips.ring_bytes"));
  CHECK_FALSE(std::filesystem::exists(data));  // looking makes nothing
}

// A folder with data/, secrets/, r/ and links to each: to-data, to-secrets, to-r.
struct LinkedFolder {
  std::string path = (std::filesystem::temp_directory_path() / fmt::format("kanhu-links-{}", ::getpid())).string();
  LinkedFolder() {
    std::filesystem::remove_all(path);
    for (const char* name : {"data", "secrets", "r"}) {
      std::filesystem::create_directories(path + "/" + name);
      std::filesystem::create_directory_symlink(name, fmt::format("{}/to-{}", path, name));
    }
  }
  ~LinkedFolder() { std::filesystem::remove_all(path); }

  // What stops the gateway. `keys`: of gateway and of publish, with {0} for the folder.
  std::vector<HereFault> stops(const char* gateway, const char* publish) const {
    const std::string file = path + "/x.yaml";
    const std::string text = fmt::format(
        "version: 1\ngateway: {{id: gw, analysis_threads: 1{}}}\npublish: {{{}}}\nmetrics: {{listen: \"\"}}\n"
        "facilities: [{{id: f1, class: street_centre}}]\n",
        fmt::format(fmt::runtime(gateway), path), fmt::format(fmt::runtime(publish), path));
    const LoadReport report = check_config(text, file);
    for (const Problem& problem : report.problems) UNSCOPED_INFO(to_string(problem));
    REQUIRE(report.config);
    auto faults = look_here(report, file);
    std::erase_if(faults, [](const HereFault& fault) { return !fault.stops_run; });
    return faults;
  }
};

TEST_CASE("what is apart as it is written and one where links lead stops the gateway") {
  const LinkedFolder folder;
  const char* plain = ", data_dir: {0}/data, secrets_dir: {0}/secrets";
  const char* free_ports = "live: \"tcp://127.0.0.1:0\", query: \"tcp://127.0.0.1:0\"";
  const struct {
    const char *what, *gateway, *publish;
    PlaceKind kind;
    const char* fragment;
  } table[] = {
      {"two sockets", plain, "live: \"ipc://{0}/r/s\", query: \"ipc://{0}/to-r/s\"", PlaceKind::kEndpoint,
       "live and query need two endpoints"},
      {"two sockets, by the folder above a link's end", plain, "live: \"ipc://{0}/data/s\", query: \"ipc://{0}/to-r/../to-data/s\"",
       PlaceKind::kEndpoint, "need two endpoints"},
      {"a socket over the lock", plain, "live: \"ipc://{0}/to-data/lock\", query: \"tcp://127.0.0.1:0\"", PlaceKind::kEndpoint,
       "keeps its files"},
      {"a socket over the list of endpoints", plain, "query: \"ipc://{0}/to-data/endpoints.json\", live: \"tcp://127.0.0.1:0\"",
       PlaceKind::kEndpoint, "keeps its files"},
      {"a socket among the secrets", plain, "live: \"ipc://{0}/to-secrets/s\", query: \"tcp://127.0.0.1:0\"", PlaceKind::kEndpoint,
       "among the secrets"},
      {"an allow-list in the journal", plain, "access: \"{0}/to-data/journal/list\"", PlaceKind::kAllowList, "keeps its files"},
      {"secrets among the clips", ", data_dir: {0}/data, secrets_dir: {0}/to-data/clips/s", free_ports, PlaceKind::kSecretsDir,
       "keeps its files"},
      {"models that are the secrets", ", data_dir: {0}/data, secrets_dir: {0}/secrets, models_dir: {0}/to-secrets", free_ports,
       PlaceKind::kModelsDir, "a folder of this configuration"},
  };
  CHECK(folder.stops(plain, free_ports).empty());
  CHECK(folder.stops(", data_dir: {0}/to-data, secrets_dir: {0}/to-secrets", free_ports).empty());
  CHECK(folder.stops(plain, "live: \"ipc://{0}/to-r/live\", query: \"ipc://{0}/r/query\"").empty());
  for (const auto& one : table) {
    INFO(one.what);
    const auto faults = folder.stops(one.gateway, one.publish);
    CHECK(std::any_of(faults.begin(), faults.end(), [&](const HereFault& fault) {
      return fault.kind == one.kind && fault.problem.line > 1 && fault.problem.message.find("where links lead") != std::string::npos &&
             fault.problem.message.find(one.fragment) != std::string::npos;
    }));
  }
  std::filesystem::create_directory_symlink("../secrets", folder.path + "/data/clips");
  const auto faults = folder.stops(plain, free_ports);
  REQUIRE_FALSE(faults.empty());
  CHECK(faults[0].problem.message.find("among the secrets; no files are kept there") != std::string::npos);
}

TEST_CASE("a journal that cannot be opened, and a folder where a file is made, are told before the gateway starts") {
  const LinkedFolder folder;
  const std::string data = folder.path + "/data", segment = data + "/journal/000000000001.journal", fresh = data + "/endpoints.json.new";
  std::filesystem::create_directories(data + "/journal/other");  // nothing the journal looks at
  CHECK(data_dir_fault(data).empty());
  for (const std::string& path : {segment, segment + ".damaged", fresh}) {
    INFO(path);
    std::filesystem::create_directories(path + "/x");
    CHECK(data_dir_fault(data).find(path) != std::string::npos);
    std::filesystem::remove_all(path);
  }
  std::filesystem::create_symlink("/dev/null", segment);
  CHECK(data_dir_fault(data).find(segment) != std::string::npos);
  std::filesystem::remove(segment);
  REQUIRE(::mkfifo(segment.c_str(), 0600) == 0);
  CHECK(data_dir_fault(data).find(segment) != std::string::npos);
  std::filesystem::remove(segment);
  CHECK(data_dir_fault(data).empty());
}

TEST_CASE("two sockets of one configuration that meet are told by their keys") {
  std::vector<HeldSocket> held;
  REQUIRE(endpoint_fault("live", check_endpoint("tcp://127.0.0.1:0"), held).empty());
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  REQUIRE(::getsockname(held[0].socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  const int port = ntohs(bound.sin_port);
  for (const char* host : {"127.0.0.1", "0.0.0.0"}) {
    const std::string fault = endpoint_fault("query", check_endpoint(fmt::format("tcp://{}:{}", host, port)), held);
    CHECK(fault.find("live and query meet here") != std::string::npos);
  }
  const std::vector<HeldSocket> of_others = std::exchange(held, {});
  CHECK(endpoint_fault("query", check_endpoint(fmt::format("tcp://127.0.0.1:{}", port)), held).find("another program") !=
        std::string::npos);
}

TEST_CASE("a folder is in use as long as its gateway or one worker lives, and a worker lets go of nobody's lock but its own") {
  const std::string data = (std::filesystem::temp_directory_path() / fmt::format("kanhu-lock-{}", ::getpid())).string();
  const auto files = make_posix_file_io();
  {
    auto folder = DataFolder::open(*files, data);
    REQUIRE(folder);
    {
      const Descriptor taken_over = hold_for_worker(data);
      REQUIRE(taken_over.is_open());
      CHECK(::flock(taken_over.get(), LOCK_UN) == 0);
      CHECK(is_in_use(data));  // the gateway's own
    }
  }
  Descriptor one = hold_for_worker(data), other = hold_for_worker(data);
  CHECK(is_in_use(data));  // the gateway was killed, its workers live
  CHECK(::flock(one.get(), LOCK_UN) == 0);
  CHECK(is_in_use(data));
  other = Descriptor();
  one = Descriptor();
  CHECK_FALSE(is_in_use(data));
  CHECK(DataFolder::open(*files, data));
  std::filesystem::remove_all(data);
}

}  // namespace
}  // namespace kanhu
