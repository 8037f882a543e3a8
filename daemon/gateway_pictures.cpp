// Pictures, clips and pages of the journal for who asks on the query socket: the threads and desks they need, and how they hang
// together.
#include <utility>

#include "daemon/gateway.hpp"

namespace kanhu {

void Gateway::open_pictures() {
  const auto config = [this] { return config_.with([](const ConfigPtr& value) { return value; }); };
  access_book_ = std::make_unique<AccessBook>([this](std::vector<EventDraft> events) {
    return journalled([&] {
      for (EventDraft& event : events) note(std::move(event));
    });
  });
  access_control_ = std::make_unique<AccessControl>(config, clock_, *access_book_);
  shelf_ = std::make_unique<record::ClipShelf>(folder_.clips());
  pictures_ = std::make_unique<PictureDesk>(clock_);
  journal_pages_ = std::make_unique<publish::JournalPages>(*files_, folder_.journal());
  disk_ = std::make_unique<DiskJobs>();
  fetch_answer_ = std::make_unique<FetchAnswer>(
      *journal_pages_, [this] { return head(); }, *disk_, clock_);
  clip_answer_ = std::make_unique<ClipAnswer>(*shelf_, clip_fates_, *access_control_, *disk_);
  picture_answer_ = std::make_unique<PictureAnswer>(
      *journal_pages_, *shelf_, clip_fates_, *access_control_, *disk_, *pictures_,
      PictureAnswer::Upcalls{[this] { return head(); },
                             [this](const relay::AskPicture& ask) {
                               if (!cameras_->try_tell(ask))
                                 pictures_->fail(ask.id, {ErrorKind::kTimeout, "the gateway is too busy; ask again"});
                             },
                             [this](const std::string& subject) { return clip_of(subject); }});
}

std::string Gateway::clip_of(const std::string& subject) {
  const Json found = rules_->ask(
      [subject](const rules::Rules& rules) {
        const Json state = rules.state();
        for (const auto& [clip, row] : state.value("clips", Json::object()).items()) {
          for (const Json& served : row.value("subjects", Json::array()))
            if (served == subject) return Json(clip);
        }
        return Json("");
      },
      std::chrono::seconds(1));
  return found.is_string() ? found.get<std::string>() : std::string();
}

}  // namespace kanhu
