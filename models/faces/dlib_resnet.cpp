// SPDX-License-Identifier: MIT
#include "models/faces/dlib_resnet.hpp"

#include <array>
#include <cstring>
#include <map>
#include <string>

#include <fmt/format.h>

#include "base/json.hpp"

namespace kanhu::models {
namespace {

struct Tensor {
  std::vector<int> shape;
  std::vector<float> values;
};
using Tensors = std::map<std::string, Tensor>;

// value = scale * byte + min where the layout says so, otherwise a little-endian float32.
Result<Tensors> read_tensors(const std::vector<unsigned char>& bytes, std::string_view layout) {
  const auto groups = parse_json(layout);
  if (!groups) return tl::unexpected(groups.error());
  Tensors tensors;
  std::size_t at = 0;
  try {
    for (const auto& group : *groups) {
      for (const auto& one : group.at("weights")) {
        Tensor tensor{one.at("shape").get<std::vector<int>>(), {}};
        const auto name = one.at("name").get<std::string>();
        std::size_t count = 1;
        for (const int side : tensor.shape) {
          if (side < 1 || side > 4096) return fail(ErrorKind::kCorrupt, fmt::format("{}: a side of {}", name, side));
          count *= static_cast<std::size_t>(side);
        }
        const bool quantised = one.contains("quantization");
        const std::size_t size = count * (quantised ? 1 : sizeof(float));
        if (size > bytes.size() - at) return fail(ErrorKind::kCorrupt, fmt::format("{}: the weights end before it does", name));
        tensor.values.resize(count);
        if (quantised) {
          const double scale = one["quantization"].at("scale").get<double>();
          const double least = one["quantization"].at("min").get<double>();
          for (std::size_t i = 0; i < count; ++i) tensor.values[i] = static_cast<float>(scale * bytes[at + i] + least);
        } else {
          std::memcpy(tensor.values.data(), bytes.data() + at, size);
        }
        at += size;
        tensors.emplace(name, std::move(tensor));
      }
    }
  } catch (const Json::exception& error) {
    return fail(ErrorKind::kCorrupt, error.what());
  }
  if (at != bytes.size()) return fail(ErrorKind::kCorrupt, fmt::format("{} bytes of weights are left over", bytes.size() - at));
  return tensors;
}

// Puts one layer behind another. Throws cv::Exception, or std::runtime_error for a tensor that is not as it must be.
class ResnetGraph {
 public:
  explicit ResnetGraph(const Tensors& tensors) : tensors_(tensors) {}
  cv::dnn::Net& net() { return net_; }

  // A convolution, its bias and the per-channel factor and offset behind it are one convolution: (wx + b)s + o.
  int convolution(const std::string& name, int input, int channels_in, int channels_out, int kernel, int stride, int pad) {
    const auto& filters = tensor(name + "/conv/filters", {kernel, kernel, channels_in, channels_out});
    const auto& bias = tensor(name + "/conv/bias", {channels_out});
    const auto& factor = tensor(name + "/scale/weights", {channels_out});
    const auto& offset = tensor(name + "/scale/biases", {channels_out});
    const std::array<int, 4> shape{channels_out, channels_in, kernel, kernel};
    cv::Mat weights(4, shape.data(), CV_32F);
    cv::Mat shift(1, channels_out, CV_32F);
    for (int out = 0; out < channels_out; ++out) {
      const auto channel = static_cast<std::size_t>(out);
      float* to = weights.ptr<float>(out);
      for (int in = 0; in < channels_in; ++in) {
        for (int tap = 0; tap < kernel * kernel; ++tap) {
          *to++ = filters.values[(static_cast<std::size_t>(tap) * static_cast<std::size_t>(channels_in) + static_cast<std::size_t>(in)) *
                                     static_cast<std::size_t>(channels_out) +
                                 channel] *
                  factor.values[channel];
        }
      }
      shift.at<float>(0, out) = bias.values[channel] * factor.values[channel] + offset.values[channel];
    }
    cv::dnn::LayerParams params;
    params.set("kernel_size", kernel);
    params.set("stride", stride);
    params.set("pad", pad);
    params.set("num_output", channels_out);
    params.set("bias_term", true);
    params.blobs = {weights, shift};
    return add(name, "Convolution", params, {input});
  }

  int relu(const std::string& name, int input) {
    cv::dnn::LayerParams params;
    return add(name + "/relu", "ReLU", params, {input});
  }

  int pooling(const std::string& name, int input, const char* how, int kernel, int stride) {
    cv::dnn::LayerParams params;
    params.set("pool", cv::String(how));
    params.set("kernel_size", kernel);
    params.set("stride", stride);
    params.set("ceil_mode", false);
    return add(name, "Pooling", params, {input});
  }

  int global_average(int input) {
    cv::dnn::LayerParams params;
    params.set("pool", cv::String("ave"));
    params.set("global_pooling", true);
    return add("average", "Pooling", params, {input});
  }

  // Zeros behind the channels, below the rows and right of the columns.
  int padding(const std::string& name, int input, int channels, int rows, int columns) {
    std::array<int, 8> around{0, 0, 0, channels, 0, rows, 0, columns};
    cv::dnn::LayerParams params;
    params.set("paddings", cv::dnn::DictValue::arrayInt(around.data(), static_cast<int>(around.size())));
    params.set("value", 0.0);
    return add(name, "Padding", params, {input});
  }

  int sum(const std::string& name, int a, int b) {
    cv::dnn::LayerParams params;
    params.set("operation", cv::String("sum"));
    return add(name + "/sum", "Eltwise", params, {a, b});
  }

  int fully_connected(int input, int numbers_in, int numbers_out) {
    const auto& weights = tensor("fc", {numbers_in, numbers_out});
    cv::Mat transposed(numbers_out, numbers_in, CV_32F);
    for (int out = 0; out < numbers_out; ++out) {
      for (int in = 0; in < numbers_in; ++in) {
        transposed.at<float>(out, in) =
            weights.values[static_cast<std::size_t>(in) * static_cast<std::size_t>(numbers_out) + static_cast<std::size_t>(out)];
      }
    }
    cv::dnn::LayerParams params;
    params.set("num_output", numbers_out);
    params.set("bias_term", false);
    params.blobs = {transposed};
    return add("fc", "InnerProduct", params, {input});
  }

 private:
  const Tensor& tensor(const std::string& name, const std::vector<int>& shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw std::runtime_error(fmt::format("{} is missing", name));
    if (found->second.shape != shape) throw std::runtime_error(fmt::format("{} has another shape", name));
    return found->second;
  }

  int add(const std::string& name, const char* type, cv::dnn::LayerParams& params, std::initializer_list<int> inputs) {
    params.name = name;
    params.type = type;
    const int id = net_.addLayer(name, type, params);
    int port = 0;
    for (const int input : inputs) net_.connect(input, 0, id, port++);
    return id;
  }

  const Tensors& tensors_;
  cv::dnn::Net net_;
};

int residual(ResnetGraph& graph, const std::string& name, int input, int channels) {
  const int first = graph.convolution(name + "/conv1", input, channels, channels, 3, 1, 1);
  const int second = graph.convolution(name + "/conv2", graph.relu(name + "/conv1", first), channels, channels, 3, 1, 1);
  return graph.relu(name, graph.sum(name, second, input));
}

// Halves the sides: the first convolution steps by two without a margin, the short cut averages 2x2. Where the two ways do not end in the
// same shape, zeros fill what one lacks (dlib's add_prev).
int residual_down(ResnetGraph& graph, const std::string& name, int input, int channels_in, int channels, int lacking) {
  const int first = graph.convolution(name + "/conv1", input, channels_in, channels, 3, 2, 0);
  int second = graph.convolution(name + "/conv2", graph.relu(name + "/conv1", first), channels, channels, 3, 1, 1);
  int around = graph.pooling(name + "/pool", input, "ave", 2, 2);
  if (channels > channels_in) around = graph.padding(name + "/channels", around, channels - channels_in, 0, 0);
  if (lacking > 0) second = graph.padding(name + "/sides", second, 0, lacking, lacking);
  return graph.relu(name, graph.sum(name, second, around));
}

}  // namespace

Result<cv::dnn::Net> make_dlib_resnet(const std::vector<unsigned char>& weights, std::string_view layout) {
  const auto tensors = read_tensors(weights, layout);
  if (!tensors) return tl::unexpected(tensors.error());
  try {
    ResnetGraph graph(*tensors);
    int at = graph.relu("conv32_down", graph.convolution("conv32_down", 0, 3, 32, 7, 2, 0));  // 150 -> 72
    at = graph.pooling("pool", at, "max", 3, 2);                                              // -> 35
    for (const char* name : {"conv32_1", "conv32_2", "conv32_3"}) at = residual(graph, name, at, 32);
    at = residual_down(graph, "conv64_down", at, 32, 64, 0);  // -> 17
    for (const char* name : {"conv64_1", "conv64_2", "conv64_3"}) at = residual(graph, name, at, 64);
    at = residual_down(graph, "conv128_down", at, 64, 128, 0);  // -> 8
    for (const char* name : {"conv128_1", "conv128_2"}) at = residual(graph, name, at, 128);
    at = residual_down(graph, "conv256_down", at, 128, 256, 1);  // -> 3, with zeros 4
    for (const char* name : {"conv256_1", "conv256_2"}) at = residual(graph, name, at, 256);
    at = residual_down(graph, "conv256_down_out", at, 256, 256, 1);  // -> 1, with zeros 2
    graph.fully_connected(graph.global_average(at), 256, kDlibResnetDimension);
    return graph.net();
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, error.what());
  }
}

}  // namespace kanhu::models
