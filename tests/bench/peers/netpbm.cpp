// SPDX-License-Identifier: MIT
#include "tests/bench/peers/netpbm.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

namespace peers {

std::optional<cv::Mat> read_netpbm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int width = 0, height = 0, most = 0;
  file >> kind >> width >> height >> most;
  if (!file || (kind != "P5" && kind != "P6") || width < 1 || height < 1 || most != 255) return {};
  file.get();
  cv::Mat picture(height, width, kind == "P6" ? CV_8UC3 : CV_8UC1);
  file.read(reinterpret_cast<char*>(picture.data), static_cast<std::streamsize>(picture.total() * picture.elemSize()));
  if (!file) return {};
  if (picture.channels() == 3) cv::cvtColor(picture, picture, cv::COLOR_RGB2BGR);
  return picture;
}

int answer_all(const std::function<Answer(const cv::Mat&)>& find) {
  cv::setNumThreads(1);
  std::string path;
  while (std::getline(std::cin, path)) {
    const auto picture = read_netpbm(path);
    if (!picture) {
      std::fprintf(stderr, "%s: no PGM or PPM of 8 bits\n", path.c_str());
      return 1;
    }
    const Answer answer = find(*picture);
    nlohmann::json line{{"file", path}, {"ms", answer.milliseconds}, {"boxes", nlohmann::json::array()}};
    for (const auto& box : answer.boxes) line["boxes"].push_back(box);
    std::cout << line.dump() << std::endl;
  }
  return 0;
}

}  // namespace peers
