#include "models/blazeface_kernel.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

namespace {

// As many numbers at once as the CPU level of this build has.
#if defined(__AVX__)
constexpr int kLane = 8;
#else
constexpr int kLane = 4;
#endif
constexpr int kMultiple = 8;                 // channels are filled up to it, at either level
constexpr int kAtOnce = kLane == 8 ? 4 : 2;  // pixels whose sums fit into the registers with 24 channels each
typedef float Lane __attribute__((vector_size(kLane * sizeof(float)), aligned(4), may_alias));

Lane load(const float* from) { return *reinterpret_cast<const Lane*>(from); }
void store(float* to, Lane value) { *reinterpret_cast<Lane*>(to) = value; }
Lane larger(Lane a, Lane b) { return a > b ? a : b; }

// Rows of pixels of channels, with one pixel of zeros around, so that no convolution has to ask where the border is.
struct Map {
  int width = 0, height = 0, channels = 0;
  std::vector<float> numbers;

  void resize(int wide, int high, int deep) {
    width = wide;
    height = high;
    channels = deep;
    numbers.resize(static_cast<std::size_t>(wide + 2) * static_cast<std::size_t>(high + 2) * static_cast<std::size_t>(deep));
    const std::size_t row = static_cast<std::size_t>(wide + 2) * static_cast<std::size_t>(deep);
    std::fill_n(numbers.begin(), row, 0.F);
    std::fill_n(numbers.end() - static_cast<std::ptrdiff_t>(row), row, 0.F);
    for (int y = 0; y < high; ++y) {
      std::fill_n(at(y, -1), deep, 0.F);
      std::fill_n(at(y, wide), deep, 0.F);
    }
  }
  float* at(int y, int x) { return numbers.data() + (static_cast<std::ptrdiff_t>(y + 1) * (width + 2) + x + 1) * channels; }
  const float* at(int y, int x) const { return const_cast<Map*>(this)->at(y, x); }
};

struct Depthwise {
  int channels = 0;
  std::vector<float> weights, bias;  // [tap][channel]
};

struct Pointwise {
  int in = 0, out = 0;               // `out` is filled up with zeros to kMultiple
  std::vector<float> weights, bias;  // [in][out]
};

struct Block {
  Depthwise depthwise;
  Pointwise pointwise;
  int stride = 1;
  bool short_cut = true;
};

// One row: 3x3, SAME padding (for stride 2 and even sides all of it lies behind, as TensorFlow puts it).
void depthwise_row(const Depthwise& by, const Map& in, int row, int stride, int columns, float* out) {
  const int channels = by.channels;
  const int shift = stride == 1 ? -1 : 0;
  for (int c = 0; c < channels; c += kLane) {
    Lane weight[9];  // stay in registers along the row
    for (int tap = 0; tap < 9; ++tap) weight[tap] = load(&by.weights[static_cast<std::size_t>(tap * channels + c)]);
    const Lane bias = load(&by.bias[static_cast<std::size_t>(c)]);
    const float* above = in.at(row * stride + shift, shift) + c;
    const float* same = in.at(row * stride + shift + 1, shift) + c;
    const float* below = in.at(row * stride + shift + 2, shift) + c;
    const int step = stride * channels;
    for (int column = 0; column < columns; ++column, above += step, same += step, below += step) {
      Lane sum = bias + load(above) * weight[0];
      sum += load(above + channels) * weight[1];
      sum += load(above + 2 * channels) * weight[2];
      Lane second = load(same) * weight[3];
      second += load(same + channels) * weight[4];
      second += load(same + 2 * channels) * weight[5];
      Lane third = load(below) * weight[6];
      third += load(below + channels) * weight[7];
      third += load(below + 2 * channels) * weight[8];
      store(out + column * channels + c, sum + second + third);
    }
  }
}

// Pixels times the matrix: the sums of kPixels of them for kVectors x kLane outputs stay in registers.
template <int kPixels, int kVectors>
void multiply(const Pointwise& by, const float* in, int first, float* out, int out_step) {
  Lane sum[kPixels][kVectors];
  for (int p = 0; p < kPixels; ++p) {
    for (int v = 0; v < kVectors; ++v) sum[p][v] = load(&by.bias[static_cast<std::size_t>(first + v * kLane)]);
  }
  const float* weights = by.weights.data() + first;
  for (int i = 0; i < by.in; ++i, weights += by.out) {
    for (int v = 0; v < kVectors; ++v) {
      const Lane weight = load(weights + v * kLane);
      for (int p = 0; p < kPixels; ++p) sum[p][v] += weight * in[p * by.in + i];
    }
  }
  for (int p = 0; p < kPixels; ++p) {
    for (int v = 0; v < kVectors; ++v) store(out + p * out_step + first + v * kLane, sum[p][v]);
  }
}

template <int kPixels>
void multiply_all(const Pointwise& by, const float* in, float* out, int out_step) {
  int first = 0;
  for (; first + 24 <= by.out; first += 24) multiply<kPixels, 24 / kLane>(by, in, first, out, out_step);
  for (; first < by.out; first += kLane) multiply<kPixels, 1>(by, in, first, out, out_step);
}

void pointwise_row(const Pointwise& by, const float* in, int columns, float* out, int out_step) {
  int column = 0;
  for (; column + kAtOnce <= columns; column += kAtOnce) multiply_all<kAtOnce>(by, in + column * by.in, out + column * out_step, out_step);
  for (; column < columns; ++column) multiply_all<1>(by, in + column * by.in, out + column * out_step, out_step);
}

// The row before the block is added (for stride 2 the largest of 2x2 pixels); channels that are not there are zero. Then ReLU.
void add_short_cut(const Map& in, int row, int stride, float* out, int columns, int channels) {
  const Lane zero{};
  for (int column = 0; column < columns; ++column, out += channels) {
    const float* from = in.at(row * stride, column * stride);
    const float* below = stride == 2 ? in.at(row * stride + 1, column * stride) : from;
    for (int c = 0; c < channels; c += kLane) {
      Lane value = load(out + c);
      if (c < in.channels && stride == 1) value += load(from + c);
      if (c < in.channels && stride == 2) {
        value += larger(larger(load(from + c), load(from + in.channels + c)), larger(load(below + c), load(below + in.channels + c)));
      }
      store(out + c, larger(value, zero));
    }
  }
}

void relu(float* numbers, int count) {
  for (int i = 0; i < count; i += kLane) store(numbers + i, larger(load(numbers + i), Lane{}));
}

int filled_up(int channels) { return (channels + kMultiple - 1) / kMultiple * kMultiple; }

Pointwise pointwise_of(const blazeface_convolution& from) {
  Pointwise to{from.in, filled_up(from.out), {}, {}};
  to.weights.assign(static_cast<std::size_t>(to.in * to.out), 0.F);
  to.bias.assign(static_cast<std::size_t>(to.out), 0.F);
  for (int o = 0; o < from.out; ++o) {
    if (from.bias != nullptr) to.bias[static_cast<std::size_t>(o)] = from.bias[o];
    for (int i = 0; i < from.in; ++i) to.weights[static_cast<std::size_t>(i * to.out + o)] = from.weights[o * from.in + i];
  }
  return to;
}

Depthwise depthwise_of(const blazeface_convolution& from) {
  Depthwise to{from.out, {}, {}};
  to.weights.resize(static_cast<std::size_t>(9 * from.out));
  to.bias.assign(static_cast<std::size_t>(from.out), 0.F);
  for (int c = 0; c < from.out; ++c) {
    if (from.bias != nullptr) to.bias[static_cast<std::size_t>(c)] = from.bias[c];
    for (int tap = 0; tap < 9; ++tap) to.weights[static_cast<std::size_t>(tap * from.out + c)] = from.weights[c * 9 + tap];
  }
  return to;
}

}  // namespace

struct blazeface_net {
  Pointwise first;  // 5x5x3 numbers of the picture to 24
  std::vector<Block> blocks;
  Pointwise heads[4];  // scores and values of the fine grid, then of the coarse one
  int head_planes[4] = {2, 32, 6, 96};
  Map a, b;
  std::vector<float> row, patches, answers[4];

  void start(const float* pixels, int width, int height, Map& out);
  void run(const Block& block, const Map& in, Map& out);
  void head(int which, const Map& in);
};

// 5x5, stride 2: one pixel of the padding lies before, two behind.
void blazeface_net::start(const float* pixels, int width, int height, Map& out) {
  constexpr int kSide = 5, kTaps = kSide * kSide * 3;
  out.resize(width / 2, height / 2, first.out);
  patches.resize(static_cast<std::size_t>(out.width) * kTaps);
  for (int y = 0; y < out.height; ++y) {
    float* to = patches.data();
    for (int x = 0; x < out.width; ++x) {
      for (int row_of = 0; row_of < kSide; ++row_of, to += 3 * kSide) {
        const int from_y = 2 * y - 1 + row_of, from_x = 2 * x - 1;
        const int before = std::max(0, -from_x), count = std::min(kSide, width - from_x) - before;
        if (from_y < 0 || from_y >= height || count < kSide) std::fill_n(to, 3 * kSide, 0.F);
        if (from_y < 0 || from_y >= height) continue;
        std::memcpy(to + 3 * before, pixels + (static_cast<std::ptrdiff_t>(from_y) * width + from_x + before) * 3,
                    static_cast<std::size_t>(3 * count) * sizeof(float));
      }
    }
    pointwise_row(first, patches.data(), out.width, out.at(y, 0), out.channels);
    relu(out.at(y, 0), out.width * out.channels);
  }
}

void blazeface_net::run(const Block& block, const Map& in, Map& out) {
  out.resize(in.width / block.stride, in.height / block.stride, block.pointwise.out);
  row.resize(static_cast<std::size_t>(out.width * in.channels));
  for (int y = 0; y < out.height; ++y) {
    depthwise_row(block.depthwise, in, y, block.stride, out.width, row.data());
    pointwise_row(block.pointwise, row.data(), out.width, out.at(y, 0), out.channels);
    if (block.short_cut) {
      add_short_cut(in, y, block.stride, out.at(y, 0), out.width, out.channels);
    } else {
      relu(out.at(y, 0), out.width * out.channels);
    }
  }
}

void blazeface_net::head(int which, const Map& in) {
  const auto& by = heads[which];
  const int cells = in.width * in.height;
  row.resize(static_cast<std::size_t>(in.width * by.out));
  answers[which].resize(static_cast<std::size_t>(head_planes[which] * cells));
  for (int y = 0; y < in.height; ++y) {
    pointwise_row(by, in.at(y, 0), in.width, row.data(), by.out);
    for (int plane = 0; plane < head_planes[which]; ++plane) {
      float* to = answers[which].data() + plane * cells + y * in.width;
      for (int x = 0; x < in.width; ++x) to[x] = row[static_cast<std::size_t>(x * by.out + plane)];
    }
  }
}

namespace {

constexpr int kBlocks = 32, kConvolutions = 1 + 2 * kBlocks + 4;

bool is_blazeface(const blazeface_convolution* all, int count) {
  if (count != kConvolutions || all[0].in != 3 || all[0].side != 5 || all[0].out % kMultiple != 0) return false;
  int channels = all[0].out;
  for (int i = 0; i < kBlocks; ++i) {
    const auto& depthwise = all[1 + 2 * i];
    const auto& pointwise = all[2 + 2 * i];
    if (depthwise.out != channels || depthwise.in != 1 || depthwise.side != 3) return false;
    if (pointwise.in != channels || pointwise.side != 1 || pointwise.out % kMultiple != 0 || pointwise.out < channels) return false;
    channels = pointwise.out;
  }
  constexpr int kOut[4] = {96, 6, 32, 2};
  for (int i = 0; i < 4; ++i) {
    const auto& head = all[1 + 2 * kBlocks + i];
    if (head.side != 1 || head.out != kOut[i] || head.in != channels) return false;
  }
  return all[2 * (kBlocks - 1)].out == channels;  // what the fine grid's heads take
}

}  // namespace

#pragma GCC visibility push(default)

blazeface_net* blazeface_open(const blazeface_convolution* all, int count) {
  try {
    if (!is_blazeface(all, count)) return nullptr;
    auto* net = new blazeface_net;
    // The picture's channels lie beside each other, so that its rows can be copied: [row][column][channel].
    std::vector<float> turned(static_cast<std::size_t>(all[0].out) * 75);
    for (int o = 0; o < all[0].out; ++o) {
      for (int c = 0; c < 3; ++c) {
        for (int tap = 0; tap < 25; ++tap) turned[static_cast<std::size_t>(o * 75 + tap * 3 + c)] = all[0].weights[(o * 3 + c) * 25 + tap];
      }
    }
    net->first = pointwise_of({turned.data(), all[0].bias, all[0].out, 75, 1});
    for (int i = 0; i < kBlocks; ++i) {
      // Seven blocks, then one that halves the sides, four times; the last one has no short cut.
      const bool halves = i % 8 == 7;
      net->blocks.push_back({depthwise_of(all[1 + 2 * i]), pointwise_of(all[2 + 2 * i]), halves ? 2 : 1, i != kBlocks - 1});
    }
    const auto* heads = all + 1 + 2 * kBlocks;
    for (int i = 0; i < 4; ++i) net->heads[i] = pointwise_of(heads[3 - i]);
    return net;
  } catch (...) {
    return nullptr;
  }
}

void blazeface_close(blazeface_net* net) { delete net; }

int blazeface_run(blazeface_net* net, const float* pixels, int width, int height, const float* outputs[4]) {
  try {
    Map* now = &net->a;
    Map* next = &net->b;
    net->start(pixels, width, height, *now);
    for (int i = 0; i < kBlocks; ++i) {
      if (i == kBlocks - 1) {
        net->head(0, *now);
        net->head(1, *now);
      }
      net->run(net->blocks[static_cast<std::size_t>(i)], *now, *next);
      std::swap(now, next);
    }
    net->head(2, *now);
    net->head(3, *now);
    for (int i = 0; i < 4; ++i) outputs[i] = net->answers[i].data();
    return 0;
  } catch (...) {
    return -1;
  }
}

#pragma GCC visibility pop
