// SPDX-License-Identifier: MIT
// What a simulated camera sees at a given second.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/simulator/camera_spec.hpp"
#include "tests/support/simulator/picture.hpp"

namespace kanhu::simulator {

// Somebody in front of the camera, or nobody. The same for the main and the sub-stream of a camera.
struct Visit {
  bool present = false;
  double since_seconds = 0;   // how long the person has been there
  double left_seconds = 1e9;  // how long the person will stay
  int number = 0;             // counts visits; chooses who comes
};

// The visit a schedule gives at `seconds` after the start.
Visit scheduled_visit(const CameraSpec& spec, double seconds);

// Paints one stream's pictures. The same arguments give the same pixels.
// Thread: one at a time.
class Scene {
 public:
  // `people` are portraits (portrait.hpp), at least one.
  Scene(SceneKind kind, Size size, std::shared_ptr<const std::vector<CutOut>> people, std::uint32_t seed);

  void paint(double seconds, const Visit& visit, std::uint32_t frame_number, Picture& into);

  // What a covered lens gives: dark, with the least noise of a sensor.
  static void paint_black(std::uint32_t frame_number, Picture& into);

 private:
  void place_walker(const Visit& visit, double lane, Picture& into);
  void place_warm_person(const Visit& visit, Picture& into);
  const Sprite& sprite_of(std::size_t person);

  SceneKind kind_;
  Size size_;
  std::shared_ptr<const std::vector<CutOut>> people_;
  std::uint32_t seed_;
  Picture background_;
  Picture lit_;  // the same room with its lamp on
  std::map<std::size_t, Sprite> sprites_;
  Sprite standing_, sitting_;
};

}  // namespace kanhu::simulator
