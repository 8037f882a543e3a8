#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/config.hpp"
#include "pipelines/analyze/ignore_mask.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

// Is the picture alive, is it dark? Looks at 64 x 36 single pixels (a mean over a block would lose sensor noise, which
// is what tells an empty room from a frozen picture). Pixels under the ignore mask are left out, so a clock burnt into
// the picture can be masked away; unmasked, a running clock counts as a changing picture.
//
// Alive is, since the last sign of life:
//  - a change: at least 5 samples differ by 12 or more from the picture at that sign, or the mean by more than 2;
//  - noise: in more than half of the last 16 pairs of frames at least 5 % of the samples differ by 2 or more. A frozen picture is
//    encoded again and again: the encoder refines it after each key frame and then repeats it, so most pairs are equal.
// Measured shares beside `kNoisyShare` in the .cpp.
// Thread: confined to the source's claim.
class PictureWatch {
 public:
  struct Verdict {
    Truth changing = Truth::kUnknown;
    bool dark = false;
    bool dim = false;  // this one picture is below the limit; dark follows if it stays so
    bool frozen() const { return changing == Truth::kFalse; }
  };

  explicit PictureWatch(const HealthConfig& health) : health_(health) {}
  void reset();
  // `pts` rises from call to call. `mask` has seen a picture of this size.
  Verdict look(const ImageView& image, const IgnoreMask& mask, MediaTime pts);

 private:
  void choose_samples(const ImageView& image, const IgnoreMask& mask);
  void read_samples(const ImageView& image);
  bool moved() const;
  bool noisy();

  struct Place {
    int x, y;
  };
  HealthConfig health_;
  PixelFormat format_ = PixelFormat::kGray8;
  int width_ = 0;
  int height_ = 0;
  std::vector<Place> places_;
  std::vector<std::uint8_t> samples_;    // of this picture
  std::vector<std::uint8_t> previous_;   // of the one before
  std::vector<std::uint8_t> reference_;  // at the last sign of life
  double mean_ = 0;
  double reference_mean_ = 0;
  std::array<bool, 16> differed_{};
  std::size_t pairs_ = 0;
  std::optional<MediaTime> alive_at_;
  std::optional<MediaTime> dim_since_;
  Truth changing_ = Truth::kUnknown;
};

}  // namespace kanhu::analyze
