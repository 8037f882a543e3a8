// SPDX-License-Identifier: MIT
// Rooms as infrared sensors see them, drawn from heat: what is there is known for every frame, so that a detector can be measured
// in cases nobody can record on demand.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kanhu::thermal_scene {

// A sensor and how it is wrong. The view is a plane at the height of people, `room_width_m` wide; pixels are square.
struct Sensor {
  int width = 32, height = 24;
  double frames_per_second = 8;
  double room_width_m = 6.4;
  double noise_k = 0.25;          // NETD: standard deviation of one pixel from frame to frame
  double fixed_pattern_k = 0.15;  // standard deviation between pixels that does not change
  double wander_k = 0.1;          // slow common drift, standard deviation over minutes
  double spread_px = 0.6;         // of the optics' point spread function (Gaussian sigma)
  double resolution_k = 0.01;     // of what it delivers; an AMG8833 has 0.25
  std::vector<int> dead;          // indices of pixels that always say the same
  double pixel_pitch_m() const { return room_width_m / width; }
  double room_height_m() const { return room_width_m * height / width; }
};

Sensor grid_eye();      // 8x8, AMG8833: 0.25 K steps
Sensor mlx90640();      // 32x24
Sensor bolometer();     // 160x120, Lepton 3.5
Sensor bolometer320();  // 320x240

// Something with a temperature, drawn over what lies below: a disc or an ellipse with soft edges.
struct Body {
  double x_m = 0, y_m = 0;  // middle; from the upper left corner of the view
  double half_width_m = 0.2, half_height_m = 0.2;
  double temperature_c = 30;  // apparent: emissivity and clothes are in it
  double edge = 0.15;         // share of the radius over which it fades
  double cover = 1;           // 0..1; a mirror image or a warm seat shows in part
};

// What is true at a moment.
struct Moment {
  double ambient_c = 22;
  std::vector<Body> bodies;
  int people = 0;
  bool unknown_is_honest = false;  // nothing could tell here: people as warm as the room, a closed shutter, a start with people in it
  bool shutter = false;            // calibrating: the frame before is repeated
  double level_k = 0;              // jump of the whole level, after a calibration
};

struct Scene {
  std::string name, about;
  double seconds = 60;
  Sensor sensor;
  std::function<Moment(double seconds)> at;
  std::function<double(double x_m, double y_m)> furniture;  // added to the ambient temperature; may be empty
};

// A frame in centidegrees Celsius, row after row; nothing where the sensor delivers none.
class Camera {
 public:
  Camera(const Scene& scene, std::uint64_t seed);
  struct Picture {
    double seconds = 0;
    std::vector<std::int16_t> centi_c;
    Moment truth;
  };
  // The next frame; nothing at the end of the scene.
  std::optional<Picture> next();

 private:
  double normal();
  const Scene* scene_;
  std::uint64_t state_;
  std::optional<double> spare_;
  std::uint64_t frame_ = 0;
  double wander_ = 0;
  std::vector<double> furniture_, pattern_;
  std::vector<std::int16_t> last_;
};

// The whole scene as a file of raw frames, 16-bit little-endian counts of 0.01 K: what `thermal: {scale: 0.01K}` reads. Number of
// frames; -1 when the file cannot be written.
int write_y16(const Scene& scene, std::uint64_t seed, const std::string& path);

// The suite, by name. `sensor` replaces that of each scene.
std::vector<Scene> scenes(const std::optional<Sensor>& sensor = std::nullopt);

}  // namespace kanhu::thermal_scene
