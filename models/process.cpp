// SPDX-License-Identifier: MIT
#include "models/process.hpp"

#include <string>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "models/faces/hog_library.hpp"
#include "models/registry.hpp"

namespace kanhu::models {
namespace {

// What cv::dnn's run-time dispatch takes, which OPENCV_CPU_DISABLE can lower.
std::string opencv_level() {
#if defined(__x86_64__)
  if (cv::checkHardwareSupport(CV_CPU_AVX512_SKX)) return "x86-64-v4";
  if (cv::checkHardwareSupport(CV_CPU_AVX2) && cv::checkHardwareSupport(CV_CPU_FMA3)) return "x86-64-v3";
  if (cv::checkHardwareSupport(CV_CPU_SSE4_2)) return "x86-64-v2";
  return "x86-64";
#else
  return hog_build_level();
#endif
}

int quiet(int, const char*, const char*, const char*, int, void*) { return 0; }

}  // namespace

void prepare_process() {
  static const bool once = [] {
    cv::setNumThreads(1);
    cv::ocl::setUseOpenCL(false);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::redirectError(quiet);  // errors still arrive as exceptions
    return true;
  }();
  static_cast<void>(once);
}

std::string cpu_feature_level() {
  const std::string network = opencv_level();
  const std::string hog = hog_build_level();
  return network == hog ? network : fmt::format("{} (hog {})", network, hog);
}

}  // namespace kanhu::models
