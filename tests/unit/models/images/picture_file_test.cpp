// SPDX-License-Identifier: MIT
#include "models/images/picture_file.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <dlib/image_io.h>
#include <sys/resource.h>

#include "base/digest.hpp"

using namespace kanhu;
using namespace kanhu::models;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("kanhu-pictures-" + random_id());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }

// Red on the left, blue on the right, green in the lower right quarter: every turn of it looks different.
dlib::array2d<dlib::rgb_pixel> flag(long width, long height) {
  dlib::array2d<dlib::rgb_pixel> picture(height, width);
  for (long y = 0; y < height; ++y) {
    for (long x = 0; x < width; ++x) {
      picture[y][x] =
          x < width / 2 ? dlib::rgb_pixel(230, 20, 20) : (y < height / 2 ? dlib::rgb_pixel(20, 20, 230) : dlib::rgb_pixel(20, 230, 20));
    }
  }
  return picture;
}

// 'r', 'g', 'b' at a place in fractions.
char colour(const PictureFile& picture, double x, double y) {
  const auto* pixel = picture.view.planes[0].data + static_cast<int>(y * picture.view.height) * picture.view.planes[0].stride +
                      3 * static_cast<int>(x * picture.view.width);
  return pixel[0] > 128 ? 'b' : pixel[1] > 128 ? 'g' : 'r';
}

std::string corners(const PictureFile& picture) {
  return {colour(picture, 0.1, 0.1), colour(picture, 0.9, 0.1), colour(picture, 0.1, 0.9), colour(picture, 0.9, 0.9)};
}

// The JPEG with an EXIF segment behind its start.
std::string with_orientation(const std::string& jpeg, int orientation, bool big) {
  const auto two = [&](int value) {
    const char high = static_cast<char>(value >> 8), low = static_cast<char>(value & 255);
    return big ? std::string{high, low} : std::string{low, high};
  };
  const auto four = [&](int value) { return big ? two(0) + two(value) : two(value) + two(0); };
  const std::string tiff =
      std::string(big ? "MM" : "II") + two(42) + four(8) + two(1) + two(0x0112) + two(3) + four(1) + two(orientation) + two(0) + four(0);
  const std::string body = std::string("Exif\0\0", 6) + tiff;
  const auto length = body.size() + 2;
  return jpeg.substr(0, 2) + "\xFF\xE1" + static_cast<char>(length >> 8) + static_cast<char>(length & 255) + body + jpeg.substr(2);
}

}  // namespace

TEST_CASE("a JPEG, a PNG and a PGM are read by what they hold, whatever they are called") {
  const Folder folder;
  dlib::save_jpeg(flag(64, 40), folder.file("a.png"), 95);
  dlib::save_png(flag(64, 40), folder.file("b.jpg"));
  for (const char* name : {"a.png", "b.jpg"}) {
    const auto picture = read_picture(folder.file(name));
    REQUIRE(picture);
    CHECK(picture->view.format == PixelFormat::kBgr24);
    CHECK(picture->view.width == 64);
    CHECK(picture->view.height == 40);
    CHECK(corners(*picture) == "rbrg");
  }
  const auto gray = decode_picture(bytes("P5\n# by hand\n3 2\n255\nabcdef"), "c");
  REQUIRE(gray);
  CHECK(gray->view.format == PixelFormat::kGray8);
  CHECK(gray->view.width == 3);
  CHECK(gray->pixels == bytes("abcdef"));
  const auto dim = decode_picture(bytes(std::string("P5 2 1 10 \x0a\x05")), "c");
  REQUIRE(dim);
  CHECK(dim->pixels == std::vector<std::uint8_t>{255, 127});
}

TEST_CASE("grey JPEG and PNG stay grey") {
  const Folder folder;
  dlib::array2d<unsigned char> picture(20, 30);
  dlib::assign_all_pixels(picture, 77);
  dlib::save_jpeg(picture, folder.file("a"), 95);
  dlib::save_png(picture, folder.file("b"));
  for (const char* name : {"a", "b"}) {
    const auto read = read_picture(folder.file(name));
    REQUIRE(read);
    CHECK(read->view.format == PixelFormat::kGray8);
    CHECK(read->pixels == std::vector<std::uint8_t>(600, 77));
  }
}

TEST_CASE("a JPEG is turned as its EXIF orientation says") {
  const Folder folder;
  dlib::save_jpeg(flag(64, 40), folder.file("a"), 95);
  const std::string plain = bytes_of(folder.file("a"));
  const std::vector<std::string> turned{"rbrg", "brgr", "grbr", "rgrb", "rrbg", "rrgb", "gbrr", "bgrr"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big : {true, false}) {
      INFO("orientation " << orientation);
      const auto picture = decode_picture(bytes(with_orientation(plain, orientation, big)), "a");
      REQUIRE(picture);
      CHECK(picture->view.width == (orientation < 5 ? 64 : 40));
      CHECK(picture->view.height == (orientation < 5 ? 40 : 64));
      CHECK(corners(*picture) == turned[static_cast<std::size_t>(orientation - 1)]);
    }
  }
  for (const int nonsense : {0, 9, 40000}) {
    const auto picture = decode_picture(bytes(with_orientation(plain, nonsense, true)), "a");
    REQUIRE(picture);
    CHECK(corners(*picture) == "rbrg");
  }
}

TEST_CASE("a file that is cut off anywhere is refused, and says that it is cut off") {
  const Folder folder;
  dlib::save_jpeg(flag(640, 400), folder.file("a.jpg"), 95);
  dlib::save_png(flag(640, 400), folder.file("a.png"));
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string whole = bytes_of(folder.file(name));
    REQUIRE(decode_picture(bytes(whole), name));
    for (const double part : {0.02, 0.2, 0.5, 0.9, 0.999}) {
      INFO(name << " " << part);
      const auto cut = decode_picture(bytes(whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size())))), name);
      REQUIRE_FALSE(cut);
      CHECK(cut.error().kind == ErrorKind::kCorrupt);
      CHECK(cut.error().message.find(name) == 0);
      if (part > 0.1) CHECK(cut.error().message.find("cut off") != std::string::npos);
    }
  }
  const auto gray = decode_picture(bytes("P5 3 2 255\nabcde"), "c.pgm");
  REQUIRE_FALSE(gray);
  CHECK(gray.error().kind == ErrorKind::kCorrupt);
  CHECK(gray.error().message == "c.pgm: the PGM is cut off: 5 of 6 pixels");
}

TEST_CASE("a damaged byte is refused or harmless, never a crash") {
  const Folder folder;
  dlib::save_jpeg(flag(48, 32), folder.file("a.jpg"), 90);
  dlib::save_png(flag(48, 32), folder.file("a.png"));
  int refused = 0;
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string whole = bytes_of(folder.file(name));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      const auto picture = decode_picture(bytes(damaged), name);
      if (!picture) ++refused;
      if (picture)
        CHECK(picture->pixels.size() >= static_cast<std::size_t>(picture->view.width) * static_cast<std::size_t>(picture->view.height));
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("no picture at all is told apart from a damaged one") {
  const Folder folder;
  CHECK(read_picture(folder.file("nothing")).error().kind == ErrorKind::kNotFound);
  CHECK(read_picture(folder.path.string()).error().kind == ErrorKind::kIo);
  CHECK(decode_picture({}, "a").error().kind == ErrorKind::kCorrupt);
  CHECK(decode_picture(bytes("GIF89a"), "a").error().kind == ErrorKind::kUnsupported);
  CHECK(decode_picture(bytes("P5"), "a").error().kind == ErrorKind::kCorrupt);
  CHECK(decode_picture(bytes("P5 x 2 255\nabcdef"), "a").error().kind == ErrorKind::kCorrupt);
  CHECK(decode_picture(bytes("P5 0 2 255\nabcdef"), "a").error().kind == ErrorKind::kUnsupported);
  CHECK(decode_picture(bytes("P5 1 1 65535\nab"), "a").error().kind == ErrorKind::kUnsupported);
}

TEST_CASE("a size over the limit is refused from the header, before anything is decoded") {
  const Folder folder;
  dlib::save_jpeg(flag(64, 40), folder.file("a.jpg"), 95);
  dlib::save_png(flag(64, 40), folder.file("a.png"));
  auto jpeg = bytes_of(folder.file("a.jpg"));
  const auto frame = jpeg.find(std::string("\xFF\xC0\x00\x11\x08", 5));
  REQUIRE(frame != std::string::npos);
  for (int i = 5; i < 9; ++i) jpeg[frame + static_cast<std::size_t>(i)] = static_cast<char>(0xF0);
  const auto large = decode_picture(bytes(jpeg), "a.jpg");
  REQUIRE_FALSE(large);
  CHECK(large.error().kind == ErrorKind::kUnsupported);
  CHECK(large.error().message.find("50 megapixels") != std::string::npos);
  CHECK(decode_picture(bytes("P5 100000 100000 255\n"), "a").error().kind == ErrorKind::kUnsupported);
  CHECK(decode_picture(bytes("P5 4294967296 4294967296 255\n"), "a").error().kind == ErrorKind::kUnsupported);
}

TEST_CASE("a JPEG of 30 megapixels is read within three times its pixels") {
  const Folder folder;
  {
    dlib::array2d<dlib::rgb_pixel> picture = flag(6000, 5000);
    dlib::save_jpeg(picture, folder.file("a"), 50);
  }
  const auto file = bytes(bytes_of(folder.file("a")));
  const auto picture = decode_picture(file, "a");
  REQUIRE(picture);
  CHECK(picture->view.width == 6000);
  CHECK(picture->view.height == 5000);
  CHECK(corners(*picture) == "rbrg");
  CHECK(picture->pixels.capacity() == 90'000'000);
}

TEST_CASE("a picture gets room of its mean luma around it, colour stays colour and grey stays grey") {
  std::vector<std::uint8_t> pixels(40 * 20 * 3, 100);
  ImageView view;
  view.width = 40;
  view.height = 20;
  view.format = PixelFormat::kBgr24;
  view.planes[0] = {pixels.data(), 120};
  pixels[0] = 7;
  const auto framed = with_room(view);
  CHECK(framed.view.format == PixelFormat::kBgr24);
  CHECK(framed.view.width == 120);
  CHECK(framed.view.height == 100);
  const auto at = [](const PictureFile& picture, int x, int y, int channels) {
    return picture.view.planes[0].data[y * picture.view.planes[0].stride + x * channels];
  };
  CHECK(at(framed, 0, 0, 3) == 100);
  CHECK(at(framed, 40, 40, 3) == 7);
  CHECK(at(framed, 79, 59, 3) == 100);

  std::vector<std::uint8_t> grey(30 * 30, 0);
  for (std::size_t i = 0; i < grey.size() / 2; ++i) grey[i] = 200;
  view.format = PixelFormat::kGray8;
  view.width = view.height = 30;
  view.planes[0] = {grey.data(), 30};
  const auto grey_framed = with_room(view);
  CHECK(grey_framed.view.format == PixelFormat::kGray8);
  CHECK(grey_framed.view.width == 90);
  CHECK(at(grey_framed, 5, 5, 1) == 100);
  CHECK(at(grey_framed, 30, 30, 1) == 200);
  CHECK(at(grey_framed, 59, 59, 1) == 0);
}

TEST_CASE("a large picture is made smaller before it gets room") {
  std::vector<std::uint8_t> pixels(4000 * 3000, 50);
  ImageView view;
  view.width = 4000;
  view.height = 3000;
  view.format = PixelFormat::kGray8;
  view.planes[0] = {pixels.data(), 4000};
  const auto framed = with_room(view);
  CHECK(framed.view.width == 3 * 1600);
  CHECK(framed.view.height == 1200 + 2 * 1600);
}
