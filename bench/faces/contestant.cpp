// SPDX-License-Identifier: MIT
#include "bench/faces/contestant.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

#include "bench/effort.hpp"
#include "config/detectors.hpp"
#include "models/faces/hog_library.hpp"
#include "models/process.hpp"
#include "models/registry.hpp"

namespace kanhu::bench {
namespace {

constexpr std::string_view kDefault = "blazeface";  // what a camera has whose configuration names no detector
constexpr int kMostFaces = 1024;

using Counter = std::shared_ptr<InstructionCounter>;

// Runs `work` and says what it cost.
template <typename Work>
void weigh(const InstructionCounter& counter, Look& look, Work work) {
  const auto before = counter.now();
  const Stopwatch watch;
  work();
  look.milliseconds = watch.milliseconds();
  const auto after = counter.now();
  if (before && after) look.instructions = static_cast<double>(*after - *before);
}

Contestant of_registry(std::shared_ptr<models::Detector> detector, const Counter& counter) {
  Contestant one;
  one.name = detector->info().name;
  one.asked_threshold = kLowScore;
  one.look = [detector, counter](const Picture& picture, const std::string&) -> Result<Look> {
    const auto state = detector->make_state();
    Look look;
    models::DetectionResult result;
    weigh(*counter, look, [&] { result = detector->detect(picture.view(), MediaTime{}, *state); });
    if (!result.blind.empty()) return fail(ErrorKind::kInternal, fmt::format("{}: {}", detector->info().name, result.blind));
    for (const auto& found : result.detections) {
      look.found.push_back({found.box.x * picture.width(), found.box.y * picture.height(), found.box.width * picture.width(),
                            found.box.height * picture.height(), found.score});
    }
    return look;
  };
  return one;
}

// dlib's detector as its examples use it: the grey picture as it is, or first made twice as large. No smallest size, no
// calibrated score: its margin.
Contestant of_dlib(const std::shared_ptr<hog_detector>& detector, bool upsampled_once, const Counter& counter) {
  Contestant one;
  one.name = upsampled_once ? "dlib HOG x2" : "dlib HOG";
  one.is_peer = true;
  one.asked_threshold = kLowMargin;
  one.look = [detector, upsampled_once, counter](const Picture& picture, const std::string&) -> Result<Look> {
    Look look;
    std::vector<hog_face> faces(kMostFaces);
    int count = -1;
    weigh(*counter, look, [&] {
      const Picture gray = upsampled_once ? upsampled(luma_of(picture)) : luma_of(picture);
      count = hog_detect(detector.get(), gray.row(0), gray.width(), gray.height(), static_cast<long>(gray.stride()), kLowMargin,
                         faces.data(), kMostFaces);
    });
    if (count < 0) return fail(ErrorKind::kInternal, "dlib's detector failed");
    const double scale = upsampled_once ? 0.5 : 1;
    for (int i = 0; i < count; ++i) {
      const auto& face = faces[static_cast<std::size_t>(i)];
      look.found.push_back({scale * static_cast<double>(face.left), scale * static_cast<double>(face.top),
                            scale * static_cast<double>(face.right - face.left), scale * static_cast<double>(face.bottom - face.top),
                            face.margin});
    }
    return look;
  };
  return one;
}

Contestant of_process(const std::shared_ptr<Peer>& peer) {
  Contestant one;
  one.name = peer->name();
  one.is_peer = true;
  one.is_process = true;
  one.look = [peer](const Picture&, const std::string& path) { return peer->look(path); };
  return one;
}

Result<void> add_registry(const ContestantOptions& options, const Counter& counter, Field& field) {
  const auto path = models::model_search_path(options.models_dir);
  std::vector<std::string> names = options.detectors;
  if (names.empty()) {
    for (const auto& row : kDetectorTraits) names.emplace_back(row.name);
  }
  for (const std::string& name : names) {
    DetectorConfig config;
    config.name = name;
    config.score_min = kLowScore;
    config.smallest_px = options.smallest_px;
    const auto choice = models::choose_detector(config, path);
    const bool named = !options.detectors.empty();
    if (!choice && (named || choice.error().kind != ErrorKind::kNotFound)) return tl::unexpected(choice.error());
    if (!choice || !choice->notice.empty()) {
      const std::string why = choice ? choice->notice : choice.error().message;
      if (named) return fail(ErrorKind::kNotFound, why);
      field.left_out.push_back(fmt::format("detector {}: {}", name, choice ? why.substr(0, why.rfind("; using ")) : why));
      continue;
    }
    auto detector = models::make_detector(*choice, config);
    if (!detector) return tl::unexpected(detector.error());
    if ((*detector)->info().label != "face") {
      if (named) return fail(ErrorKind::kInvalidArgument, fmt::format("detector {} does not find faces", name));
      continue;
    }
    field.contestants.push_back(of_registry(std::move(*detector), counter));
  }
  if (field.contestants.empty()) return fail(ErrorKind::kNotFound, "no detector's weights are there");
  const auto has_default =
      std::any_of(field.contestants.begin(), field.contestants.end(), [](const Contestant& one) { return one.name == kDefault; });
  field.default_detector = has_default && options.detectors.empty() ? std::string(kDefault) : field.contestants.front().name;
  return {};
}

}  // namespace

Result<Field> make_field(const ContestantOptions& options) {
  models::prepare_process();
  const auto counter = std::make_shared<InstructionCounter>();
  Field field;
  if (auto added = add_registry(options, counter, field); !added) return tl::unexpected(added.error());
  const std::shared_ptr<hog_detector> dlib(hog_open(), hog_close);
  if (!dlib) return fail(ErrorKind::kInternal, "dlib's face detector cannot be made");
  field.contestants.push_back(of_dlib(dlib, false, counter));
  field.contestants.push_back(of_dlib(dlib, true, counter));
  if (options.peers.empty()) {
    field.left_out.emplace_back("OpenCV Haar and GStreamer facedetect: no --peers FOLDER (tests/bench/faces builds one)");
    return field;
  }
  const auto executables = executables_in(options.peers);
  if (!executables) return tl::unexpected(executables.error());
  if (executables->empty()) field.left_out.push_back(fmt::format("peers: no executable in {}", options.peers));
  for (const std::string& executable : *executables) {
    auto peer = Peer::start(executable);
    if (!peer) return tl::unexpected(peer.error());
    field.contestants.push_back(of_process(std::move(*peer)));
  }
  return field;
}

}  // namespace kanhu::bench
