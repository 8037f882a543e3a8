// SPDX-License-Identifier: MIT
// `fetch` on the query socket, of a gateway: who waits for the disk, and who does not.
#include "daemon/query/fetch_answer.hpp"

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <zmq.hpp>

#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/query_server.hpp"
#include "tests/support/hanging_disk.hpp"
#include "tests/unit/daemon/once.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;
using test::kJournalDir;
using test::Once;

// A journal of three events, and what is asked of it.
struct FetchRig {
  test::JournalRig journals;
  std::unique_ptr<journal::Journal> journal = journals.open();
  test::HangingDisk disk{journals.io};
  journal::JournalPages pages{disk, kJournalDir};
  DiskQueue jobs;
  FetchAnswer fetch{pages, [this] { return journal->head(); }, jobs, journals.clock};
  std::unique_ptr<publish::QueryServer> server;

  FetchRig() {
    for (int i = 0; i < 3; ++i) journal->accept(test::point("a"));
    journal->flush();
    publish::QueryServer::Requests requests;
    for (const char* name : {"state", "info"})
      requests.emplace(name,
                       publish::answered_at_once(name, [](const Json&, const publish::Asker&) -> Result<Json> { return Json::object(); }));
    requests.emplace("fetch", [this](const Json& request, const publish::Asker& asker, const publish::Reply& reply) {
      fetch.ask(request, asker, reply);
    });
    PublishConfig config;
    config.query = "tcp://127.0.0.1:*";
    server = std::move(*publish::QueryServer::open(config, std::move(requests)));
  }
  // Also when a check fails: the jobs end only once the disk answers.
  ~FetchRig() { disk.hang(false); }
  // Asked by hand; the answer is in the box once there is one.
  std::shared_ptr<Once<Result<publish::Answer>>> ask(const publish::Asker& asker) {
    auto box = std::make_shared<Once<Result<publish::Answer>>>();
    fetch.ask(Json::object(), asker, [box](Result<publish::Answer> answer) { box->put(std::move(answer)); });
    return box;
  }
};

// One connection; answers come in any order.
class Connection {
 public:
  explicit Connection(const std::string& endpoint) {
    socket_.set(zmq::sockopt::rcvtimeo, 20'000);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect(endpoint);
  }
  void ask(const std::string& request) {
    socket_.send(zmq::buffer(canonical_json({{"v", 1}, {"request", request}})), zmq::send_flags::none);
  }
  Json answer() {
    zmq::message_t frame;
    REQUIRE(socket_.recv(frame));
    return *parse_json(frame.to_string_view());
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::dealer};
};

// Keeps the disk's thread until told.
struct Held {
  explicit Held(DiskQueue& jobs) {
    REQUIRE(jobs.post([this, until = go.get_future().share()] {
      begun.set_value();
      until.wait();
    }));
    begun.get_future().wait();
  }
  std::promise<void> begun, go;
};

}  // namespace

TEST_CASE("a disk that hangs keeps fetch waiting, and neither state nor info") {
  FetchRig rig;
  rig.disk.hang(true);
  Connection fetching(rig.server->endpoint());
  fetching.ask("fetch");
  REQUIRE(rig.disk.is_waited_for());
  for (const char* request : {"state", "info"}) {
    const auto answer = publish::query(rig.server->endpoint(), {{"v", 1}, {"request", request}}, 10s);
    REQUIRE(answer);
    CHECK((*answer)["ok"] == true);
  }
  fetching.ask("state");
  CHECK(fetching.answer()["request"] == "state");
  rig.disk.hang(false);
  const Json page = fetching.answer();
  CHECK(page["request"] == "fetch");
  CHECK(page["events"].size() == 3);
  CHECK(page["complete"] == true);
}

TEST_CASE("who fetches without end is told to ask again, and keeps nobody else out") {
  FetchRig rig;
  rig.disk.hang(true);
  Connection flooding(rig.server->endpoint()), other(rig.server->endpoint());
  flooding.ask("fetch");
  REQUIRE(rig.disk.is_waited_for());
  // One is being read, four wait.
  for (std::size_t i = 0; i < DiskQueue::kMostOfConnection + 1; ++i) flooding.ask("fetch");
  const Json refused = flooding.answer();
  CHECK(refused["ok"] == false);
  CHECK(refused["error"]["kind"] == "timeout");
  other.ask("fetch");
  other.ask("state");
  CHECK(other.answer()["request"] == "state");  // a refusal would have come before
  rig.disk.hang(false);
  CHECK(other.answer()["events"].size() == 3);
  for (std::size_t i = 0; i < DiskQueue::kMostOfConnection + 1; ++i) CHECK(flooding.answer()["events"].size() == 3);
}

TEST_CASE("what may not be asked is refused while the disk hangs") {
  FetchRig rig;
  Held held(rig.jobs);
  CHECK(rig.ask({"dash", {false, {publish::Right::kLive}, {"*"}}})->wait().error().kind == ErrorKind::kUnauthorized);
  auto box = std::make_shared<Once<Result<publish::Answer>>>();
  rig.fetch.ask({{"max_events", 0}}, {"", publish::Rights::all()}, [box](Result<publish::Answer> answer) { box->put(std::move(answer)); });
  CHECK(box->wait().error().kind == ErrorKind::kInvalidArgument);
  held.go.set_value();
}

TEST_CASE("a page is cut to what its asker may see, also when it is read later") {
  FetchRig rig;
  rig.journal->accept(test::point("b"));
  rig.journal->flush();
  const Json page = *parse_json(rig.ask({"dash", {false, {publish::Right::kFetch}, {"b"}}})->wait()->text);
  REQUIRE(page["events"].size() == 1);
  CHECK(page["events"][0]["topic"].get<std::string>().starts_with("kanhu1/b/"));
  CHECK(page["head"]["streams"].size() == 1);
}

TEST_CASE("what waited longer than anybody does is not read any more") {
  FetchRig rig;
  CHECK(rig.ask({"", publish::Rights::all(), "0"})->wait());
  const int before = rig.disk.lists();
  Held held(rig.jobs);
  const auto late = rig.ask({"", publish::Rights::all(), "1"});
  rig.journals.clock.advance(6s);
  const auto fresh = rig.ask({"", publish::Rights::all(), "2"});
  held.go.set_value();
  CHECK(late->wait().error().kind == ErrorKind::kTimeout);
  CHECK(fresh->wait());
  CHECK(rig.disk.lists() == before + 1);
}

TEST_CASE("of the pages that wait a user has a part, however many connections are his") {
  DiskQueue jobs;
  Held held(jobs);
  std::size_t posted = 0;
  const auto post = [&](const std::string& user, const std::string& connection) {
    const bool taken = jobs.post_page({user, publish::Rights::all(), connection}, [] {});
    posted += taken ? 1 : 0;
    return taken;
  };
  for (std::size_t i = 0; i < DiskQueue::kMostOfUser; ++i) CHECK(post("dash", "d" + std::to_string(i)));
  CHECK_FALSE(post("dash", "another"));
  CHECK(post("wall", "w"));
  for (int i = 0; posted < DiskQueue::kMostPages; ++i) REQUIRE(post("", "n" + std::to_string(i)));  // without keys
  CHECK_FALSE(post("", "one more"));
  CHECK(jobs.post([] {}));  // a picture has a queue of its own
  held.go.set_value();
}

TEST_CASE("a picture does not wait behind all who catch up") {
  std::vector<int> order;  // of the disk's thread
  std::promise<void> last;
  {
    DiskQueue jobs;
    Held held(jobs);
    for (int i = 1; i <= 4; ++i)
      REQUIRE(jobs.post_page({"", publish::Rights::all(), "c"}, [&, i] {
        order.push_back(i);
        if (i == 4) last.set_value();
      }));
    for (int i = 10; i <= 11; ++i) REQUIRE(jobs.post([&, i] { order.push_back(i); }));
    held.go.set_value();
    REQUIRE(last.get_future().wait_for(20s) == std::future_status::ready);
  }
  CHECK(order == std::vector<int>{1, 10, 2, 11, 3, 4});
}

TEST_CASE("a job that fails takes no other with it") {
  DiskQueue jobs;
  std::promise<void> next;
  REQUIRE(jobs.post([] { throw std::runtime_error("as a library would"); }));
  REQUIRE(jobs.post([&] { next.set_value(); }));
  CHECK(next.get_future().wait_for(20s) == std::future_status::ready);
}

}  // namespace kanhu
