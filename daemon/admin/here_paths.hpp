// SPDX-License-Identifier: MIT
// Parts of daemon/admin/here.cpp: one fault of one path or socket in words, or nothing. Each looks as the effective user.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "config/endpoint.hpp"

namespace kanhu {

// The folder, or the nearest that is there above it, can be made, entered and written; what the gateway keeps in it is of the right kind,
// and the journal's segments can be opened.
std::string data_dir_fault(const std::string& path);
// The same of what lies in it and costs evidence and recognition where it cannot be used, not the gateway: faces, series, galleries.
std::string evidence_fault(const std::string& path);
// A folder that is there can be read.
std::string folder_fault(const std::string& path);
// A plain file that can be read.
std::string file_fault(const std::string& path);
// As file_fault, with a PEM certificate in it.
std::string authority_fault(const std::string& path);
// A video device (major 81) that can be opened; it is not.
std::string device_fault(const std::string& path);
// Of the file system `path` is on, or would be; 0: unknown.
std::uint64_t disk_bytes(const std::string& path);

// Where a path leads: links followed as far as it is there. Of a socket the links to its folder: its own name is never followed.
std::string real_path(const std::string& path);
std::string real_socket_path(const std::string& path);

struct HeldSocket {
  std::string key;  // of the configuration
  Descriptor socket;
};
// Whether the socket of `key` could listen there. `held` keeps what was bound, so that the next one meets it.
std::string endpoint_fault(const std::string& key, const Endpoint& endpoint, std::vector<HeldSocket>& held);

// The fewest tasks (threads of all processes) that a cgroup above this process allows, or that of the service where it runs. `of_unit`
// stands for that where it does not.
std::uint64_t most_tasks(std::uint64_t of_unit);

}  // namespace kanhu
