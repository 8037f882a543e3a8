// SPDX-License-Identifier: MIT
#include "models/faces/embedder.hpp"

#include <array>
#include <cmath>
#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "base/digest.hpp"
#include "models/faces/chip.hpp"
#include "models/faces/dlib_resnet.hpp"
#include "models/faces/drawn.hpp"
#include "models/faces/painted.hpp"
#include "tests/unit/models/pictures.hpp"
#include "tests/unit/models/tiny_onnx.hpp"

using namespace kanhu;
using namespace kanhu::models;
using test::Picture;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("kanhu-embedders-" + random_id());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name, std::ios::binary) << text; }
  std::vector<std::string> search_path() const { return {path.string()}; }
};

const std::vector<std::array<float, 3>> kChannels{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}};

// embedders.json with one network of the test's own, `more` being further members.
void write_tiny(const Folder& folder, const std::string& more, const std::string& network = test::tiny_embedder(32, kChannels)) {
  folder.write("tiny.onnx", network);
  folder.write("embedders.json", fmt::format(R"({{"format": 1, "weights": [{{"name": "tiny", "file": "tiny.onnx", "bytes": {},
    "sha256": "{}", "kind": "face-embedder", "architecture": "onnx", {}}}]}})",
                                             network.size(), to_hex(sha256(network)), more));
}

Picture coloured(std::uint8_t blue, std::uint8_t green, std::uint8_t red) {
  Picture picture(PixelFormat::kBgr24, 120, 120);
  for (int y = 0; y < 120; ++y) {
    for (int x = 0; x < 120; ++x) {
      picture.row(0, y)[3 * x] = blue;
      picture.row(0, y)[3 * x + 1] = green;
      picture.row(0, y)[3 * x + 2] = red;
    }
  }
  return picture;
}

const std::vector<Point> kFace{{0.4, 0.45}, {0.6, 0.45}, {0.5, 0.55}, {0.5, 0.65}};

double length(const std::vector<float>& numbers) {
  double sum = 0;
  for (const float number : numbers) sum += static_cast<double>(number) * number;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("the least-squares similarity finds the turn, size and place that made the points, and never mirrors") {
  const std::array<Point, 4> from{Point{0, 0}, {4, 0}, {2, 2}, {2, 3}};
  std::array<Point, 4> to;
  const double a = 1.5 * std::cos(0.7), b = 1.5 * std::sin(0.7);
  for (std::size_t i = 0; i < 4; ++i) to[i] = {a * from[i].x - b * from[i].y + 10, b * from[i].x + a * from[i].y - 3};
  const auto found = least_squares_similarity(from, to);
  CHECK(found.a == Approx(a));
  CHECK(found.b == Approx(b));
  CHECK(found.tx == Approx(10));
  CHECK(found.ty == Approx(-3));
  CHECK(found.scale() == Approx(1.5));
  for (auto& point : to) point.x = -point.x;
  const auto mirrored = least_squares_similarity(from, to);
  CHECK(mirrored.a * mirrored.a + mirrored.b * mirrored.b == Approx(mirrored.scale() * mirrored.scale()));
  CHECK(mirrored.scale() < 1.5);
  CHECK(least_squares_similarity(std::array{Point{1, 1}, Point{1, 1}}, std::array{Point{0, 0}, Point{1, 1}}).scale() == 0);
}

TEST_CASE("a chip has the eyes where the template says, whatever size and turn the face had") {
  const auto targets = mean_face_points();
  for (const double degrees : {0., 30., -75.}) {
    for (const double size : {20., 60., 400.}) {
      INFO(degrees << " degrees, " << size << " px");
      Picture picture(PixelFormat::kGray8, 1000, 800, 40);
      const double turn = degrees * M_PI / 180;
      std::vector<Point> marks;
      for (const auto& target : targets) {
        const double x = (target.x - 0.5) * size, y = (target.y - 0.5) * size;
        const double at_x = 500 + std::cos(turn) * x - std::sin(turn) * y, at_y = 400 + std::sin(turn) * x + std::cos(turn) * y;
        marks.push_back({at_x / 1000, at_y / 800});
        const double radius = std::max(1.0, size / 20);
        for (int py = static_cast<int>(at_y - radius); py <= at_y + radius; ++py) {
          for (int px = static_cast<int>(at_x - radius); px <= at_x + radius; ++px) picture.row(0, py)[px] = 250;
        }
      }
      const cv::Mat chip = face_chip(picture.view(), marks, targets, 150);
      REQUIRE(chip.size() == cv::Size(150, 150));
      for (const auto& target : targets) {
        CHECK(chip.at<cv::Vec3b>(static_cast<int>(target.y * 150), static_cast<int>(target.x * 150))[0] > 150);
      }
      CHECK(chip.at<cv::Vec3b>(static_cast<int>(targets[0].y * 150), 75)[0] < 60);
    }
  }
}

TEST_CASE("a fine pattern larger than the chip is averaged, not aliased") {
  Picture picture(PixelFormat::kGray8, 1200, 1200);
  for (int y = 0; y < 1200; ++y) {
    for (int x = 0; x < 1200; ++x) picture.row(0, y)[x] = (x + y) % 2 == 0 ? 255 : 0;
  }
  const cv::Mat chip = face_chip(picture.view(), kFace, mean_face_points(), 150);
  REQUIRE_FALSE(chip.empty());
  for (int y = 20; y < 130; ++y) {
    for (int x = 20; x < 130; ++x) REQUIRE(std::abs(chip.at<cv::Vec3b>(y, x)[0] - 127) < 20);
  }
}

TEST_CASE("points that are no face give no chip") {
  const Picture picture(PixelFormat::kGray8, 100, 100);
  const auto chip = [&](const std::vector<Point>& points) { return face_chip(picture.view(), points, mean_face_points(), 150); };
  CHECK_FALSE(chip(kFace).empty());
  CHECK(chip({{0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}}).empty());
  CHECK(chip({{0.4, 0.4}, {0.6, 0.4}, {0.5, 0.5}}).empty());
  CHECK(chip({{0.4, 0.4}, {0.6, NAN}, {0.5, 0.5}, {0.5, 0.6}}).empty());
  CHECK(chip({{40, 40}, {41, 40}, {40.5, 40.5}, {40.5, 41}}).empty());
  CHECK(chip({{-1e9, 0}, {1e9, 0}, {0, 1e9}, {0, 2e9}}).empty());
  CHECK(face_chip(ImageView{}, kFace, mean_face_points(), 150).empty());
}

TEST_CASE("an operator's ONNX network embeds by the numbers of its entry") {
  const auto picture = coloured(10, 20, 30);
  const auto embedding = [&](const std::string& input) {
    Folder folder;
    write_tiny(folder, R"("dimension": 4, "input": {"size_px": 32, )" + input + "}");
    auto embedder = make_face_embedder("tiny", folder.search_path());
    INFO((embedder ? "" : embedder.error().message));
    REQUIRE(embedder);
    CHECK((*embedder)->info().name == "tiny");
    CHECK((*embedder)->info().dimension == 4);
    auto numbers = (*embedder)->embed(picture.view(), kFace);
    REQUIRE(numbers);
    CHECK(length(*numbers) == Approx(1));
    return *numbers;
  };
  const auto is = [](const std::vector<float>& numbers, std::vector<double> wanted) {
    double sum = 0;
    for (const double one : wanted) sum += one * one;
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(numbers[i] == Approx(wanted[i] / std::sqrt(sum)).margin(1e-5));
  };
  is(embedding(R"("channels": "rgb")"), {30, 20, 10, 60});
  is(embedding(R"("channels": "bgr")"), {10, 20, 30, 60});
  is(embedding(R"("channels": "rgb", "mean": [20, 20, 20])"), {10, 0, -10, 0});
  is(embedding(R"("channels": "bgr", "scale": [1, 1, 2])"), {10, 20, 60, 90});
  is(embedding(R"("alignment": "arcface")"), {30, 20, 10, 60});
}

TEST_CASE("the digest of an embedder follows its weights and the way they are used") {
  const auto digest = [](const std::string& input, const std::string& network) {
    Folder folder;
    write_tiny(folder, R"("dimension": 4, "input": {"size_px": 32)" + input + "}", network);
    const auto embedder = make_face_embedder("tiny", folder.search_path());
    REQUIRE(embedder);
    CHECK((*embedder)->info().digest.size() == 64);
    return (*embedder)->info().digest;
  };
  const auto network = test::tiny_embedder(32, kChannels);
  const auto plain = digest("", network);
  CHECK(digest("", network) == plain);
  CHECK(digest(R"(, "channels": "bgr")", network) != plain);
  CHECK(digest(R"(, "mean": [1, 0, 0])", network) != plain);
  CHECK(digest(R"(, "alignment": "arcface")", network) != plain);
  CHECK(digest("", test::tiny_embedder(32, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 0}})) != plain);
}

TEST_CASE("an embedder that cannot be had says which file, where, and why") {
  Folder folder;
  const auto message = [&](const std::string& name, ErrorKind kind) {
    const auto embedder = make_face_embedder(name, folder.search_path());
    const auto described = describe_face_embedder(name, folder.search_path());
    if (embedder) {
      REQUIRE(described);
      CHECK(described->digest == (*embedder)->info().digest);
      CHECK(described->dimension == (*embedder)->info().dimension);
    }
    REQUIRE_FALSE(embedder);
    CHECK(embedder.error().kind == kind);
    return embedder.error().message;
  };
  CHECK(message("nobody", ErrorKind::kInvalidArgument).find("dlib-resnet-29") != std::string::npos);
  CHECK(message("blazeface-back-256", ErrorKind::kInvalidArgument).find("blazeface-back-256") != std::string::npos);
  CHECK(message("dlib-resnet-29", ErrorKind::kNotFound).find("face_recognition_model.bin") != std::string::npos);
  write_tiny(folder, R"("dimension": 5, "input": {"size_px": 32})");
  CHECK(message("tiny", ErrorKind::kCorrupt).find("4 numbers, 5 expected") != std::string::npos);
  write_tiny(folder, R"("dimension": 4, "input": {"size_px": 32})", "not a network");
  message("tiny", ErrorKind::kCorrupt);
  folder.write("tiny.onnx", "other bytes!!");
  CHECK(message("tiny", ErrorKind::kNotFound).find("expected") != std::string::npos);
  for (const char* wrong : {R"("dimension": 0)", R"("dimension": "four")", R"("dimension": 4, "input": {"alignment": "by eye"})",
                            R"("dimension": 4, "input": {"channels": "yuv"})", R"("dimension": 4, "input": {"size_px": 100000})",
                            R"("dimension": 4, "input": {"mean": [1, 2]})"}) {
    INFO(wrong);
    write_tiny(folder, wrong);
    CHECK(message("tiny", ErrorKind::kCorrupt).find("embedders.json") != std::string::npos);
  }
  folder.write("embedders.json", R"({"weights": [{"name": "dlib-resnet-29", "file": "a", "bytes": 1}]})");
  CHECK(message("dlib-resnet-29", ErrorKind::kCorrupt).find("comes with Kanhu") != std::string::npos);
  folder.write("embedders.json", R"({"weights": [{"name": "x", "file": "../a", "bytes": 1}]})");
  CHECK(message("x", ErrorKind::kCorrupt).find("a name in this folder") != std::string::npos);
  folder.write("embedders.json", "{");
  CHECK(message("x", ErrorKind::kCorrupt).find("embedders.json") != std::string::npos);
}

TEST_CASE("weights that do not fit their layout are refused by the name of the tensor") {
  const auto message = [](const std::vector<unsigned char>& bytes, const std::string& layout) {
    const auto net = make_dlib_resnet(bytes, layout);
    REQUIRE_FALSE(net);
    return net.error().message;
  };
  const std::string one = R"([{"weights": [{"name": "fc", "shape": [2, 2], "dtype": "float32", "quantization": {"scale": 1, "min": 0}}]}])";
  CHECK(message({1, 2, 3}, one).find("fc") != std::string::npos);
  CHECK(message({1, 2, 3, 4, 5}, one).find("left over") != std::string::npos);
  CHECK(message({1, 2, 3, 4}, one).find("conv32_down") != std::string::npos);
  CHECK(message({1}, R"([{"weights": [{"name": "a", "shape": [-1]}]}])").find("a side of -1") != std::string::npos);
  CHECK_FALSE(message({}, "{").empty());
  CHECK_FALSE(message({}, R"([{"weights": [{}]}])").empty());
}

TEST_CASE("the default embedder: unit length, the same bits every time, and one face nearer to itself than to another") {
  const auto embedder = make_face_embedder(default_face_embedder(), test::weights_path());
  if (!embedder) {
    REQUIRE(embedder.error().kind == ErrorKind::kNotFound);
    WARN("skipped: the weights of " << default_face_embedder() << " are not on this machine (models/fetch gets them)");
    return;
  }
  const auto embedding = [&](std::uint32_t seed, double width, FaceEmbedder& by) {
    Picture picture(PixelFormat::kI420, 640, 360, 110);
    models::PaintedFace face;
    face.center_x_px = 320;
    face.center_y_px = 160;
    face.width_px = width;
    face.seed = seed;
    const models::I420Planes planes{picture.row(0, 0), picture.row(1, 0), picture.row(2, 0),
                                    picture.stride(0), picture.stride(1), picture.stride(2)};
    models::paint_face_i420(planes, 640, 360, face);
    const double x = 320. / 640, y = 160. / 360, w = width / 640, h = width / 360;
    auto numbers = by.embed(
        picture.view(), std::vector<Point>{{x - 0.2 * w, y - 0.1 * h}, {x + 0.2 * w, y - 0.1 * h}, {x, y + 0.12 * h}, {x, y + 0.35 * h}});
    REQUIRE(numbers);
    REQUIRE(numbers->size() == 128);
    CHECK(length(*numbers) == Approx(1).epsilon(1e-6));
    return *numbers;
  };
  const auto distance = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
    return std::sqrt(sum);
  };
  const auto again = make_face_embedder(default_face_embedder(), test::weights_path());
  REQUIRE(again);
  CHECK((*again)->info().digest == (*embedder)->info().digest);
  CHECK(embedding(1, 120, **embedder) == embedding(1, 120, **again));
  const auto one = embedding(1, 120, **embedder);
  CHECK(distance(one, embedding(1, 100, **embedder)) < distance(one, embedding(2, 120, **embedder)));
  CHECK((*embedder)->embed(ImageView{}, kFace).error().kind == ErrorKind::kInvalidArgument);
  CHECK((*embedder)->embed(coloured(1, 2, 3).view(), {}).error().kind == ErrorKind::kInvalidArgument);
}

TEST_CASE("drawings are the same in every process, and each of the points lies where its part was drawn") {
  const auto once = drawn_faces(), again = drawn_faces();
  REQUIRE(once.size() == 5);
  for (std::size_t manner = 0; manner < once.size(); ++manner) {
    REQUIRE(once[manner].size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const DrawnFace& face = once[manner][i];
      CHECK(face.bgr == again[manner][i].bgr);
      const auto green = [&](const Point& at) {
        const auto column = static_cast<std::size_t>(at.x * face.side_px), row = static_cast<std::size_t>(at.y * face.side_px);
        return face.bgr[3 * (row * static_cast<std::size_t>(face.side_px) + column) + 1];
      };
      const Point cheek{face.points[0].x, face.points[2].y};
      for (const std::size_t eye : {0, 1}) CHECK(green(face.points[eye]) + 20 < green(cheek));
      CHECK(green(face.points[3]) < green(cheek));  // the mouth
    }
  }
}

TEST_CASE("painted faces are taken for drawings by the default embedder, whoever is painted") {
  const auto embedder = make_face_embedder(default_face_embedder(), test::weights_path());
  if (!embedder) {
    REQUIRE(embedder.error().kind == ErrorKind::kNotFound);
    WARN("skipped: the weights of " << default_face_embedder() << " are not on this machine (models/fetch gets them)");
    return;
  }
  const auto check = DrawingCheck::make(**embedder);
  REQUIRE(check);
  CHECK(check->least_between_manners() > 0.9);
  std::vector<std::vector<float>> shots;
  for (const std::uint32_t seed : {11U, 12U, 13U}) {
    Picture picture(PixelFormat::kBgr24, 640, 360, 110);
    paint_face_bgr(picture.row(0, 0), 640, 360, picture.stride(0), {320, 160, 130, seed, true});
    const double w = 130. / 640, h = 130. / 360, x = 320. / 640, y = 160. / 360;
    const auto shot = (*embedder)->embed(
        picture.view(),
        std::vector<Point>{{x - 0.195 * w, y - 0.085 * h}, {x + 0.195 * w, y - 0.085 * h}, {x, y + 0.15 * h}, {x, y + 0.36 * h}});
    REQUIRE(shot);
    shots.push_back(*shot);
  }
  CHECK(check->likeness(shots) >= drawing_threshold(default_face_embedder()));
  CHECK(drawing_threshold("another") > 1);
}
