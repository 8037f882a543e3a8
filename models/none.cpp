// SPDX-License-Identifier: MIT
#include "models/none.hpp"

#include "base/digest.hpp"
#include "models/registry.hpp"

namespace kanhu::models {
namespace {

class None final : public Detector {
 public:
  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<DetectorState>(); }
  DetectionResult detect(const ImageView&, MediaTime, DetectorState&) override { return {{}, "not_analysed"}; }

 private:
  DetectorInfo info_{"none", "", digest_without_weights("none", 1)};
};

}  // namespace

std::unique_ptr<Detector> make_none() { return std::make_unique<None>(); }

Result<std::unique_ptr<Detector>> make_none_detector(const DetectorChoice&, const DetectorConfig&) { return make_none(); }

}  // namespace kanhu::models
