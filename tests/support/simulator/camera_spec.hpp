// SPDX-License-Identifier: MIT
// What a simulated camera is: the words of `--camera` and of the tests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace kanhu::simulator {

enum class SceneKind { kWalk, kCrowd, kThermal, kEmpty, kEmptyNoisy, kIrCut, kLamp, kExposure };
enum class Codec { kH264, kH265, kMjpeg };
enum class PersonMode { kAuto, kIn, kOut };
enum class AuthScheme { kBasic, kDigest, kBoth };
enum class Transport { kBoth, kTcp, kUdp };

struct Size {
  int width = 640;
  int height = 360;
  bool operator==(const Size&) const = default;
};

struct CameraSpec {
  std::string name;  // its path on the server: /name, and /name-sub for the sub-stream
  SceneKind scene = SceneKind::kWalk;
  Codec codec = Codec::kH264;
  Size size;
  std::optional<Size> sub;
  int fps = 10;
  double gop_seconds = 2;
  int bframes = 0;
  double period_seconds = 20;  // one visit a period ...
  double visible_seconds = 8;  // ... that lasts so long ...
  double offset_seconds = 3;   // ... the first one so long after the start
  PersonMode person = PersonMode::kAuto;
  std::string user;  // empty: no password needed
  std::string password;
  AuthScheme auth = AuthScheme::kBoth;
  Transport transport = Transport::kBoth;
  bool rtcp = true;           // sender reports
  int rtcp_skew_seconds = 0;  // their wall time is wrong by this
};

// "name=entrance,scene=walk,size=1280x720,sub=640x360,..."; the keys are listed in docs/simulator.md.
Result<CameraSpec> parse_camera(std::string_view text);

// The six cameras of config/demo.yaml. `office_password` is what the camera `office` asks of the user `demo`.
std::vector<CameraSpec> demo_cameras(std::string_view office_password);

Result<Codec> parse_codec(std::string_view text);
// "640x360": width a multiple of 8, height of 2, from 64x64 to 4096x2304.
Result<Size> parse_size(std::string_view text);
Result<PersonMode> parse_person(std::string_view text);

const char* to_string(SceneKind scene);
const char* to_string(Codec codec);
const char* to_string(PersonMode mode);

}  // namespace kanhu::simulator
