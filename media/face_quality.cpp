// SPDX-License-Identifier: MIT
#include "media/face_quality.hpp"

namespace kanhu {

Json shown_figures(const FaceQuality& quality) {
  Json json = Json::object();
  for (const FaceFigure& figure : kFaceFigures) json[figure.shown] = round4(quality.*figure.value);
  return json;
}

Json exact_figures(const FaceQuality& quality) {
  Json json = Json::array();
  for (const FaceFigure& figure : kFaceFigures) json.push_back(quality.*figure.value);
  return json;
}

FaceQuality figures_from(const Json& array) {
  FaceQuality quality;
  std::size_t at = 0;
  for (const FaceFigure& figure : kFaceFigures) quality.*figure.value = array.at(at++).get<double>();
  return quality;
}

}  // namespace kanhu
