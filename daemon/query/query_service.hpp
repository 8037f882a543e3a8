// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "config/config.hpp"
#include "daemon/gateway/data_folder.hpp"
#include "daemon/query/access_control.hpp"
#include "daemon/query/access_log.hpp"
#include "daemon/query/clip_answer.hpp"
#include "daemon/query/disk_queue.hpp"
#include "daemon/query/fetch_answer.hpp"
#include "daemon/query/infrared_state.hpp"
#include "daemon/query/look_requests.hpp"
#include "daemon/query/picture_answer.hpp"
#include "daemon/query/picture_requests.hpp"
#include "daemon/query/shared_answer.hpp"
#include "pipelines/journal/pages.hpp"
#include "pipelines/publish/query_server.hpp"
#include "pipelines/record/clip_files.hpp"

namespace kanhu {

// Everything that answers on the query socket: state, info, look, fetch, picture and clip, with the threads, limits and books they need.
// Thread: made, listening and destroyed on the control thread; questions come on the query thread.
class QueryService {
 public:
  // What it needs of the gateway around it. Each may be called from any thread.
  struct Upcalls {
    std::function<ConfigPtr()> config;
    std::function<journal::JournalHead()> head;
    std::function<Result<Json>()> state;
    std::function<Json()> info;
    std::function<std::string(const std::string& subject)> clip_of;      // empty: none that is known of
    std::function<bool(const relay::AskPicture&)> ask_worker;            // false: too busy
    std::function<bool(std::vector<EventDraft> events)> journal_events;  // whether all of them are on disk
  };

  QueryService(FileIo& files, const DataFolder& folder, const Clock& clock, const InfraredState& infrared, const MissingClips& missing,
               Upcalls upcalls);
  ~QueryService();

  // Opens the socket. `admission`: nullptr when it asks for no key.
  Result<void> listen(const PublishConfig& config, publish::Admission* admission);
  std::string endpoint() const { return server_->endpoint(); }
  // No question comes any more, and none is read for. Who waits for a picture is told when this ends.
  void stop_listening();

  PictureRequests& pictures() { return *pictures_; }
  // Of somebody at this machine, who needs no key.
  Result<Json> look_here(const Json& request) { return look_requests_->look_here(request); }

 private:
  const Upcalls upcalls_;
  std::unique_ptr<AccessLog> access_log_;
  std::unique_ptr<AccessControl> access_control_;
  std::unique_ptr<record::ClipFiles> clip_files_;
  std::unique_ptr<PictureRequests> pictures_;
  std::unique_ptr<journal::JournalPages> journal_pages_;  // of the disk's thread
  std::unique_ptr<DiskQueue> disk_;
  std::unique_ptr<FetchAnswer> fetch_answer_;
  std::unique_ptr<ClipAnswer> clip_answer_;
  std::unique_ptr<PictureAnswer> picture_answer_;
  std::unique_ptr<LookRequests> look_requests_;
  std::unique_ptr<SharedAnswer> shared_state_, shared_info_;
  std::unique_ptr<publish::QueryServer> server_;
};

}  // namespace kanhu
