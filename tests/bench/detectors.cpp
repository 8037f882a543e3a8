// SPDX-License-Identifier: MIT
// bench_detectors DIR: recall, false positives and time of the detectors on a labelled set (imglab XML beside its
// pictures), the figures of docs/design/0003-detectors.md. Weights come from the usual search path ($KANHU_MODELS).
#include "config/detectors.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <dlib/data_io/image_dataset_metadata.h>
#include <dlib/image_io.h>
#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "models/faces/blazeface.hpp"
#include "models/process.hpp"
#include "models/registry.hpp"
#include "models/weights.hpp"

namespace {

using namespace kanhu;
using models::Detector;

// Labels and detectors draw a face differently (dlib's square from brow to chin, BlazeFace's a little larger), so the
// usual 0.5 would count drawing style; 0.3 still means the same face.
constexpr double kMatch = 0.3;

struct Labelled {
  std::string name;
  cv::Mat bgr;
  std::vector<cv::Rect> faces;
};

cv::Mat load(const std::string& path) {
  dlib::array2d<dlib::bgr_pixel> picture;
  dlib::load_image(picture, path);
  cv::Mat view(static_cast<int>(picture.nr()), static_cast<int>(picture.nc()), CV_8UC3, &picture[0][0],
               static_cast<std::size_t>(picture.width_step()));
  return view.clone();
}

std::vector<Labelled> load_set(const std::filesystem::path& folder) {
  std::map<std::string, Labelled> by_file;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".xml" || entry.path().stem().string().ends_with("_landmarks")) continue;
    dlib::image_dataset_metadata::dataset set;
    dlib::image_dataset_metadata::load_image_dataset_metadata(set, entry.path().string());
    for (const auto& image : set.images) {
      auto& one = by_file[image.filename];
      if (!one.name.empty()) continue;
      one = {image.filename, load((folder / image.filename).string()), {}};
      for (const auto& box : image.boxes) {
        if (box.ignore) continue;
        one.faces.emplace_back(static_cast<int>(box.rect.left()), static_cast<int>(box.rect.top()), static_cast<int>(box.rect.width()),
                               static_cast<int>(box.rect.height()));
      }
    }
  }
  std::vector<Labelled> all;
  for (auto& [file, one] : by_file) all.push_back(std::move(one));
  return all;
}

ImageView view_of(const cv::Mat& bgr) {
  ImageView view;
  view.format = PixelFormat::kBgr24;
  view.width = bgr.cols;
  view.height = bgr.rows;
  view.planes[0] = {bgr.data, static_cast<int>(bgr.step)};
  return view;
}

struct Tally {
  int labels = 0, found = 0, extra = 0;
};

void count(const Labelled& picture, Detector& detector, Tally& tally) {
  const auto state = detector.make_state();
  const auto result = detector.detect(view_of(picture.bgr), MediaTime{}, *state);
  std::set<std::size_t> used;
  for (const auto& face : picture.faces) {
    const Box label{face.x / static_cast<double>(picture.bgr.cols), face.y / static_cast<double>(picture.bgr.rows),
                    face.width / static_cast<double>(picture.bgr.cols), face.height / static_cast<double>(picture.bgr.rows)};
    double best = kMatch;
    std::size_t which = result.detections.size();
    for (std::size_t i = 0; i < result.detections.size(); ++i) {
      const double overlap = intersection_over_union(label, result.detections[i].box);
      if (!used.contains(i) && overlap >= best) {
        best = overlap;
        which = i;
      }
    }
    ++tally.labels;
    if (which < result.detections.size()) {
      ++tally.found;
      used.insert(which);
    }
  }
  tally.extra += static_cast<int>(result.detections.size() - used.size());
}

double milliseconds(const cv::Mat& picture, Detector& detector) {
  double best = 1e9;
  for (int run = 0; run < 12; ++run) {
    const auto state = detector.make_state();  // a picture that did not change would cost next to nothing
    const auto start = std::chrono::steady_clock::now();
    const auto result = detector.detect(view_of(picture), MediaTime(std::chrono::milliseconds(200 * run)), *state);
    const std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
    best = std::min(best, passed.count());
  }
  return best;
}

// Every labelled face, with a margin of its own picture around, drawn `px` wide at nine places of a grey 640x360
// picture: what a camera across a room sees.
std::vector<Labelled> small_faces(const std::vector<Labelled>& set, double px) {
  std::vector<Labelled> scenes;
  int place = 0;
  for (const auto& picture : set) {
    for (const auto& face : picture.faces) {
      const cv::Rect wide = cv::Rect(face.x - face.width, face.y - face.height, 3 * face.width, 3 * face.height) &
                            cv::Rect(0, 0, picture.bgr.cols, picture.bgr.rows);
      const double scale = px / face.width;
      if (scale > 1) continue;
      cv::Mat part;
      cv::resize(picture.bgr(wide), part, {}, scale, scale, cv::INTER_AREA);
      Labelled scene{picture.name, cv::Mat(360, 640, CV_8UC3, cv::Scalar(96, 104, 110)), {}};
      const int x = (place % 3) * (640 - part.cols) / 2;
      const int y = (place / 3 % 3) * (360 - part.rows) / 2;
      ++place;
      part.copyTo(scene.bgr(cv::Rect(x, y, part.cols, part.rows)));
      scene.faces.emplace_back(x + static_cast<int>((face.x - wide.x) * scale), y + static_cast<int>((face.y - wide.y) * scale),
                               static_cast<int>(face.width * scale), static_cast<int>(face.height * scale));
      scenes.push_back(std::move(scene));
    }
  }
  return scenes;
}

void report(const std::string& name, Detector& detector, const cv::Mat& timing, const std::vector<Labelled>& set) {
  Tally whole;
  for (const auto& picture : set) count(picture, detector, whole);
  std::string small;
  for (const double px : {16., 20., 24., 28., 32., 40.}) {
    Tally tally;
    for (const auto& scene : small_faces(set, px)) count(scene, detector, tally);
    small += fmt::format(" {:5.2f}", tally.labels == 0 ? 0. : static_cast<double>(tally.found) / tally.labels);
  }
  cv::Mat sd;
  cv::Mat hd;
  cv::resize(timing, sd, {640, 360});
  cv::resize(timing, hd, {1280, 720});
  fmt::print("{:<26} {:7.1f} {:8.1f} {:7.2f} {:4} {}\n", name, milliseconds(sd, detector), milliseconds(hd, detector),
             whole.labels == 0 ? 0. : static_cast<double>(whole.found) / whole.labels, whole.extra, small);
  std::fflush(stdout);
}

int run(const std::filesystem::path& folder) {
  const auto set = load_set(folder);
  if (set.empty()) {
    fmt::print(stderr, "{}: no imglab XML with pictures\n", folder.string());
    return 1;
  }
  std::size_t faces = 0;
  for (const auto& picture : set) faces += picture.faces.size();
  fmt::print("{} pictures, {} labelled faces; {}\n", set.size(), faces, models::cpu_feature_level());
  fmt::print("{:<26} {:>7} {:>8} {:>7} {:>4}  recall at 640x360 by face width\n", "", "640x360", "1280x720", "", "");
  fmt::print("{:<26} {:>7} {:>8} {:>7} {:>4}  {:>4} {:>5} {:>5} {:>5} {:>5} {:>5}\n", "detector", "ms", "ms", "recall", "fp", 16, 20, 24,
             28, 32, 40);
  const auto path = models::model_search_path("");
  for (const double smallest : {20., 40.}) {
    for (const auto& row : kDetectorTraits) {
      DetectorConfig config;
      config.name = row.name;
      config.smallest_px = smallest;
      const auto choice = models::choose_detector(config, path);
      if (!choice || !choice->notice.empty()) {
        fmt::print("{}: left out, its weights are not there\n", row.name);
        continue;
      }
      auto detector = models::make_detector(*choice, config);
      if (!detector) {
        fmt::print("{}: {}\n", row.name, detector.error().message);
        continue;
      }
      if ((*detector)->info().label != "face") {
        if (smallest == 20) report(std::string(row.name), **detector, set.front().bgr, {});
        continue;
      }
      report(fmt::format("{}, {:.0f} px", row.name, smallest), **detector, set.front().bgr, set);
    }
  }
  // What the parts of the search cost and bring.
  const auto* entry = models::find_weights("blazeface-back-256");
  const auto weights = entry == nullptr ? std::string() : models::locate_weights(*entry, path).value_or("");
  if (weights.empty()) return 0;
  const auto bytes = models::read_weights(weights, *entry);
  const auto variant = [&](const std::string& name, models::FaceSearchOptions options) {
    options.smallest_px = 12;
    auto detector = models::make_blazeface(*bytes, entry->sha256, options);
    if (detector) report(name, **detector, set.front().bgr, set);
  };
  models::FaceSearchOptions options;
  options.second_px = 0;
  variant("blazeface, no second look", options);
  options.coarse_px = 0;
  variant("blazeface, fine look only", options);
  options = {};
  options.most_pixels = 65536;
  variant("blazeface, a third", options);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: bench_detectors DIR\n");
    return 64;
  }
  models::prepare_process();
  try {
    return run(arguments[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_detectors: {}\n", error.what());
    return 1;
  }
}
