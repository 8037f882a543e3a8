// SPDX-License-Identifier: MIT
#include "bench/events/rig.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "pipelines/publish/fetch.hpp"
#include "pipelines/publish/query_server.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu::bench {
namespace {

constexpr auto kHoldBack = std::chrono::microseconds(200);
constexpr const char* kGateway = "bench";

std::string digest_of(std::string_view what) { return to_hex(sha256(what)); }

const rules::Provenance& provenance() {
  static const rules::Provenance made{digest_of("config"), digest_of("models"), "", "kanhu 1.0 (bench)"};
  return made;
}

EventDraft incident(bool start) {
  EventDraft draft;
  draft.facility = kFacility;
  draft.source = "corridor-3";
  draft.type = start ? "presence.started" : "presence.ended";
  draft.phase = start ? Phase::kStart : Phase::kEnd;
  const std::string time = format_utc(SystemClock().wall());
  draft.data = {{"phase", start ? "start" : "end"},
                {"severity", "info"},
                {"facility", {{"id", kFacility}, {"name", "Fuxing Home, third floor"}, {"class", "care_home"}}},
                {"camera", {{"id", draft.source}, {"name", "Corridor 3, east end"}, {"role", "sub"}}},
                {"zone", "corridor-east"},
                {"state", start ? "present" : "absent"},
                {"count", 1},
                {"score", 0.9134},
                {"threshold", 0.5},
                {"coverage", 0.9983},
                {"label", "person"},
                {"clock", {{"source", "rtcp"}, {"offset_ms", -12.5}, {"uncertainty_ms", 3.1}}},
                {"times", {{"captured", time}, {"decided", time}}}};
  if (!start) {
    draft.data["end_reason"] = "left";
    draft.data["since"] = time;
  }
  return draft;
}

// An event's bytes as they are but for its id, which is all of it that tells the number and the epoch.
class ReadyBody {
 public:
  explicit ReadyBody(std::uint64_t number) {
    const EventId shape{std::string(32, '0'), 0, 0};
    const std::string text = sample_body(sample_event(number), shape), id = shape.text();
    const std::size_t at = text.find(id);
    front_ = text.substr(0, at), behind_ = text.substr(at + id.size());
  }
  std::string with(const EventId& id) const {
    char digits[20];
    const std::string_view seq(digits, std::to_chars(digits, digits + sizeof digits, id.seq).ptr);
    std::string text;
    text.reserve(front_.size() + id.epoch.size() + 1 + seq.size() + behind_.size());
    return text.append(front_).append(id.epoch).append(":").append(seq).append(behind_);
  }

 private:
  std::string front_, behind_;
};

EventDraft without_data(EventDraft draft) {
  draft.data = nullptr;
  return draft;
}

}  // namespace

EventDraft sample_event(std::uint64_t number, bool with_data) {
  static const EventDraft started = incident(true), ended = incident(false);
  static const EventDraft bare_start = without_data(started), bare_end = without_data(ended);
  EventDraft draft = number % 2 == 1 ? (with_data ? started : bare_start) : with_data ? ended : bare_end;
  char digits[20];
  const std::string_view incident(digits, std::to_chars(digits, digits + sizeof digits, (number + 1) / 2).ptr);
  draft.subject.assign(26 - incident.size(), '0').append(incident);
  draft.time = SystemClock().wall();
  return draft;
}

std::string sample_body(const EventDraft& draft, const EventId& id) { return rules::event_body(draft, id, kGateway, provenance()); }

Result<std::unique_ptr<WorkFolder>> WorkFolder::make(const std::string& parent) {
  std::error_code problem;
  const std::filesystem::path above = parent.empty() ? std::filesystem::temp_directory_path(problem) : std::filesystem::path(parent);
  std::string pattern = (above / "kanhu-bench-events-XXXXXX").string();
  if (problem || ::mkdtemp(pattern.data()) == nullptr)
    return fail(ErrorKind::kIo, fmt::format("{}: no folder can be made there: {}; name another with --dir", above.string(),
                                            problem ? problem.message() : std::strerror(errno)));
  return std::unique_ptr<WorkFolder>(new WorkFolder(std::move(pattern)));
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<EventsRig>> EventsRig::open(FileIo& io, RigOptions options) {
  std::unique_ptr<EventsRig> rig(new EventsRig(io, std::move(options)));
  if (auto started = rig->start(); !started) return tl::unexpected(started.error());
  return rig;
}

EventsRig::~EventsRig() {
  server_.reset();
  std::unique_ptr<journal::Journal> closing;
  {
    std::scoped_lock lock(head_mutex_);
    if (journal_) last_head_ = journal_->head();
    closing = std::move(journal_);
  }
}

journal::JournalHead EventsRig::head() const {
  std::scoped_lock lock(head_mutex_);
  return journal_ ? journal_->head() : last_head_;
}

Result<void> EventsRig::start() {
  PublishConfig sockets;
  sockets.live = options_.live.empty() ? "tcp://127.0.0.1:*" : options_.live;
  sockets.query = options_.query.empty() ? "tcp://127.0.0.1:*" : options_.query;
  JournalConfig config;
  config.most_bytes = options_.most_bytes;
  auto publisher = publish::Publisher::open(
      sockets, clock_, [this] { return head(); }, [] { return Json::object(); });
  if (!publisher) return tl::unexpected(publisher.error());
  publisher_ = std::move(*publisher);
  journal::Journal::Body body = sample_body;
  if (options_.cheap_bodies) {
    body = [start = ReadyBody(1), end = ReadyBody(2)](const EventDraft& draft, const EventId& id) {
      return (draft.phase == Phase::kStart ? start : end).with(id);
    };
  }
  auto journal = journal::Journal::open(io_, clock_, journal_folder(), config, body, nullptr,
                                        [this](journal::Committed committed) { publisher_->publish(std::move(committed)); });
  if (!journal) return tl::unexpected(journal.error());
  {
    std::scoped_lock lock(head_mutex_);
    journal_ = std::move(*journal);
  }
  journal_->declare_streams({kFacility});
  publish::QueryServer::Requests requests;
  requests.emplace("fetch", [this, pages = std::make_shared<journal::JournalPages>(io_, journal_folder())](
                                const Json& request, const publish::Asker&, const publish::Reply& reply) {
    reply(publish::answer_fetch(*pages, request, head()).map([](std::string text) { return publish::Answer{std::move(text), "", false}; }));
  });
  auto server = publish::QueryServer::open(sockets, std::move(requests));
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

std::uint64_t EventsRig::accept() {
  ++accepted_;
  return journal_->accept(sample_event(accepted_, !options_.cheap_bodies)).seq;
}

std::uint64_t EventsRig::offer() {
  while (accepted_ - durable_seen_ >= options_.most_waiting) {
    durable_seen_ = journal_->stats().durable;
    if (accepted_ - durable_seen_ >= options_.most_waiting) std::this_thread::sleep_for(kHoldBack);
  }
  return accept();
}

}  // namespace kanhu::bench
