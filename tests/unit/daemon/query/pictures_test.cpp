// SPDX-License-Identifier: MIT
// What stands between who asks for pictures and the workers that make them.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "daemon/query/picture_requests.hpp"
#include "daemon/query/rate_limit.hpp"
#include "daemon/worker/latest_picture.hpp"
#include "models/images/jpeg_writer.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/unit/daemon/once.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::Once;

relay::PicturePart part_of(std::uint64_t id, const std::string& whole, std::size_t offset, std::size_t length) {
  relay::PicturePart part;
  part.id = id;
  part.captured = part.arrival = wall_from_microseconds(1'790'000'000'000'000);
  part.width = 64;
  part.height = 48;
  part.total = whole.size();
  part.offset = offset;
  part.bytes = whole.substr(offset, length);
  return part;
}

std::string some_jpeg(std::size_t middle = 100'000) { return "\xff\xd8\xff\xe0" + std::string(middle, 'x') + "\xff\xd9"; }

struct Rig {
  FakeClock clock;
  Once<Result<WorkerPicture>> box;  // before the requests, which answers what is open when it ends
  PictureRequests requests{clock};
  std::uint64_t open(const std::string& camera = "hall") {
    return requests.open(camera, [this](Result<WorkerPicture> result) { box.put(std::move(result)); });
  }
};

}  // namespace

TEST_CASE("a user has a burst, then waits as long as it is told, and cannot use up the gateway alone") {
  RateLimit limit({2, 4}, {3, 6});
  MonoTime now{};
  for (int i = 0; i < 4; ++i) CHECK_FALSE(limit.wait_for_one("a", now));
  const auto wait = limit.wait_for_one("a", now);
  REQUIRE(wait);
  CHECK(*wait == 500ms);
  CHECK_FALSE(limit.wait_for_one("b", now));
  CHECK_FALSE(limit.wait_for_one("b", now));
  REQUIRE(limit.wait_for_one("b", now));  // the gateway's own six are gone
  now += *wait;
  CHECK_FALSE(limit.wait_for_one("a", now));
  CHECK(limit.wait_for_one("a", now));
  SECTION("a refusal costs nothing, and a pause gives no more than the burst") {
    for (int i = 0; i < 100; ++i) (void)limit.wait_for_one("a", now);
    now += 1h;
    int given = 0;
    while (!limit.wait_for_one("a", now)) ++given;
    CHECK(given == 4);
  }
  SECTION("ten thousand users cost the memory of a thousand") {
    for (int i = 0; i < 10'000; ++i) (void)limit.wait_for_one("user-" + std::to_string(i), now);
    CHECK_FALSE(limit.wait_for_one("z", now + 1h));
  }
}

TEST_CASE("a picture comes in parts and is given whole") {
  Rig setup;
  const std::string jpeg = some_jpeg();
  const std::uint64_t id = setup.open();
  REQUIRE(id != 0);
  for (std::size_t at = 0; at < jpeg.size(); at += relay::kMostPartBytes) setup.requests.part(part_of(id, jpeg, at, relay::kMostPartBytes));
  const auto picture = setup.box.wait();
  REQUIRE(picture);
  CHECK(picture->jpeg == jpeg);
  CHECK(picture->width == 64);
  CHECK_FALSE(setup.requests.is_open(id));
}

TEST_CASE("a worker that lies is found out: the asker is told, and nothing is kept") {
  Rig setup;
  const std::string jpeg = some_jpeg();
  const std::uint64_t id = setup.open();
  SECTION("it begins in the middle") { setup.requests.part(part_of(id, jpeg, 10, 100)); }
  SECTION("a part is left out") {
    setup.requests.part(part_of(id, jpeg, 0, 100));
    setup.requests.part(part_of(id, jpeg, 200, 100));
  }
  SECTION("a part comes twice") {
    setup.requests.part(part_of(id, jpeg, 0, 100));
    setup.requests.part(part_of(id, jpeg, 0, 100));
  }
  SECTION("more than was announced") {
    auto part = part_of(id, jpeg, 0, 100);
    part.total = 50;
    setup.requests.part(part);
  }
  SECTION("more than anybody may announce") {
    auto part = part_of(id, jpeg, 0, 100);
    part.total = models::kMostJpegBytes + 1;
    setup.requests.part(part);
  }
  SECTION("its size changes on the way") {
    setup.requests.part(part_of(id, jpeg, 0, 100));
    auto part = part_of(id, jpeg, 100, 100);
    part.total += 1;
    setup.requests.part(part);
  }
  SECTION("impossible pixels") {
    auto part = part_of(id, jpeg, 0, 100);
    part.width = -1;
    setup.requests.part(part);
  }
  SECTION("no JPEG") {
    const std::string page = "<html>" + std::string(100, ' ');
    setup.requests.part(part_of(id, page, 0, page.size()));
  }
  const auto picture = setup.box.wait();
  REQUIRE_FALSE(picture);
  CHECK(picture.error().kind == ErrorKind::kCorrupt);
  setup.requests.part(part_of(id, jpeg, 0, 100));  // too late: nobody asks any more
  CHECK(setup.box.times() == 1);
}

TEST_CASE("what nobody asked for is dropped") {
  Rig setup;
  const std::uint64_t id = setup.open();
  setup.requests.part(part_of(id + 1, some_jpeg(), 0, 100));
  setup.requests.fail(id + 1, {ErrorKind::kInternal, ""});
  CHECK(setup.box.times() == 0);
  CHECK(setup.requests.is_open(id));
}

TEST_CASE("a worker that hangs costs its asker two seconds and nobody else anything") {
  Rig setup;
  const std::uint64_t id = setup.open();
  setup.requests.part(part_of(id, some_jpeg(), 0, 100));  // begun, never finished
  setup.clock.advance(1900ms);
  CHECK(setup.requests.is_open(id));
  setup.clock.advance(101ms);
  const auto picture = setup.box.wait();
  REQUIRE_FALSE(picture);
  CHECK(picture.error().kind == ErrorKind::kTimeout);
  CHECK(setup.open() != 0);
}

TEST_CASE("eight pictures may be on their way; a worker's death ends those of its cameras") {
  FakeClock clock;
  std::atomic<int> closed{0};
  {
    PictureRequests requests(clock);
    const auto count = [&](const Result<WorkerPicture>& result) { closed += !result && result.error().kind == ErrorKind::kClosed ? 1 : 0; };
    for (std::size_t i = 0; i < PictureRequests::kMostOpen; ++i) CHECK(requests.open(i < 3 ? "hall" : "yard", count) != 0);
    CHECK(requests.open("hall", count) == 0);
    requests.lose({"hall", "stairs"}, "was killed");
    CHECK(closed == 3);
    CHECK(requests.open("hall", count) != 0);
  }
  CHECK(closed == 3 + 6);  // the rest when the requests goes
}

TEST_CASE("of a camera its last key frame of each stream is kept, and frames only for who waits") {
  LatestPicture latest;
  const auto packet = [](StreamRole role, bool key) {
    auto made = std::make_shared<Packet>();
    made->role = role;
    made->is_key = key;
    return PacketPtr(std::move(made));
  };
  CHECK_FALSE(latest.has_stream(StreamRole::kMain));
  latest.packet(packet(StreamRole::kMain, false));
  CHECK(latest.has_stream(StreamRole::kMain));
  CHECK(latest.key_frame(StreamRole::kMain) == nullptr);
  const PacketPtr key = packet(StreamRole::kMain, true);
  latest.packet(key);
  latest.packet(packet(StreamRole::kMain, false));
  CHECK(latest.key_frame(StreamRole::kMain) == key);
  CHECK(latest.key_frame(StreamRole::kSub) == nullptr);
  latest.lost(StreamRole::kMain);
  CHECK(latest.key_frame(StreamRole::kMain) == nullptr);
  CHECK_FALSE(latest.next_frame(1ms));

  const std::vector<std::uint8_t> pixels{1, 2, 9, 3, 4, 9};
  ImageView view;
  view.width = view.height = 2;
  view.planes[0] = {pixels.data(), 3};
  std::atomic<bool> over{false};
  std::thread camera([&] {
    while (!over) latest.frame(Frame("hall", "run", 0, {}, {}, {}, view, nullptr));
  });
  const auto frame = latest.next_frame(20s);
  over = true;
  camera.join();
  REQUIRE(frame);
  CHECK(frame->pixels == std::vector<std::uint8_t>{1, 2, 3, 4});
  CHECK(frame->image.planes[0].data == frame->pixels.data());
}

}  // namespace kanhu
