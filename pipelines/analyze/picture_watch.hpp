// SPDX-License-Identifier: MIT
#pragma once

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
// A living picture never comes back to where it was: at the latest with the next key frame its noise is another. A frozen
// one that is encoded for ever does, however much the encoder makes it pulse between. Two pictures are unlike when 10 % of
// the samples differ, the same when less than 4 % do. This one is compared with those of the last 32 s, newest first:
//  - all of them up to some time ago were like it, then came one unlike it: there the picture changed last;
//  - before that change there is one it is the same as: it has come back.
// Alive is a change of that kind while nothing has come back for 20 s, or movement: since the last sign of life at least 5
// samples changed by 12 levels, or the mean by more than 2. Frozen is what showed no life for `freeze_after`, and for 12 s
// at least: a living room of which the encoder sends nothing between key frames stands quite still, up to 10 s with usual
// cameras. Figures: docs/design/0004-freeze-detection.md.
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
  void remember(MediaTime pts);
  // When the picture changed last, unless it has come back since or never changed in what is remembered.
  std::optional<MediaTime> renewed(MediaTime pts);

  struct Place {
    int x, y;
  };
  HealthConfig health_;
  PixelFormat format_ = PixelFormat::kGray8;
  int width_ = 0;
  int height_ = 0;
  std::vector<Place> places_;
  std::vector<std::uint8_t> samples_;    // of this picture
  std::vector<std::uint8_t> reference_;  // at the last sign of life
  double mean_ = 0;
  double reference_mean_ = 0;
  std::vector<std::uint8_t> past_;  // ring of pictures, places_.size() samples each
  std::vector<MediaTime> past_pts_;
  std::size_t newest_ = 0;
  std::optional<MediaTime> returned_at_;
  std::optional<MediaTime> alive_at_;
  std::optional<MediaTime> dim_since_;
  Truth changing_ = Truth::kUnknown;
};

}  // namespace kanhu::analyze
