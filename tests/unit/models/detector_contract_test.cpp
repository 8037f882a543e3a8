// SPDX-License-Identifier: MIT
// What every row of the registry keeps, whatever it finds.
#include <bit>
#include <thread>

#include <catch2/catch.hpp>

#include "config/detectors.hpp"
#include "models/faces/painted.hpp"
#include "models/process.hpp"
#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using test::Picture;

namespace {

bool same_bits(const models::DetectionResult& a, const models::DetectionResult& b) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  if (a.blind != b.blind || a.detections.size() != b.detections.size()) return false;
  for (std::size_t i = 0; i < a.detections.size(); ++i) {
    const auto& x = a.detections[i];
    const auto& y = b.detections[i];
    if (x.label != y.label || bits(x.score) != bits(y.score) || bits(x.box.x) != bits(y.box.x) || bits(x.box.y) != bits(y.box.y) ||
        bits(x.box.width) != bits(y.box.width) || bits(x.box.height) != bits(y.box.height) || x.landmarks != y.landmarks) {
      return false;
    }
  }
  return true;
}

// Two faces walking (which also are two warm blobs on a darker ground), with noise.
Picture scene(PixelFormat format, int width, int height, std::uint32_t number) {
  Picture picture(format, width, height, 60);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < plane_row_bytes(format, 0, width); ++x) {
      picture.row(0, y)[x] =
          static_cast<std::uint8_t>(60 + test::scrambled(number * 7919U + static_cast<std::uint32_t>(y * width + x)) % 5);
    }
  }
  if (number < 3) return picture;
  for (const double place : {0.3, 0.7}) {
    models::PaintedFace face;
    face.width_px = width / 7.0;
    face.center_x_px = width * place + 3.0 * number;
    face.center_y_px = height * 0.4;
    face.seed = place < 0.5 ? 1 : 2;
    if (format == PixelFormat::kBgr24) models::paint_face_bgr(picture.row(0, 0), width, height, picture.stride(0), face);
    if (format == PixelFormat::kGray8 || format == PixelFormat::kNv12) {
      models::paint_face_gray(picture.row(0, 0), width, height, picture.stride(0), face);
    }
    if (format == PixelFormat::kI420 && width % 2 == 0 && height % 2 == 0) {
      const models::I420Planes planes{picture.row(0, 0), picture.row(1, 0), picture.row(2, 0),
                                      picture.stride(0), picture.stride(1), picture.stride(2)};
      models::paint_face_i420(planes, width, height, face);
    }
  }
  return picture;
}

std::vector<models::DetectionResult> play(models::Detector& detector, PixelFormat format, int width, int height, int pictures,
                                          int first = 0) {
  std::vector<models::DetectionResult> results;
  const auto state = detector.make_state();
  for (int i = first; i < first + pictures; ++i) {
    const auto picture = scene(format, width, height, static_cast<std::uint32_t>(i));
    results.push_back(detector.detect(picture.view(), MediaTime(std::chrono::milliseconds(200 * i)), *state));
  }
  return results;
}

void check_bounds(const models::DetectionResult& result, const std::string& label) {
  for (std::size_t i = 0; i < result.detections.size(); ++i) {
    const auto& one = result.detections[i];
    CHECK(one.label == label);
    CHECK(one.score >= 0.6);
    CHECK(one.score <= 1);
    CHECK(one.box.x >= 0);
    CHECK(one.box.y >= 0);
    CHECK(one.box.width > 0);
    CHECK(one.box.height > 0);
    CHECK(one.box.x + one.box.width <= 1 + 1e-12);
    CHECK(one.box.y + one.box.height <= 1 + 1e-12);
    for (const auto& point : one.landmarks) CHECK((point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1));
    if (i > 0) CHECK(result.detections[i - 1].score >= one.score);
  }
}

template <typename Body>
void for_each_row(Body body) {
  models::prepare_process();
  for (const auto& row : kDetectorTraits) {
    const std::string name(row.name);
    if (!test::detector_or_null(name)) {
      WARN("skipped: the weights of " << name << " are not on this machine (models/fetch gets them)");
      continue;
    }
    INFO("detector " << name);
    body(name);
  }
}

}  // namespace

TEST_CASE("the digest that provenance names is the detector's own") {
  for_each_row([](const std::string& name) {
    DetectorConfig config;
    config.name = name;
    const auto choice = models::choose_detector(config, test::weights_path());
    REQUIRE(choice);
    CHECK(models::digest_of(*choice) == test::detector_or_null(name)->info().digest);
  });
}

TEST_CASE("every detector gives the same bits for the same pictures, by another instance and on another thread") {
  for_each_row([](const std::string& name) {
    const auto first = play(*test::detector_or_null(name), PixelFormat::kI420, 640, 360, 4, 2);
    std::vector<models::DetectionResult> second;
    std::thread([&] { second = play(*test::detector_or_null(name), PixelFormat::kI420, 640, 360, 4, 2); }).join();
    REQUIRE(first.size() == second.size());
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(same_bits(first[i], second[i]));
  });
}

TEST_CASE("every detector gives a source the same answers whether or not it serves others in between, on whatever instance") {
  for_each_row([](const std::string& name) {
    const auto a = test::detector_or_null(name);
    const auto b = test::detector_or_null(name);
    const auto alone = play(*a, PixelFormat::kGray8, 320, 240, 6);
    const auto state = a->make_state();
    const auto other = a->make_state();
    for (int i = 0; i < 6; ++i) {
      const auto picture = scene(PixelFormat::kGray8, 320, 240, static_cast<std::uint32_t>(i));
      const auto elsewhere = scene(PixelFormat::kGray8, 200, 300, static_cast<std::uint32_t>(9 - i));
      const MediaTime time(std::chrono::milliseconds(200 * i));
      a->detect(elsewhere.view(), time, *other);
      CHECK(same_bits(alone[static_cast<std::size_t>(i)], (i % 2 == 0 ? a : b)->detect(picture.view(), time, *state)));
    }
  });
}

TEST_CASE("every detector keeps order and bounds in every format and size, down to one pixel") {
  for_each_row([](const std::string& name) {
    const auto detector = test::detector_or_null(name);
    for (const auto format : {PixelFormat::kI420, PixelFormat::kNv12, PixelFormat::kGray8, PixelFormat::kBgr24}) {
      for (const auto& [width, height] : {std::pair{354, 288}, {90, 400}, {16, 16}, {3, 5}, {1, 1}, {2000, 2}}) {
        INFO(width << "x" << height << " format " << static_cast<int>(format));
        for (const auto& result : play(*detector, format, width, height, 2, 2)) {
          CHECK(result.blind != "detector_failed");
          check_bounds(result, detector->info().label);
        }
      }
    }
  });
}

TEST_CASE("every detector answers blind, and does not throw, for a view it cannot read") {
  for_each_row([](const std::string& name) {
    const auto detector = test::detector_or_null(name);
    const auto state = detector->make_state();
    Picture picture(PixelFormat::kI420, 64, 64);
    auto view = picture.view();
    view.planes[1].data = nullptr;
    CHECK_FALSE(detector->detect(view, MediaTime{}, *state).blind.empty());
    CHECK_FALSE(detector->detect(ImageView{}, MediaTime{}, *state).blind.empty());
  });
}

TEST_CASE("no detector keeps the view: what a decoder writes into its buffer afterwards changes nothing") {
  for_each_row([](const std::string& name) {
    const auto detector = test::detector_or_null(name);
    const auto kept = play(*detector, PixelFormat::kGray8, 320, 240, 6);
    const auto state = detector->make_state();
    for (int i = 0; i < 6; ++i) {
      auto picture = scene(PixelFormat::kGray8, 320, 240, static_cast<std::uint32_t>(i));
      CHECK(same_bits(kept[static_cast<std::size_t>(i)],
                      detector->detect(picture.view(), MediaTime(std::chrono::milliseconds(200 * i)), *state)));
      picture.scribble(255);
    }
  });
}
