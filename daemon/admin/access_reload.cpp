// SPDX-License-Identifier: MIT
#include "daemon/admin/access_reload.hpp"

#include <utility>

#include "base/log.hpp"
#include "pipelines/publish/access/server_key.hpp"

namespace kanhu {

Result<std::unique_ptr<publish::Admission>> AccessWatch::open_gate(const std::string& path, const std::string& secrets_dir,
                                                                   const Clock& clock) {
  const auto list = load_allow_list(path);
  if (!list) return tl::unexpected(list.error());
  const auto key = publish::load_server_key(secrets_dir);
  if (!key) return tl::unexpected(key.error());
  return publish::Admission::open(key->secret_key, *list, clock);
}

AccessWatch::AccessWatch(std::string path, publish::Admission& gate, std::function<void(const Error&)> rejected)
    : path_(std::move(path)), gate_(gate), rejected_(std::move(rejected)) {}

// The first time it reads once more what the gate was opened with: it may have changed since.
void AccessWatch::look() {
  const auto stamp = file_stamp(path_, FollowLinks::kYes);
  if (looked_ && stamp == stamp_) return;
  const bool first = !std::exchange(looked_, true);
  stamp_ = stamp;
  auto list = load_allow_list(path_);
  if (!list) {
    log::error("publish", "the allow-list is refused, the one in force stays: {}", list.error().message);
    rejected_(list.error());
    return;
  }
  if (!first && *list == running_) return;
  gate_.use(*list);
  running_ = std::move(*list);
  log::info("publish", "{} subscribers of {} are allowed", running_.subscribers.size(), path_);
}

}  // namespace kanhu
