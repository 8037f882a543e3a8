#pragma once

#include <memory>
#include <vector>

#include "base/result.hpp"
#include "models/detector.hpp"

namespace kanhu::models {

struct BlazeFaceOptions {
  double score_min = 0.6;
  double smallest_px = 20;  // decides about tiles; boxes narrower than 0.8 of it do not count
  int most_passes = 3;      // network runs a picture, the whole picture included
};

// BlazeFace "back" 256 (MediaPipe) through cv::dnn on the CPU: label "face", score = the network's sigmoid, landmarks
// in this order: the person's right eye, left eye, nose tip, mouth centre, right ear, left ear.
// `weights` are the ONNX file's bytes, already checked against the manifest; `digest` is their SHA-256.
// kCorrupt when cv::dnn does not take them or the outputs have not the expected shapes.
Result<std::unique_ptr<Detector>> make_blazeface(const std::vector<unsigned char>& weights, std::string digest,
                                                 const BlazeFaceOptions& options);

}  // namespace kanhu::models
