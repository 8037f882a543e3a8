// SPDX-License-Identifier: MIT
// Follow a Kanhu gateway without missing an event, or knowing exactly which one is missing.
//
//   kanhu_client::Subscriber subscriber({.live = "tcp://127.0.0.1:5556", .query = "tcp://127.0.0.1:5557", .after = load_place()});
//   while (running) {
//     const auto item = subscriber.next(std::chrono::seconds(1));
//     if (!item) continue;                                                                       // nothing for a second
//     if (const auto* event = std::get_if<kanhu_client::Event>(&*item)) handle(event->payload);  // each (epoch, seq) once
//     if (const auto* gap = std::get_if<kanhu_client::Gap>(&*item)) complain(*gap);              // what will never come, and why
//     save_place(subscriber.place());                                                            // where to go on after your own restart
//   }
// The place may lie behind the last item by a second of events, for it is never in front of what another stream still lacks: after your
// restart some events come again. The same (epoch, seq) is the same event: replace it, or pass it over.
// C++20 with libzmq, cppzmq and nlohmann-json. One file, to be copied. The contract is docs/events.md.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>
#include <zmq.hpp>

namespace kanhu_client {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kDeadAfter{5};  // without a head: the line or the gateway is gone

// Up to that number nothing is missing.
struct Place {
  std::string epoch;  // empty: in front of the oldest event that is kept
  std::uint64_t seq = 0;
};

struct Event {
  std::string epoch;
  std::uint64_t seq = 0, stream_seq = 0;
  std::string topic;
  Json header, payload;  // payload: CloudEvents
};

// `first` to `last` (0: nobody knows) will not come. `reason` as in docs/events.md, and "not_delivered": announced, not durable in time.
struct Gap {
  std::string epoch;
  std::uint64_t first = 0, last = 0;
  std::string reason;
  Json streams;
};
using Item = std::variant<Event, Gap>;

struct Options {
  std::string live, query;
  std::vector<std::string> facilities;         // empty: all; "-" the gateway's own events
  std::optional<Place> after;                  // nothing: from now on
  std::chrono::milliseconds patience{10'000};  // for an answer, and for an announced event to become durable
  // Of a gateway that asks for keys, all three in Z85; `kanhu keys add` writes them into its key file.
  std::string server_key{}, public_key{}, secret_key{};
};

// Thread: confined.
class Subscriber {
 public:
  explicit Subscriber(Options options)
      : options_(std::move(options)), place_(options_.after.value_or(Place{})), follows_only_(!options_.after) {
    connect();
    if (!follows_only_) catch_up_ = CatchUp{};
  }

  // The next event or gap, or nothing within `patience` (an answer may take longer). std::runtime_error when the gateway refuses to answer.
  std::optional<Item> next(std::chrono::milliseconds patience) {
    const auto until = Clock::now() + patience;
    while (items_.empty()) {
      if (catch_up_) {
        fetch();
      } else if (!waiting_.empty()) {
        const Message message = std::move(waiting_.front());
        waiting_.pop_front();
        take(message);
      } else if (!receive(std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()))) {
        return std::nullopt;
      }
      if (items_.empty() && Clock::now() >= until) return std::nullopt;
    }
    auto [item, behind] = std::move(items_.front());
    items_.pop_front();
    return given_ = std::move(behind), std::move(item);
  }

  // Up to which everything was given by `next`, of every stream; heads move it on while nothing happens.
  Place place() const { return items_.empty() ? place_ : given_; }
  // Since when nothing at all has been heard; over 5 s the line or the gateway is gone.
  Clock::duration silence() const { return Clock::now() - heard_; }

 private:
  struct Message {
    std::string topic, header, payload;
    bool looked = false;  // what stands in front of it was fetched
  };
  struct Stream {
    std::uint64_t last = 0, sure = 0;  // stream_seq; gateway's seq up to which nothing of it is missing
  };
  // Until nothing durable is left and, when a stream is named, its number has come.
  struct CatchUp {
    std::string epoch, facility;
    std::uint64_t number = 0;
    Clock::time_point until = Clock::now();
    std::optional<Message> then;  // what showed that something is missing
  };

  // Also when nothing has been heard for long: a connection that was cut while idle looks alive to this end for ever.
  void connect() {
    live_ = zmq::socket_t(context_, zmq::socket_type::sub);
    live_.set(zmq::sockopt::rcvhwm, 8000);
    prepare(live_);
    if (options_.facilities.empty()) live_.set(zmq::sockopt::subscribe, "kanhu1/");
    for (const auto& facility : options_.facilities) live_.set(zmq::sockopt::subscribe, "kanhu1/" + facility + "/");
    live_.connect(options_.live);
    connected_ = Clock::now();
  }

  bool receive(std::chrono::milliseconds patience) {
    if (std::min(silence(), Clock::now() - connected_) > kDeadAfter) connect();
    zmq::pollitem_t item{live_.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq::poll(&item, 1, std::max(patience, std::chrono::milliseconds(0))) == 0) return false;
    std::vector<std::string> frames;
    zmq::message_t frame;
    do {
      if (!live_.recv(frame)) return true;
      frames.push_back(frame.to_string());
    } while (frame.more());
    heard_ = Clock::now();
    if (frames.size() == 3) waiting_.push_back({std::move(frames[0]), std::move(frames[1]), std::move(frames[2])});
    return true;
  }

  void prepare(zmq::socket_t& socket) const {
    socket.set(zmq::sockopt::linger, 0);
    if (options_.server_key.empty()) return;
    socket.set(zmq::sockopt::curve_serverkey, options_.server_key);
    socket.set(zmq::sockopt::curve_publickey, options_.public_key);
    socket.set(zmq::sockopt::curve_secretkey, options_.secret_key);
  }

  static std::pair<std::string, std::string> facility_and_type(const std::string& topic) {
    const auto a = topic.find('/'), b = topic.find('/', a + 1), c = topic.find('/', b + 1);
    return {topic.substr(a + 1, b - a - 1), topic.substr(c + 1, topic.size() - c - 2)};
  }

  void take(const Message& message) {
    const auto [facility, type] = facility_and_type(message.topic);
    if (type == "commit" || type == "heartbeat") return;
    Json header = Json::parse(message.header);
    const auto epoch = header.at("epoch").get<std::string>();
    const auto number = header.at("stream_seq").get<std::uint64_t>(), seq = header.at("seq").get<std::uint64_t>();
    if (epoch != place_.epoch && passed_.contains(epoch)) return;  // waited here while we fetched the rest of its epoch, and the next
    const bool head = type == "head";
    const std::uint64_t before = head ? number : number - 1;  // what must have come by now
    if (place_.epoch.empty() && follows_only_) place_ = {epoch, newest_ = head ? seq : seq - 1};
    if (epoch == place_.epoch) {
      if (follows_only_) streams_.try_emplace(facility, Stream{before});
      Stream& stream = streams_[facility];
      const bool jumps = !head && options_.facilities.empty() && !partial_ && !message.looked && seq > newest_ + 1;
      if (before <= stream.last && !jumps) {
        if (before < stream.last) return;  // old
        stream.last = number;
        complete(stream, seq);
        if (head) return;
        if (seq == place_.seq + 1) place_.seq = seq;
        newest_ = std::max(newest_, seq);
        return give(Event{epoch, seq, number, message.topic, std::move(header), Json::parse(message.payload)});
      }
    }
    catch_up_ = CatchUp{epoch, facility, before, Clock::now() + options_.patience, message};
    catch_up_->then->looked = true;
  }

  // Nothing of the stream is missing up to `seq`. The place goes as far as that is so of every stream.
  void complete(Stream& stream, std::uint64_t seq) {
    if (std::exchange(stream.sure, seq) > place_.seq) return;  // others hold it
    for (const auto& [facility, other] : streams_) seq = std::min(seq, other.sure);
    place_.seq = std::max(place_.seq, seq);
  }

  void fetch() {
    Json request{{"v", 1}, {"request", "fetch"}, {"max_events", 2000}, {"max_bytes", 1 << 20}};
    if (!place_.epoch.empty()) request.update({{"epoch", place_.epoch}, {"after", place_.seq}});
    if (!options_.facilities.empty()) request["streams"] = options_.facilities;
    auto page = ask(request);
    if (!page) return;
    take_page(*page);
    auto& [epoch, facility, number, until, then] = *catch_up_;
    if (!page->at("complete").get<bool>()) return void(until = Clock::now() + options_.patience);
    const bool newest = page->at("head").at("epoch") == place_.epoch, there = epoch == place_.epoch;
    follows_only_ = follows_only_ && !newest;
    for (const auto& [stream, last] : page->at("head").at("streams").items())
      if (newest) raise(stream, last.get<std::uint64_t>());
    const bool over = newest && !there && !facility.empty();  // the gateway that answers was started later
    if (over) passed_.try_emplace(epoch, 0);
    const bool done = over || facility.empty() || (there && streams_[facility].last >= number);
    if (!done && Clock::now() < until) return std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (!done && there) {
      const auto last = std::exchange(streams_[facility].last, number);
      give(Gap{epoch, place_.seq + 1, 0, "not_delivered", {{facility, {{"from", last + 1}, {"to", number}}}}});
    }
    if (then && there) waiting_.push_front(std::move(*then));
    catch_up_.reset();
  }

  // Events and gaps in order of their numbers.
  void take_page(Json& page) {
    Json &events = page.at("events"), &gaps = page.at("gaps");
    std::size_t at = 0;
    for (const Json& gap : gaps) {
      const auto first = gap.at("from").get<std::uint64_t>(), last = gap.at("to").get<std::uint64_t>();
      for (; at < events.size() && events[at].at("header").at("epoch") == gap.at("epoch"); ++at) {
        if (events[at].at("header").at("seq") >= first) break;
        take_fetched(events[at]);
      }
      move(gap.at("epoch").get<std::string>(), std::max(last, first - 1));
      for (const auto& [facility, bounds] : gap.at("streams").items()) raise(facility, bounds.at("to").get<std::uint64_t>());
      give(Gap{place_.epoch, first, last, gap.at("reason").get<std::string>(), gap.at("streams")});
    }
    for (; at < events.size(); ++at) take_fetched(events[at]);
    move(page.at("next").at("epoch").get<std::string>(), page.at("next").at("after").get<std::uint64_t>());
  }

  void take_fetched(Json& event) {
    Json& header = event.at("header");
    auto& topic = event.at("topic").get_ref<std::string&>();
    const auto epoch = header.at("epoch").get<std::string>();
    const auto seq = header.at("seq").get<std::uint64_t>(), number = header.at("stream_seq").get<std::uint64_t>();
    partial_ = partial_ || (epoch == place_.epoch && seq > place_.seq + 1);
    move(epoch, seq);
    auto& last = streams_[facility_and_type(topic).first].last;
    const bool again = number <= last || (passed_.contains(epoch) && seq <= passed_.at(epoch));  // live, or before a restored backup
    last = std::max(last, number);
    if (!again) give(Event{epoch, seq, number, std::move(topic), std::move(header), std::move(event.at("payload"))});
  }

  void raise(const std::string& facility, std::uint64_t number) {
    if (!options_.facilities.empty() && std::count(options_.facilities.begin(), options_.facilities.end(), facility) == 0) return;
    streams_[facility].last = std::max(streams_[facility].last, number);
  }

  // Everything up to there was fetched, of every stream.
  void move(const std::string& epoch, std::uint64_t seq) {
    if (epoch != place_.epoch) {
      passed_[place_.epoch] = std::max(passed_[place_.epoch], newest_);
      place_ = {epoch, newest_ = seq};
      streams_.clear();
    }
    newest_ = std::max(newest_, place_.seq = std::max(place_.seq, seq));
  }

  void give(Item item) { items_.emplace_back(std::move(item), place_); }

  // The answer, or nothing when nobody answers: then with a new socket, for REQ cannot ask twice.
  std::optional<Json> ask(const Json& request) {
    if (!query_) {
      query_.emplace(context_, zmq::socket_type::req);
      prepare(*query_);
      query_->set(zmq::sockopt::rcvtimeo, static_cast<int>(options_.patience.count()));
      query_->connect(options_.query);
    }
    query_->send(zmq::buffer(request.dump()), zmq::send_flags::none);
    zmq::message_t frame;
    if (!query_->recv(frame)) return query_.reset(), std::nullopt;
    Json answer = Json::parse(frame.to_string_view());
    if (answer.value("ok", false)) return answer;
    if (const Json& kind = answer.at("error").at("kind"); kind != "timeout" && kind != "no_bandwidth")
      throw std::runtime_error(answer.at("error").at("message").get<std::string>());
    return std::this_thread::sleep_for(std::chrono::milliseconds(500)), std::nullopt;
  }

  Options options_;
  zmq::context_t context_{1};
  zmq::socket_t live_;
  std::optional<zmq::socket_t> query_;
  Place place_, given_;       // place_: up to which no stream lacks anything
  std::uint64_t newest_ = 0;  // the highest seq of the epoch that came
  std::map<std::string, Stream> streams_;
  bool partial_ = false;                         // numbers in between are of streams that are not shown to us
  std::map<std::string, std::uint64_t> passed_;  // last seq of the epochs before: a restored backup begins with them again
  bool follows_only_;                            // nothing was fetched yet: a stream begins with its first message
  std::optional<CatchUp> catch_up_;
  std::deque<Message> waiting_;
  std::deque<std::pair<Item, Place>> items_;
  Clock::time_point heard_ = Clock::now(), connected_{};
};

}  // namespace kanhu_client
