// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "models/faces/blazeface_net.hpp"
#include "models/faces/search.hpp"

namespace kanhu::models {

// BlazeFace "back" (MediaPipe) through cv::dnn on the CPU, at whatever size the picture needs: label "face", score = the network's
// sigmoid, landmarks in this order: the person's right eye, left eye, nose tip, mouth centre, right ear, left ear.
// `weights` are the ONNX file's bytes, already checked against the manifest; `digest` is their SHA-256.
// kCorrupt when cv::dnn does not take them or they are not BlazeFace's.
Result<std::unique_ptr<Detector>> make_blazeface(const std::vector<unsigned char>& weights, std::string digest,
                                                 const FaceSearchOptions& options);

// One grid of the network's answer -> candidates with score >= score_min. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural
// Face Detection on Mobile GPUs", 2019: every anchor has size 1 and lies in the middle of its cell.
void decode_blazeface(const BlazeFaceGrid& grid, const Look& look, int width, int height, double score_min,
                      std::vector<FaceCandidate>& into);

}  // namespace kanhu::models
