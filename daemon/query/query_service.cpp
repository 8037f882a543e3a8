// SPDX-License-Identifier: MIT
#include "daemon/query/query_service.hpp"

#include <utility>

#include "daemon/query/visible_state.hpp"

namespace kanhu {

QueryService::QueryService(FileIo& files, const DataFolder& folder, const Clock& clock, const InfraredState& infrared,
                           const MissingClips& missing, Upcalls upcalls)
    : upcalls_(std::move(upcalls)) {
  access_log_ = std::make_unique<AccessLog>(upcalls_.journal_events);
  access_control_ = std::make_unique<AccessControl>(upcalls_.config, clock, *access_log_);
  clip_files_ = std::make_unique<record::ClipFiles>(folder.clips());
  pictures_ = std::make_unique<PictureRequests>(clock);
  journal_pages_ = std::make_unique<journal::JournalPages>(files, folder.journal());
  disk_ = std::make_unique<DiskQueue>();
  fetch_answer_ = std::make_unique<FetchAnswer>(*journal_pages_, upcalls_.head, *disk_, clock);
  look_requests_ = std::make_unique<LookRequests>(infrared, *access_control_);
  clip_answer_ = std::make_unique<ClipAnswer>(*clip_files_, missing, *access_control_, *disk_);
  picture_answer_ = std::make_unique<PictureAnswer>(
      *journal_pages_, *clip_files_, missing, *access_control_, *disk_, *pictures_,
      PictureAnswer::Upcalls{upcalls_.head,
                             [this](const relay::AskPicture& ask) {
                               if (!upcalls_.ask_worker(ask))
                                 pictures_->fail(ask.id, {ErrorKind::kTimeout, "the gateway is too busy; ask again"});
                             },
                             upcalls_.clip_of});
  shared_state_ = std::make_unique<SharedAnswer>("state",
                                                 SharedAnswer::Source{upcalls_.state,
                                                                      [](Json whole, const publish::Rights& rights) {
                                                                        whole["state"] = visible_state(std::move(whole["state"]), rights);
                                                                        return whole;
                                                                      }},
                                                 clock);
  shared_info_ = std::make_unique<SharedAnswer>("info",
                                                SharedAnswer::Source{[this]() -> Result<Json> {
                                                                       return Json{{"info", upcalls_.info()}};
                                                                     },
                                                                     [](Json whole, const publish::Rights& rights) {
                                                                       if (!rights.may(publish::Right::kPicture))
                                                                         whole["info"].erase("infrared");
                                                                       return whole;
                                                                     }},
                                                clock);
}

// Who waits for a picture is told before the accesses that this tells of are written; what reads the disk ends first.
QueryService::~QueryService() {
  stop_listening();
  pictures_.reset();
  access_log_.reset();
}

Result<void> QueryService::listen(const PublishConfig& config, publish::Admission* admission) {
  publish::QueryServer::Requests requests;
  requests.emplace("state",
                   [this](const Json&, const publish::Asker& asker, const publish::Reply& reply) { shared_state_->ask(asker, reply); });
  requests.emplace("info", [this](const Json&, const publish::Asker& asker, const publish::Reply& reply) {
    if (asker.rights.sees_all()) return shared_info_->ask(asker, reply);
    reply(fail(ErrorKind::kUnauthorized, "info is of the whole gateway, and this key sees only some facilities"));
  });
  const auto add = [&requests](const char* name, auto& answer) {
    requests.emplace(name, [&answer](const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
      answer.ask(request, asker, reply);
    });
  };
  add("clip", *clip_answer_);
  add("picture", *picture_answer_);
  add("look", *look_requests_);
  add("fetch", *fetch_answer_);
  auto server = publish::QueryServer::open(config, std::move(requests), admission);
  if (!server) return tl::make_unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

void QueryService::stop_listening() {
  server_.reset();
  disk_.reset();
}

}  // namespace kanhu
