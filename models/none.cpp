#include "models/none.hpp"

#include "base/digest.hpp"

namespace kanhu::models {
namespace {

class None final : public Detector {
 public:
  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<DetectorState>(); }
  DetectionResult detect(const ImageView&, MediaTime, DetectorState&) override { return {{}, "not_analysed"}; }

 private:
  DetectorInfo info_{"none", "", to_hex(sha256("none/1"))};
};

}  // namespace

std::unique_ptr<Detector> make_none() { return std::make_unique<None>(); }

}  // namespace kanhu::models
