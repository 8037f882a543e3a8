// SPDX-License-Identifier: MIT
#include "bench/events/catching_up.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <zmq.hpp>

#include "bench/events/accepting.hpp"
#include "clients/cpp/kanhu_subscriber.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kPageWithin = 30s;
constexpr double kStoreRate = 50;  // events a second behind a cut line

double seconds_since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

// Numbers as they come, of one epoch.
class Numbers {
 public:
  void take(std::uint64_t seq) {
    ++account.received;
    if (seq == last_) ++account.repeated;
    if (seq < last_) ++account.misordered;
    last_ = std::max(last_, seq);
  }
  std::uint64_t last() const { return last_; }
  Account account;

 private:
  std::uint64_t last_ = 0;
};

void settle(Numbers& numbers, std::uint64_t expected, Account& account) {
  numbers.account.expected = expected;
  const std::uint64_t once = numbers.account.received - numbers.account.repeated - numbers.account.misordered;
  numbers.account.lost = expected - std::min(expected, once);
  account.add(numbers.account);
}

// The number behind `name` in canonical text, from `at` on.
std::uint64_t number_behind(std::string_view text, std::string_view name, std::size_t at) {
  const std::size_t found = text.find(name, at);
  return found == std::string_view::npos ? 0 : std::strtoull(text.data() + found + name.size(), nullptr, 10);
}

Result<std::unique_ptr<EventsRig>> filled(FileIo& io, const std::string& folder, std::uint64_t events, const EventsProgress& progress) {
  RigOptions options;
  options.folder = folder;
  options.cheap_bodies = true;
  auto rig = EventsRig::open(io, options);
  if (!rig) return rig;
  for (std::uint64_t i = 0; i < events; ++i) {
    (*rig)->offer();
    if (i % 50'000 == 0) progress(fmt::format("filling a journal: {} of {} events", i, events));
  }
  (*rig)->flush();
  return rig;
}

}  // namespace

Result<CatchUpFigures> catch_up_scanning(const std::string& query, std::uint64_t expected, Account& account) {
  CatchUpFigures figures;
  Numbers numbers;
  try {
    zmq::context_t context(1);
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(std::chrono::milliseconds(kPageWithin).count()));
    socket.connect(query);
    const std::string all = R"({"v":1,"request":"fetch","max_events":2000,"max_bytes":2097152)";
    const auto begin = Steady::now();
    socket.send(zmq::buffer(all + "}"), zmq::send_flags::none);
    for (bool complete = false; !complete;) {
      zmq::message_t answer;
      if (!socket.recv(answer)) return fail(ErrorKind::kTimeout, "no answer to fetch within 30 s");
      const std::string_view text = answer.to_string_view();
      constexpr std::string_view kComplete = R"({"complete":)", kGaps = R"(],"gaps":[)", kNext = R"("next":{"after":)",
                                 kNamesEpoch = R"(,"epoch":")";
      const std::size_t tail = text.rfind(kGaps);
      if (!text.starts_with(kComplete) || tail == std::string_view::npos)
        return fail(ErrorKind::kCorrupt, fmt::format("not a page: {}", text.substr(0, 200)));
      complete = text.substr(kComplete.size()).starts_with("true");
      if (!complete) {
        const std::size_t next = text.find(kNext, tail);
        const std::uint64_t after = number_behind(text, kNext, tail);
        const std::size_t epoch = text.find(kNamesEpoch, next);
        socket.send(zmq::buffer(fmt::format(R"({},"epoch":"{}","after":{}}})", all, text.substr(epoch + kNamesEpoch.size(), 32), after)),
                    zmq::send_flags::none);
      }
      constexpr std::string_view kEvent = R"({"header":{"durable":true,"epoch":")", kSeq = R"("seq":)";
      for (std::size_t at = text.find(kEvent); at < tail; at = text.find(kEvent, at + kEvent.size()))
        numbers.take(number_behind(text, kSeq, at + kEvent.size()));
      figures.megabytes += static_cast<double>(text.size()) / 1e6;
    }
    figures.seconds = seconds_since(begin);
  } catch (const zmq::error_t& error) {
    return fail(ErrorKind::kIo, std::string("fetch: ") + error.what());
  }
  figures.events = numbers.account.received;
  settle(numbers, expected, account);
  return figures;
}

Result<CatchUpFigures> catch_up_parsing(const std::string& live, const std::string& query, std::uint64_t expected, Account& account) {
  CatchUpFigures figures;
  Numbers numbers;
  try {
    kanhu_client::Options options;
    options.live = live;
    options.query = query;
    options.after = kanhu_client::Place{};
    const auto begin = Steady::now();
    kanhu_client::Subscriber subscriber(std::move(options));
    while (numbers.last() < expected && seconds_since(begin) < 3600) {
      const auto item = subscriber.next(kPageWithin);
      if (!item) break;
      if (const auto* event = std::get_if<kanhu_client::Event>(&*item)) numbers.take(event->seq);
    }
    figures.seconds = seconds_since(begin);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, std::string("the C++ client: ") + error.what());
  }
  figures.events = numbers.account.received;
  settle(numbers, expected, account);
  return figures;
}

Result<CatchUpReport> measure_catch_up(FileIo& io, const std::string& folder, std::uint64_t events, double seconds, Account& account,
                                       const EventsProgress& progress) {
  CatchUpReport report;
  auto rig = filled(io, folder, events, progress);
  if (!rig) return tl::unexpected(rig.error());
  EventsRig& gateway = **rig;
  progress("catching up, numbers scanned");
  auto scanned = catch_up_scanning(gateway.query(), events, account);
  if (!scanned) return tl::unexpected(scanned.error());
  report.scanned = *scanned;
  progress("catching up, events parsed");
  auto parsed = catch_up_parsing(gateway.live(), gateway.query(), events, account);
  if (!parsed) return tl::unexpected(parsed.error());
  report.parsed = *parsed;

  progress("live traffic alone");
  auto alone = receive_live(gateway, seconds, account);
  if (!alone) return tl::unexpected(alone.error());
  progress("live traffic beside catching up");
  const std::uint64_t behind = gateway.head().durable_seq;
  Result<CatchUpFigures> beside = CatchUpFigures{};
  std::atomic<bool> live_over{false};
  CatchUpFigures together;
  Account others;
  std::thread away([&] {
    // Again and again, so that all of the live traffic has it beside; each time at least what was there at the beginning.
    do {
      Account mine;
      beside = catch_up_scanning(gateway.query(), behind, mine);
      if (!beside) return;
      others.add(mine);
      together.events += beside->events;
      together.megabytes += beside->megabytes;
      together.seconds += beside->seconds;
    } while (!live_over);
  });
  auto with_it = receive_live(gateway, seconds, account);
  live_over = true;
  away.join();
  if (!with_it) return tl::unexpected(with_it.error());
  if (!beside) return tl::unexpected(beside.error());
  account.add(others);
  report.beside = together;
  report.live_alone = quantiles_of(std::move(*alone));
  report.live_beside = quantiles_of(std::move(*with_it));
  return report;
}

Result<StoreFigures> measure_store(FileIo& io, const std::string& folder, double hours, Account& account, const EventsProgress& progress) {
  StoreFigures figures;
  figures.hours = hours;
  figures.rate = kStoreRate;
  figures.events = static_cast<std::uint64_t>(hours * 3600 * kStoreRate);
  const double event_bytes =
      static_cast<double>(sample_body(sample_event(2), {std::string(32, '0'), 1, 1}).size()) + 160;  // with its record
  const double needed = static_cast<double>(figures.events) * event_bytes * 1.05;
  const auto free = io.free_bytes(folder);
  if (!free) return tl::unexpected(free.error());
  if (static_cast<double>(*free) < needed)
    return fail(ErrorKind::kNoSpace, fmt::format("{} events of {:.0f} bytes need {:.1f} GB in {}, {:.1f} GB are free", figures.events,
                                                 event_bytes, needed / 1e9, folder, static_cast<double>(*free) / 1e9));
  const auto begin = Steady::now();
  auto rig = filled(io, folder, figures.events, progress);
  if (!rig) return tl::unexpected(rig.error());
  figures.fill_seconds = seconds_since(begin);
  figures.gigabytes = static_cast<double>((*rig)->journal_stats().bytes) / 1e9;
  progress("catching up with what was missed");
  auto caught_up = catch_up_scanning((*rig)->query(), figures.events, account);
  if (!caught_up) return tl::unexpected(caught_up.error());
  figures.caught_up = *caught_up;
  return figures;
}

}  // namespace kanhu::bench
