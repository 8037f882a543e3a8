// SPDX-License-Identifier: MIT
// The same rooms as 8-bit thermal cameras show them: gain control, palettes, text in the picture, coding.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "media/frame.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::thermal_scene {

enum class Palette { kWhiteHot, kBlackHot, kIronbow, kRainbow, kRedHot };

// How a camera makes its picture from what its sensor says.
struct GreyLook {
  int width = 320, height = 240;  // of the picture; the sensor's is scaled up to it
  PixelFormat format = PixelFormat::kI420;
  Palette palette = Palette::kWhiteHot;
  double levels_per_k = 30;   // gain at most: cameras do not fill the picture with noise
  double gain_follows_s = 1;  // time constant of the gain control
  double step_at_s = -1;      // the gain halves and the level rises by 30, at once
  double palette_change_at_s = -1;
  Palette then = Palette::kIronbow;
  double inversion_at_s = -1;  // the negative from then on
  bool text = false;           // a clock that ticks, a name, a crosshair
  int coding_step = 0;         // levels; 0: not coded
};

struct GreyPicture {
  double seconds = 0;
  PixelFormat format = PixelFormat::kGray8;
  int width = 0, height = 0;
  std::vector<std::uint8_t> bytes;
  Moment truth;
  ImageView view() const;
};

class GreyCamera {
 public:
  // `scene` must outlive it.
  GreyCamera(const Scene& scene, const GreyLook& look, std::uint64_t seed);
  // The next picture; nothing at the end of the scene.
  std::optional<GreyPicture> next();

 private:
  void follow_gain(const std::vector<float>& kelvin, double seconds);
  std::vector<std::uint8_t> levels(const std::vector<std::int16_t>& centi_c, double seconds);
  void code(std::vector<std::uint8_t>& picture);

  const Scene* scene_;
  GreyLook look_;
  Camera camera_;
  std::uint64_t state_;
  std::optional<double> last_;
  double low_ = 0, high_ = 0;
  std::vector<std::uint8_t> coded_;
};

struct GreyScene {
  std::string name, about;
  Scene scene;
  GreyLook look;
};

// 80x60, as many cameras with 8-bit pictures have at most in effect.
Sensor grey_sensor();
// Scenes of gain, palette and text, and the radiometric suite (those of at most `longest_s`, the others cut) seen by an 8-bit camera.
std::vector<GreyScene> grey_scenes(double longest_s = 900);

}  // namespace kanhu::thermal_scene
