// SPDX-License-Identifier: MIT
// OpenCV's frontal face cascade (alt2) with detectMultiScale's usual figures. The score is the weight of the last stage, so that
// a threshold can be tried; groups of two rectangles are asked for instead of three, for the same reason.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "tests/bench/peers/netpbm.hpp"

namespace {

constexpr const char* kCascade = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml";
constexpr double kScaleStep = 1.1;
constexpr int kNeighbours = 2;
constexpr int kSmallest = 20;  // px, the cascade's window

}  // namespace

int main() {
  cv::CascadeClassifier cascade;
  if (!cascade.load(kCascade)) {
    std::fprintf(stderr, "%s: cannot be loaded; install opencv-data\n", kCascade);
    return 1;
  }
  return peers::answer_all([&](const cv::Mat& picture) {
    const auto start = std::chrono::steady_clock::now();
    cv::Mat gray = picture;
    if (picture.channels() == 3) cv::cvtColor(picture, gray, cv::COLOR_BGR2GRAY);
    cv::Mat even;
    cv::equalizeHist(gray, even);
    std::vector<cv::Rect> found;
    std::vector<int> levels;
    std::vector<double> weights;
    cascade.detectMultiScale(even, found, levels, weights, kScaleStep, kNeighbours, 0, cv::Size(kSmallest, kSmallest), cv::Size(), true);
    peers::Answer answer;
    answer.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    for (std::size_t i = 0; i < found.size(); ++i) {
      const cv::Rect& box = found[i];
      answer.boxes.push_back({1. * box.x, 1. * box.y, 1. * box.width, 1. * box.height, weights[i]});
    }
    return answer;
  });
}
