// SPDX-License-Identifier: MIT
#include "daemon/admin/gallery_reload.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "config/keys.hpp"
#include "gallery/gallery_file.hpp"
#include "tests/unit/gallery/people.hpp"

namespace kanhu {
namespace {

// A gateway's folder, its key, and what the watch said.
struct Bench {
  Bench() {
    std::filesystem::create_directories(root);
    REQUIRE(files->make_directories(folder));
    REQUIRE(make_key(kGalleryKey, secrets));
  }
  ~Bench() { std::filesystem::remove_all(root); }

  GalleryWatch watch(const std::string& digest = std::string(64, '7')) {
    return GalleryWatch(*files, folder, secrets,
                        [digest]() -> Result<models::EmbedderInfo> {
                          return models::EmbedderInfo{"dlib-resnet-29", digest, test::kDimension};
                        },
                        {[this](identify::Matchers found) {
                           matchers = std::move(found);
                           ++uses;
                         },
                         [this](const gallery::Matcher& matcher) { changed.push_back(matcher.version()); },
                         [this](const std::string&, const std::string& running, const Error& why) {
                           rejected.push_back(why);
                           last_running = running;
                         }});
  }
  void store(const gallery::Gallery& made) { REQUIRE(gallery::write_gallery(*files, folder, made, *load_key(kGalleryKey, secrets))); }

  static Config config() {
    Config made;
    FacilityConfig facility;
    facility.id = "station-a";
    CameraConfig camera;
    camera.id = "door";
    camera.faces.recognize = true;
    facility.cameras.push_back(camera);
    made.facilities.push_back(facility);
    return made;
  }

  const std::string root = (std::filesystem::temp_directory_path() / ("kanhu-" + random_id())).string();
  const std::string folder = root + "/galleries";
  const std::string secrets = root + "/secrets";
  std::unique_ptr<FileIo> files = make_posix_file_io();
  identify::Matchers matchers;
  int uses = 0;
  std::vector<std::uint64_t> changed;
  std::vector<Error> rejected;
  std::string last_running;
};

}  // namespace

TEST_CASE("a gallery is picked up when it comes, when it changes, and only then") {
  Bench bench;
  auto watch = bench.watch();
  const Config config = Bench::config();
  watch.look(config, test::day(2));
  CHECK(bench.uses == 0);
  CHECK(watch.info()["station-a"]["words"].get<std::string>().find("enroll") != std::string::npos);
  gallery::Gallery made = test::gallery_of(3);
  bench.store(made);
  watch.look(config, test::day(2));
  REQUIRE(bench.matchers.contains("station-a"));
  CHECK(bench.matchers["station-a"]->people() == 3);
  CHECK(bench.changed == std::vector<std::uint64_t>{made.version});
  watch.look(config, test::day(2));
  CHECK(bench.uses == 1);
  REQUIRE(gallery::add_person(made, test::person(9), test::kAct));
  bench.store(made);
  watch.look(config, test::day(2));
  CHECK(bench.matchers["station-a"]->people() == 4);
  CHECK(bench.changed.size() == 2);
  CHECK(watch.info()["station-a"]["people"] == 4);
}

TEST_CASE("a gallery that cannot be used is refused once by name, and the running one stays") {
  Bench bench;
  auto watch = bench.watch();
  const Config config = Bench::config();
  bench.store(test::gallery_of(3));
  watch.look(config, test::day(2));
  const std::string running = bench.matchers["station-a"]->digest();
  const std::string path = gallery::gallery_path(bench.folder, "station-a");
  SECTION("cut in half") { std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2); }
  SECTION("another key") {
    std::filesystem::remove(bench.secrets + "/" + std::string(kGalleryKey));
    REQUIRE(make_key(kGalleryKey, bench.secrets));
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now());
  }
  SECTION("another network") {
    gallery::Gallery other = test::gallery_of(2);
    other.embedder_digest = std::string(64, '8');
    bench.store(other);
  }
  watch.look(config, test::day(2));
  watch.look(config, test::day(2));
  REQUIRE(bench.rejected.size() == 1);
  CHECK(bench.last_running == running);
  CHECK(bench.rejected[0].message.find("王小明") == std::string::npos);
  CHECK(bench.matchers["station-a"]->digest() == running);
  CHECK(watch.info()["station-a"]["words"] == bench.rejected[0].message);
  CHECK(watch.info()["station-a"]["people"] == 3);
}

TEST_CASE("whose consent expires is compared no more, without anybody doing anything") {
  Bench bench;
  auto watch = bench.watch();
  bench.store(test::gallery_of(3));
  watch.look(Bench::config(), test::day(364));
  CHECK(bench.matchers["station-a"]->people() == 3);
  watch.look(Bench::config(), test::day(366));
  CHECK(bench.matchers["station-a"]->people() == 0);
}

TEST_CASE("a gallery that is gone, and a facility that compares faces no more, are compared with no more") {
  Bench bench;
  auto watch = bench.watch();
  Config config = Bench::config();
  bench.store(test::gallery_of(3));
  watch.look(config, test::day(2));
  REQUIRE(bench.matchers.size() == 1);
  std::size_t told = 0;
  SECTION("gone") {
    std::filesystem::remove(gallery::gallery_path(bench.folder, "station-a"));
    told = 1;
  }
  SECTION("no more") { config.facilities[0].cameras[0].faces.recognize = false; }
  watch.look(config, test::day(2));
  CHECK(bench.matchers.empty());
  REQUIRE(bench.rejected.size() == told);
  if (told > 0) CHECK(bench.rejected[0].kind == ErrorKind::kNotFound);
}

}  // namespace kanhu
