// SPDX-License-Identifier: MIT
#include "models/faces/embedder.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <opencv2/dnn.hpp>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "models/faces/chip.hpp"
#include "models/faces/dlib_resnet.hpp"
#include "models/process.hpp"
#include "models/weights.hpp"

namespace kanhu::models {
namespace {

// How a chip becomes numbers. Any change here that changes embeddings counts the version in its text up: templates made the
// old way are then refused, never compared (EmbedderInfo::digest).
struct Use {
  int size_px;
  ChipPoints targets;
  std::array<double, 3> mean;   // of red, green, blue
  std::array<double, 3> scale;  // then
  bool bgr = false;
  std::string text;
};

Use dlib_resnet_use() {
  constexpr double kScale = 1.0 / 256;
  return {kDlibResnetInput, mean_face_points(), {122.782, 117.001, 104.298}, {kScale, kScale, kScale}, false, "dlib-resnet-29/1"};
}

Use onnx_use(const EmbedderInput& input) {
  const bool bgr = input.channels == "bgr";
  const auto by_rgb = [bgr](const std::array<double, 3>& given) {
    return bgr ? std::array<double, 3>{given[2], given[1], given[0]} : given;
  };
  const bool arcface = input.alignment == "arcface";
  return {input.size_px,
          arcface ? arcface_points() : mean_face_points(),
          by_rgb(input.mean),
          by_rgb(input.scale),
          bgr,
          fmt::format("onnx/1 {} {} {} {} {}", input.size_px, input.alignment, input.channels, fmt::join(input.mean, ","),
                      fmt::join(input.scale, ","))};
}

class NetworkEmbedder final : public FaceEmbedder {
 public:
  NetworkEmbedder(const cv::dnn::Net& net, EmbedderInfo info, Use use) : net_(net), info_(std::move(info)), use_(std::move(use)) {
    net_.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net_.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    const std::array<int, 4> shape{1, 3, use_.size_px, use_.size_px};
    input_.create(4, shape.data(), CV_32F);
  }

  const EmbedderInfo& info() const override { return info_; }

  Result<std::vector<float>> embed(const ImageView& image, std::span<const Point> landmarks) override {
    try {
      const cv::Mat chip = face_chip(image, landmarks, use_.targets, use_.size_px);
      if (chip.empty()) return fail(ErrorKind::kInvalidArgument, "the points are no face in a picture that can be read");
      return unit_length(run(chip));
    } catch (const std::exception& error) {
      return fail(ErrorKind::kInternal, fmt::format("{}: {}", info_.name, error.what()));
    }
  }

  // Runs the network once on black; throws when the output is not `dimension` numbers.
  void prove() { run(cv::Mat(use_.size_px, use_.size_px, CV_8UC3, cv::Scalar())); }

 private:
  std::vector<float> run(const cv::Mat& chip) {
    const int size = use_.size_px;
    for (int channel = 0; channel < 3; ++channel) {
      const auto which = static_cast<std::size_t>(use_.bgr ? 2 - channel : channel);
      const auto mean = static_cast<float>(use_.mean[which]);
      const auto scale = static_cast<float>(use_.scale[which]);
      float* to = input_.ptr<float>(0, channel);
      for (int y = 0; y < size; ++y) {
        const auto* from = chip.ptr<std::uint8_t>(y);
        for (int x = 0; x < size; ++x) *to++ = (static_cast<float>(from[3 * static_cast<std::size_t>(x) + which]) - mean) * scale;
      }
    }
    net_.setInput(input_);
    const cv::Mat output = net_.forward();
    if (output.total() != static_cast<std::size_t>(info_.dimension) || output.type() != CV_32F || !output.isContinuous()) {
      throw std::runtime_error(fmt::format("the network gives {} numbers, {} expected", output.total(), info_.dimension));
    }
    return {output.ptr<float>(), output.ptr<float>() + output.total()};
  }

  Result<std::vector<float>> unit_length(std::vector<float> numbers) const {
    double sum = 0;
    for (const float number : numbers) sum += static_cast<double>(number) * number;
    if (!(sum > 0) || !std::isfinite(sum)) return fail(ErrorKind::kInvalidArgument, "the picture gives no embedding");
    const double length = std::sqrt(sum);
    for (float& number : numbers) number = static_cast<float>(number / length);
    return numbers;
  }

  cv::dnn::Net net_;
  EmbedderInfo info_;
  Use use_;
  cv::Mat input_;
};

// The manifest's entries, then those an operator added; the first of a name counts.
Result<std::vector<WeightsEntry>> entries(const std::vector<std::string>& search_path) {
  std::vector<WeightsEntry> all = weights_manifest();
  for (const auto& folder : search_path) {
    auto more = operator_weights(folder);
    if (!more) return tl::unexpected(more.error());
    all.insert(all.end(), more->begin(), more->end());
  }
  return all;
}

const WeightsEntry* find(const std::vector<WeightsEntry>& all, std::string_view name) {
  for (const auto& entry : all) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

Result<std::vector<unsigned char>> bytes_of(const WeightsEntry& entry, const std::vector<std::string>& search_path) {
  const auto path = locate_weights(entry, search_path);
  if (!path) return tl::unexpected(path.error());
  return read_weights(*path, entry);
}

// An embedder's files, found and not yet read.
struct Chosen {
  WeightsEntry entry;
  std::optional<WeightsEntry> companion;
};

Result<Chosen> choose(std::string_view name, const std::vector<std::string>& search_path) {
  const auto all = entries(search_path);
  if (!all) return tl::unexpected(all.error());
  const auto* entry = find(*all, name);
  if (entry == nullptr || entry->kind != "face-embedder") {
    std::vector<std::string_view> names;
    for (const auto& one : *all) {
      if (one.kind == "face-embedder") names.push_back(one.name);
    }
    return fail(ErrorKind::kInvalidArgument, fmt::format("no face embedder is called {}; there are: {}", name, fmt::join(names, ", ")));
  }
  Chosen chosen{*entry, std::nullopt};
  if (!entry->companion.empty()) {
    const auto* second = find(*all, entry->companion);
    if (second == nullptr)
      return fail(ErrorKind::kInvalidArgument, fmt::format("{}: its companion {} is in no manifest", name, entry->companion));
    chosen.companion = *second;
  }
  return chosen;
}

Result<Use> use_of(const WeightsEntry& entry) {
  if (entry.architecture == "dlib-resnet-29") return dlib_resnet_use();
  if (entry.architecture == "onnx") return onnx_use(entry.input);
  return fail(ErrorKind::kInvalidArgument, fmt::format("{}: no embedder has the architecture {}", entry.name, entry.architecture));
}

EmbedderInfo info_of(const Chosen& chosen, const Use& use) {
  const std::string companion = chosen.companion ? chosen.companion->sha256 : "";
  return {chosen.entry.name, to_hex(sha256(fmt::format("{}\n{}\n{}\n", chosen.entry.sha256, companion, use.text))), chosen.entry.dimension};
}

Result<std::unique_ptr<FaceEmbedder>> make(const Chosen& chosen, const std::vector<unsigned char>& weights,
                                           const std::vector<unsigned char>& companion) {
  auto use = use_of(chosen.entry);
  if (!use) return tl::unexpected(use.error());
  cv::dnn::Net net;
  if (chosen.entry.architecture == "dlib-resnet-29") {
    auto made = make_dlib_resnet(weights, {reinterpret_cast<const char*>(companion.data()), companion.size()});
    if (!made) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", chosen.entry.name, made.error().message));
    net = *made;
  } else {
    net = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(weights.data()), weights.size());
  }
  EmbedderInfo info = info_of(chosen, *use);
  auto embedder = std::make_unique<NetworkEmbedder>(net, std::move(info), std::move(*use));
  embedder->prove();
  return embedder;
}

}  // namespace

std::string_view default_face_embedder() { return "dlib-resnet-29"; }

Result<EmbedderInfo> describe_face_embedder(std::string_view name, const std::vector<std::string>& search_path) {
  const auto chosen = choose(name, search_path);
  if (!chosen) return tl::unexpected(chosen.error());
  for (const WeightsEntry* entry : {&chosen->entry, chosen->companion ? &*chosen->companion : nullptr}) {
    if (entry == nullptr) continue;
    if (const auto found = locate_weights(*entry, search_path); !found) return tl::unexpected(found.error());
  }
  return use_of(chosen->entry).map([&](const Use& use) { return info_of(*chosen, use); });
}

Result<std::unique_ptr<FaceEmbedder>> make_face_embedder(std::string_view name, const std::vector<std::string>& search_path) {
  prepare_process();
  const auto chosen = choose(name, search_path);
  if (!chosen) return tl::unexpected(chosen.error());
  auto weights = bytes_of(chosen->entry, search_path);
  if (!weights) return tl::unexpected(weights.error());
  std::vector<unsigned char> companion;
  if (chosen->companion) {
    auto bytes = bytes_of(*chosen->companion, search_path);
    if (!bytes) return tl::unexpected(bytes.error());
    companion = std::move(*bytes);
  }
  try {
    return make(*chosen, *weights, companion);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("{}: the network cannot be used: {}", name, error.what()));
  }
}

}  // namespace kanhu::models
