// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <dlib/data_io/image_dataset_metadata.h>
#include <dlib/image_io.h>
#include <opencv2/imgproc.hpp>

#include "models/faces/hog.hpp"
#include "models/faces/painted.hpp"
#include "models/process.hpp"
#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using test::Picture;

namespace {

Picture painted(double width_px, std::uint32_t seed) {
  Picture picture(PixelFormat::kI420, 640, 360, 110);
  models::PaintedFace face;
  face.center_x_px = 320;
  face.center_y_px = 160;
  face.width_px = width_px;
  face.seed = seed;
  const models::I420Planes planes{picture.row(0, 0), picture.row(1, 0), picture.row(2, 0),
                                  picture.stride(0), picture.stride(1), picture.stride(2)};
  models::paint_face_i420(planes, 640, 360, face);
  return picture;
}

models::DetectionResult look(models::Detector& detector, const ImageView& view) {
  const auto state = detector.make_state();
  return detector.detect(view, MediaTime{}, *state);
}

Picture loaded(const std::filesystem::path& path) {
  dlib::array2d<dlib::bgr_pixel> pixels;
  dlib::load_image(pixels, path.string());
  Picture picture(PixelFormat::kBgr24, static_cast<int>(pixels.nc()), static_cast<int>(pixels.nr()));
  for (int y = 0; y < picture.height(); ++y) std::memcpy(picture.row(0, y), &pixels[y][0], static_cast<std::size_t>(3 * picture.width()));
  return picture;
}

struct Tally {
  int labels = 0, found = 0, extra = 0;
};

Tally tally_of(models::Detector& detector, const std::filesystem::path& xml) {
  dlib::image_dataset_metadata::dataset set;
  dlib::image_dataset_metadata::load_image_dataset_metadata(set, xml.string());
  Tally tally;
  for (const auto& image : set.images) {
    const auto picture = loaded(xml.parent_path() / image.filename);
    const auto result = look(detector, picture.view());
    int matched = 0;
    for (const auto& box : image.boxes) {
      const double width = picture.width();
      const double height = picture.height();
      const Box label{static_cast<double>(box.rect.left()) / width, static_cast<double>(box.rect.top()) / height,
                      static_cast<double>(box.rect.width()) / width, static_cast<double>(box.rect.height()) / height};
      matched += std::any_of(result.detections.begin(), result.detections.end(),
                             [&](const Detection& one) { return intersection_over_union(one.box, label) >= 0.3; });
    }
    tally.labels += static_cast<int>(image.boxes.size());
    tally.found += matched;
    tally.extra += static_cast<int>(result.detections.size()) - matched;
  }
  return tally;
}

}  // namespace

TEST_CASE("the face detectors find a painted face once, where it is") {
  for (const char* name : {"hog", "blazeface", "yunet"}) {
    const auto detector = test::detector_or_null(name);
    if (!detector) {
      WARN("skipped: the weights of " << name << " are not on this machine (models/fetch gets them)");
      continue;
    }
    for (const double width : {60., 90., 130.}) {
      for (const std::uint32_t seed : {1U, 2U, 3U}) {
        INFO(name << ", " << width << " px, seed " << seed);
        const auto result = look(*detector, painted(width, seed).view());
        REQUIRE(result.detections.size() == 1);
        const auto& box = result.detections[0].box;
        CHECK(std::abs((box.x + box.width / 2) * 640 - 320) < width / 4);
        CHECK(std::abs((box.y + box.height / 2) * 360 - 160) < width / 3);
        CHECK(box.width * 640 > 0.6 * width);
        CHECK(box.width * 640 < 1.6 * width);
      }
    }
  }
}

TEST_CASE("BlazeFace's points are in the order it states: right eye left of the left eye, nose below, mouth below the nose") {
  const auto detector = test::detector_or_null("blazeface");
  if (!detector) {
    WARN("skipped: the weights of blazeface are not on this machine (models/fetch gets them)");
    return;
  }
  const auto result = look(*detector, painted(100, 1).view());
  REQUIRE(result.detections.size() == 1);
  const auto& points = result.detections[0].landmarks;
  REQUIRE(points.size() == 6);
  CHECK(points[0].x < points[1].x);
  CHECK(points[2].y > points[0].y);
  CHECK(points[3].y > points[2].y);
  CHECK(points[4].x < points[0].x);
  CHECK(points[5].x > points[1].x);
}

TEST_CASE("an empty grey picture has no face") {
  for (const char* name : {"hog", "blazeface"}) {
    const auto detector = test::detector_or_null(name);
    if (detector) CHECK(look(*detector, Picture(PixelFormat::kI420, 640, 360, 110).view()).detections.empty());
  }
}

TEST_CASE("recall on the labelled photographs stays where it was measured") {
  const auto folder = test::shared_data() / "faces/dlib_faces";
  if (!std::filesystem::exists(folder / "testing.xml")) {
    WARN("skipped: no labelled photographs (KANHU_TEST_DATA)");
    return;
  }
  for (const char* name : {"hog", "blazeface"}) {
    const auto detector = test::detector_or_null(name);
    if (!detector) continue;
    INFO(name);
    const auto tally = tally_of(*detector, folder / "testing.xml");
    CHECK(tally.labels == 25);
    CHECK(tally.found >= 24);
    CHECK(tally.extra == 0);
  }
}

TEST_CASE("faces turned by 30 degrees, and close-ups that fill the picture, are found too") {
  const auto folder = test::shared_data() / "faces/faceapijs_bbt/amy";
  const auto detector = test::detector_or_null("blazeface");
  if (!std::filesystem::exists(folder) || !detector) {
    WARN("skipped: no portraits (KANHU_TEST_DATA), or no weights of blazeface");
    return;
  }
  for (int i = 1; i <= 5; ++i) {
    const auto picture = loaded(folder / ("amy" + std::to_string(i) + ".png"));
    CHECK(look(*detector, picture.view()).detections.size() == 1);
    cv::Mat wide, turned;
    const cv::Mat close(picture.height(), picture.width(), CV_8UC3, const_cast<std::uint8_t*>(picture.view().planes[0].data),
                        static_cast<std::size_t>(picture.stride(0)));
    cv::copyMakeBorder(close, wide, 150, 150, 150, 150, cv::BORDER_REPLICATE);
    for (const double degrees : {-30., 30.}) {
      cv::warpAffine(wide, turned, cv::getRotationMatrix2D({225, 225}, degrees, 1), wide.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
      ImageView view;
      view.format = PixelFormat::kBgr24;
      view.width = turned.cols;
      view.height = turned.rows;
      view.planes[0] = {turned.data, static_cast<int>(turned.step)};
      INFO(i << ", " << degrees);
      CHECK(look(*detector, view).detections.size() == 1);
    }
  }
}

TEST_CASE("HOG enlarges the picture for small faces as far as 1280x720 pixels go, and shrinks it when small ones do not count") {
  CHECK(models::hog_scale(640, 360, 20) == Approx(2));
  CHECK(models::hog_scale(640, 360, 80) == Approx(1));
  CHECK(models::hog_scale(1280, 720, 20) == Approx(1));
  CHECK(models::hog_scale(1920, 1080, 20) == Approx(1280. / 1920));
  CHECK(models::hog_scale(320, 240, 160) == Approx(0.5));
  CHECK(models::hog_scale(1, 1, 20) == Approx(4));
}
