// SPDX-License-Identifier: MIT
// The pictures that the benchmark hands to a peer, and the answers it gets.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace peers {

// CV_8UC1 for PGM (P5), CV_8UC3 in the order blue, green, red for PPM (P6); nothing for anything else.
std::optional<cv::Mat> read_netpbm(const std::string& path);

struct Answer {
  double milliseconds = 0;                   // for finding alone: not for reading the file
  std::vector<std::array<double, 5>> boxes;  // x, y, width, height in px, score
};

// One path a line in, one line of JSON out, until the input ends. Stops with 1 at a picture that cannot be read.
int answer_all(const std::function<Answer(const cv::Mat&)>& find);

}  // namespace peers
