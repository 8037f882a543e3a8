// SPDX-License-Identifier: MIT
// What is wrong on any machine about paths, addresses and sizes that depend on each other. What only one machine lacks is
// daemon/admin/here.hpp's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml/section.hpp"

namespace kanhu {

// What is wrong with a path wherever it is: in a folder that is the kernel's (/proc, /sys, /dev but /dev/shm), or with a '~' that no shell
// expands, or with a name of more than 255 bytes. Empty: nothing.
std::string path_fault(std::string_view path);

// The names of the folders the gateway makes in data_dir.
std::span<const std::string_view> own_folders();

struct PlaceFault {
  const Place* place = nullptr;  // of those that were given
  std::string message;           // without the key
};
// Paths and sockets that are one or lie in each other where they must not: sockets that meet; anything where the gateway keeps its own
// files; a socket among the secrets; anything below a file or a socket; models_dir above data_dir or secrets_dir. `places` and
// `configuration`, the file itself, have their paths as written, or as they really are: nothing is looked up. `own`: where else the gateway
// keeps its files, because what is in data_dir leads there.
std::vector<PlaceFault> meeting_faults(const std::vector<Place>& places, const std::string& configuration,
                                       const std::vector<std::string>& own = {});

// Refuses, at their places, what reading.places hold that contradicts itself or the rest of `config`, which is that of the file
// `configuration` (absolute, normal; empty: of none).
void check_places(ConfigReading& reading, const Config& config, const std::string& configuration);

// What the cameras of the fullest worker may hold of packets at once: the largest rings, with the queue behind each, as many as a worker
// has cameras. In one process (sources_per_worker 0): all of them.
std::uint64_t ring_bytes_of_a_worker(const Config& config);
// What a worker needs beside them, at least.
inline constexpr std::uint64_t kWorkerBaseBytes = 128ull << 20;

}  // namespace kanhu
