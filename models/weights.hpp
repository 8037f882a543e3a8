// SPDX-License-Identifier: MIT
// The weights manifest (models/manifest.json, compiled in) and the files it allows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace kanhu::models {

// How a face is shown to an embedding network of architecture "onnx".
struct EmbedderInput {
  int size_px = 112;                     // of the square chip
  std::string alignment = "mean-face";   // or "arcface": where eyes, nose and mouth come to lie (models/faces/chip.hpp)
  std::string channels = "rgb";          // or "bgr"
  std::array<double, 3> mean{0, 0, 0};   // taken off each channel, in that order, 0..255
  std::array<double, 3> scale{1, 1, 1};  // then multiplied
};

struct WeightsEntry {
  std::string name;    // what DetectorTraits::weights says
  std::string file;    // file name in a models folder
  std::string sha256;  // lower-case hex; the only thing a file is accepted by
  std::uint64_t bytes = 0;
  std::string licence;
  std::string training;  // what it was trained on, as far as known: an operator decides
  std::string official;  // project or repository it comes from

  std::string kind;          // "face-embedder", or empty
  std::string architecture;  // of an embedder: "dlib-resnet-29", "onnx"
  std::string companion;     // name of a second entry whose file belongs to this one (the layout of the weights), or empty
  int dimension = 0;         // of an embedder's output
  EmbedderInput input;       // of an "onnx" embedder
};

// Every entry, in the manifest's order.
const std::vector<WeightsEntry>& weights_manifest();
const WeightsEntry* find_weights(std::string_view name);  // nullptr when there is no such entry

// Entries in the manifest's form that an operator put into `embedders.json` beside the weights (docs/design/0003-detectors.md).
// A file that is not there has none. kCorrupt names the file and what is wrong in it; kIo.
Result<std::vector<WeightsEntry>> operator_weights(const std::string& folder);

// The file's bytes. kNotFound: no such file; kCorrupt: another size or digest (both digests are named); kIo.
Result<std::vector<unsigned char>> read_weights(const std::string& path, const WeightsEntry& entry);

// Path of the first file that is accepted. The error says what was looked for, where, and what was wrong with it.
Result<std::string> locate_weights(const WeightsEntry& entry, const std::vector<std::string>& search_path);

}  // namespace kanhu::models
