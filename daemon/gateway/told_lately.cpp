// SPDX-License-Identifier: MIT
#include "daemon/gateway/told_lately.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/fault.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostTold = 4096;
constexpr auto kToldFor = std::chrono::minutes(10);
constexpr std::size_t kMostHeld = 128;
constexpr std::size_t kMostHeldAnswerBytes = 32u << 20;

using ToldKey = std::pair<std::string, std::string>;  // user and thing

struct HeldAnswer {
  publish::Answer answer;
  publish::Reply reply;
};

std::size_t bytes_of(const publish::Answer& answer) { return answer.text.size() + answer.bytes.size(); }

}  // namespace

struct ToldLately::State {
  std::mutex mutex;
  std::map<ToldKey, MonoTime> told;
  std::map<ToldKey, std::vector<HeldAnswer>> on_their_way;  // what is to be journalled, and who waits behind it
  std::size_t held = 0, held_bytes = 0;

  // All with the mutex held.
  bool was(const ToldKey& key, MonoTime now) const {
    const auto found = told.find(key);
    return found != told.end() && now - found->second < kToldFor;
  }
  void note(const ToldKey& key, MonoTime now) {
    if (told.size() >= kMostTold) std::erase_if(told, [&](const auto& each) { return now - each.second >= kToldFor; });
    if (told.size() >= kMostTold) told.clear();
    told[key] = now;
  }
  bool hold(std::vector<HeldAnswer>& behind, HeldAnswer& answer) {
    const std::size_t bytes = bytes_of(answer.answer);
    if (held >= kMostHeld || held_bytes + bytes > kMostHeldAnswerBytes) return false;
    behind.push_back(std::move(answer));
    ++held;
    held_bytes += bytes;
    return true;
  }
  std::vector<HeldAnswer> take(const ToldKey& key) {
    const auto found = on_their_way.find(key);
    std::vector<HeldAnswer> behind = std::move(found->second);
    on_their_way.erase(found);
    held -= behind.size();
    for (const HeldAnswer& each : behind) held_bytes -= bytes_of(each.answer);
    return behind;
  }
};

// One access on its way to the disk. However that ends, nobody is left waiting behind it.
class ToldLately::Entry {
 public:
  Entry(std::shared_ptr<State> state, ToldKey key) : state_(std::move(state)), key_(std::move(key)) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() {
    if (!is_open_) return;
    faults::contained("access",
                      [&] { settle(fail(ErrorKind::kInternal, "the access could not be journalled; the gateway's log says why")); });
  }

  // With the state's mutex held.
  void open() {
    state_->on_their_way[key_];
    is_open_ = true;
  }
  void on_disk(MonoTime now) { on_disk_ = now; }
  // `given`: what the first one got; the others get the like.
  void settle(const Result<publish::Answer>& given) {
    std::vector<HeldAnswer> behind;
    {
      std::scoped_lock lock(state_->mutex);
      is_open_ = false;
      behind = state_->take(key_);
      if (on_disk_) state_->note(key_, *on_disk_);
    }
    for (HeldAnswer& each : behind)
      faults::contained("access", [&] { each.reply(on_disk_ ? Result<publish::Answer>(std::move(each.answer)) : given); });
  }

 private:
  const std::shared_ptr<State> state_;
  const ToldKey key_;
  std::optional<MonoTime> on_disk_;
  bool is_open_ = false;
};

ToldLately::ToldLately() : state_(std::make_shared<State>()) {}

void ToldLately::give(AccessControl& access, const rules::Access& what, const std::vector<Footage>& footage, const std::string& thing,
                      publish::Answer answer, const publish::Reply& reply) {
  const ToldKey key{what.user, thing};
  const auto entry = std::make_shared<Entry>(state_, key);
  {
    std::unique_lock lock(state_->mutex);
    if (state_->was(key, access.clock().mono())) {
      lock.unlock();
      // Reading took its time.
      if (auto shown = access.may_be_shown(footage); !shown) return reply(tl::unexpected(shown.error()));
      return reply(std::move(answer));
    }
    if (const auto found = state_->on_their_way.find(key); found != state_->on_their_way.end()) {
      HeldAnswer held{std::move(answer), reply};
      if (state_->hold(found->second, held)) return;
      lock.unlock();
      return reply(retry_later("too much waits for the journal's disk; ask again", std::chrono::seconds(1)));
    }
    entry->open();
  }
  access.give(
      what, footage, std::move(answer),
      [entry, reply](Result<publish::Answer> given) {
        // The first one's answer, which may be large, is not copied for those behind, who have their own.
        const Result<publish::Answer> others = given && given->has_bytes ? Result<publish::Answer>(publish::Answer{}) : given;
        // Before the first one is answered: who asks again then must not wait behind what has failed.
        entry->settle(others);
        faults::contained("access", [&] { reply(std::move(given)); });
      },
      [entry, &clock = access.clock()] { entry->on_disk(clock.mono()); });
}

}  // namespace kanhu
