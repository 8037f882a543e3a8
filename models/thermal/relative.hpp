// SPDX-License-Identifier: MIT
// 8-bit pictures of thermal cameras -> ThermalFrame.
#pragma once

#include <memory>

#include "base/time.hpp"
#include "media/frame.hpp"
#include "media/thermal_frame.hpp"

namespace kanhu::models {

enum class ThermalPalette { kAuto, kWhiteHot, kBlackHot, kIronbow, kRainbow, kRain, kFusion, kLava, kRedHot, kGreenHot, kSepia, kIcefire };

struct RelativeThermalOptions {
  ThermalPalette palette = ThermalPalette::kAuto;  // what the camera is set to, if that is known
};

// What a thermal camera shows (white hot, black hot, colours; after gain control; with text in it), brought to one scale on which
// warm is more and the empty room always says the same. At most 80 columns, each the mean of its pixels; hundredths of a nominal
// degree, which is ten grey levels at the gain of the picture it began with.
//
// - Palette: thermal_palette.hpp. Text: thermal_overlay.hpp.
// - Gain control: each picture is an affine function of a reference of the room, found by a robust fit (thermal_gain.hpp), and is
//   taken back through it. A gain below zero is a picture turned into its negative.
// - White or black hot: a compact place that was not in the reference, or was and has gone, is warm (somebody, a kettle); its sign
//   in the picture is the polarity. Before the first of them nothing that stands out is told apart, see `blind`.
// - `calibrating`: the shutter is closed, that is, a picture that always had noise stands quite still; or the picture is in change.
// - `blind`: palette_unknown, polarity_unknown (something stands out, and it cannot be told whether it is warm), scene_changed
//   (most of the picture fits no gain; a new reference is begun), low_contrast (something hot has taken nearly all levels),
//   no_contrast (one grey everywhere), unreadable.
// Known limits: gain control that is not affine (histogram equalisation) is followed as far as its middle part is; a gain that
// changes over a room without any contrast is not seen. Thread: confined.
class RelativeThermal {
 public:
  explicit RelativeThermal(const RelativeThermalOptions& options = {});
  ~RelativeThermal();
  RelativeThermal(RelativeThermal&&) noexcept;
  RelativeThermal& operator=(RelativeThermal&&) noexcept;

  // kGray8, kI420, kNv12, kBgr24. `time` rises from picture to picture. A picture of another size starts anew.
  ThermalFrame convert(const ImageView& image, MediaTime time);

 private:
  class Source;
  std::unique_ptr<Source> source_;
};

}  // namespace kanhu::models
