// SPDX-License-Identifier: MIT
// An ONNX file made of a handful of bytes, so that tests of what loads networks need none from elsewhere.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kanhu::test {

// Protocol Buffers' wire format, as far as onnx.proto3 needs it.
class Protobuf {
 public:
  Protobuf& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(value);
    return *this;
  }
  Protobuf& bytes(int field, std::string_view value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Protobuf& message(int field, const Protobuf& value) { return bytes(field, value.bytes_); }
  const std::string& text() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>((value & 127) | 128);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// 1x3xSxS -> a 1x1 convolution by `rows` (one output channel each: weights of the three inputs) -> mean over the picture -> 1xN.
inline std::string tiny_embedder(int size_px, const std::vector<std::array<float, 3>>& rows) {
  const auto shape = [](std::initializer_list<std::uint64_t> sides) {
    Protobuf dims;
    for (const auto side : sides) dims.message(1, Protobuf().number(1, side));
    return dims;
  };
  const auto value = [](std::string_view name, const Protobuf& dims) {
    return Protobuf().bytes(1, name).message(2, Protobuf().message(1, Protobuf().number(1, 1).message(2, dims)));
  };
  const auto node = [](std::initializer_list<std::string_view> inputs, std::string_view output, std::string_view type) {
    Protobuf made;
    for (const auto input : inputs) made.bytes(1, input);
    return made.bytes(2, output).bytes(3, output).bytes(4, type);
  };
  std::string weights(rows.size() * sizeof(rows[0]), '\0');
  std::memcpy(weights.data(), rows.data(), weights.size());
  const auto count = static_cast<std::uint64_t>(rows.size());
  const auto side = static_cast<std::uint64_t>(size_px);
  const auto kernel = Protobuf().bytes(1, "kernel_shape").number(20, 7).number(8, 1).number(8, 1);
  const auto axis = Protobuf().bytes(1, "axis").number(20, 2).number(3, 1);
  const auto tensor = Protobuf().number(1, count).number(1, 3).number(1, 1).number(1, 1).number(2, 1).bytes(8, "w").bytes(9, weights);
  const auto graph = Protobuf()
                         .message(1, node({"x", "w"}, "c", "Conv").message(5, kernel))
                         .message(1, node({"c"}, "p", "GlobalAveragePool"))
                         .message(1, node({"p"}, "y", "Flatten").message(5, axis))
                         .bytes(2, "tiny")
                         .message(5, tensor)
                         .message(11, value("x", shape({1, 3, side, side})))
                         .message(12, value("y", shape({1, count})));
  return Protobuf().number(1, 7).message(7, graph).message(8, Protobuf().number(2, 11)).text();
}

}  // namespace kanhu::test
