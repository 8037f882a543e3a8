// SPDX-License-Identifier: MIT
#include "tests/support/simulator/camera_spec.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace kanhu::simulator {
namespace {

template <typename E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

constexpr Names<SceneKind, 8> kScenes = {{{"walk", SceneKind::kWalk},
                                          {"crowd", SceneKind::kCrowd},
                                          {"thermal", SceneKind::kThermal},
                                          {"empty", SceneKind::kEmpty},
                                          {"empty-noisy", SceneKind::kEmptyNoisy},
                                          {"ir-cut", SceneKind::kIrCut},
                                          {"lamp", SceneKind::kLamp},
                                          {"exposure", SceneKind::kExposure}}};
constexpr Names<Codec, 3> kCodecs = {{{"h264", Codec::kH264}, {"h265", Codec::kH265}, {"mjpeg", Codec::kMjpeg}}};
constexpr Names<PersonMode, 3> kPersons = {{{"auto", PersonMode::kAuto}, {"in", PersonMode::kIn}, {"out", PersonMode::kOut}}};
constexpr Names<AuthScheme, 3> kSchemes = {{{"basic", AuthScheme::kBasic}, {"digest", AuthScheme::kDigest}, {"both", AuthScheme::kBoth}}};
constexpr Names<Transport, 3> kTransports = {{{"both", Transport::kBoth}, {"tcp", Transport::kTcp}, {"udp", Transport::kUdp}}};

template <typename E, std::size_t N>
Result<E> one_of(const Names<E, N>& names, std::string_view text) {
  std::string known;
  for (const auto& [name, value] : names) {
    if (name == text) return value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is none of {}", text, known));
}

template <typename E, std::size_t N>
const char* name_of(const Names<E, N>& names, E value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name.data();
  }
  return "?";
}

template <typename T>
Result<T> number(std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is not a number from {} to {}", text, least, most));
  }
  return value;
}

// Stores a parsed value, or hands its error on.
template <typename T, typename Field>
Result<void> set(Field& field, Result<T> value) {
  if (!value) return tl::unexpected<Error>(std::move(value.error()));
  field = *value;
  return {};
}

Result<std::string> first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return fail(ErrorKind::kNotFound, fmt::format("{} cannot be read", path));
  return line;
}

Result<void> set_rtcp(CameraSpec& spec, std::string_view text) {
  spec.rtcp = text != "off";
  if (text == "on" || text == "off") return {};
  if (!text.starts_with("skew:")) return fail(ErrorKind::kInvalidArgument, "expected on, off or skew:SECONDS");
  text.remove_prefix(5);
  if (text.starts_with('+')) text.remove_prefix(1);
  return set(spec.rtcp_skew_seconds, number(text, -100'000'000, 100'000'000));
}

Result<void> set_key(CameraSpec& spec, std::string_view key, std::string_view text) {
  if (key == "name") {
    spec.name = text;
    return {};
  }
  if (key == "scene") return set(spec.scene, one_of(kScenes, text));
  if (key == "codec") return set(spec.codec, one_of(kCodecs, text));
  if (key == "size") return set(spec.size, parse_size(text));
  if (key == "sub") return set(spec.sub, parse_size(text));
  if (key == "fps") return set(spec.fps, number(text, 1, 60));
  if (key == "gop") return set(spec.gop_seconds, number(text, 0.1, 600.0));
  if (key == "bframes") return set(spec.bframes, number(text, 0, 4));
  if (key == "period") return set(spec.period_seconds, number(text, 1.0, 86400.0));
  if (key == "visible") return set(spec.visible_seconds, number(text, 0.0, 86400.0));
  if (key == "offset") return set(spec.offset_seconds, number(text, 0.0, 86400.0));
  if (key == "person") return set(spec.person, one_of(kPersons, text));
  if (key == "auth") return set(spec.auth, one_of(kSchemes, text));
  if (key == "transport") return set(spec.transport, one_of(kTransports, text));
  if (key == "rtcp") return set_rtcp(spec, text);
  if (key == "user") {
    spec.user = text;
    return {};
  }
  if (key == "password") {
    spec.password = text;
    return {};
  }
  if (key == "password-file") return set(spec.password, first_line_of(std::string(text)));
  if (key == "password-env") {
    const char* value = std::getenv(std::string(text).c_str());
    if (value == nullptr) return fail(ErrorKind::kInvalidArgument, "this environment variable is not set");
    spec.password = value;
    return {};
  }
  return fail(ErrorKind::kInvalidArgument, "no such key");
}

}  // namespace

Result<Size> parse_size(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is not a size like 640x360", text));
  const auto width = number(text.substr(0, cross), 64, 4096);
  const auto height = number(text.substr(cross + 1), 64, 2304);
  if (!width) return tl::unexpected<Error>(width.error());
  if (!height) return tl::unexpected<Error>(height.error());
  if (*width % 8 != 0 || *height % 2 != 0) return fail(ErrorKind::kInvalidArgument, "the width must be a multiple of 8, the height of 2");
  return Size{*width, *height};
}

Result<CameraSpec> parse_camera(std::string_view text) {
  CameraSpec spec;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\": expected key=value", item));
    const std::string_view key = item.substr(0, equals);
    if (auto done = set_key(spec, key, item.substr(equals + 1)); !done) {
      return fail(done.error().kind, fmt::format("{}: {}", key, done.error().message));
    }
  }
  if (spec.name.empty()) return fail(ErrorKind::kInvalidArgument, "a camera needs name=");
  if (spec.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("name: \"{}\" may only have a-z, 0-9, _ and -", spec.name));
  }
  if (spec.visible_seconds > spec.period_seconds) return fail(ErrorKind::kInvalidArgument, "visible= is longer than period=");
  return spec;
}

std::vector<CameraSpec> demo_cameras(std::string_view office_password) {
  std::vector<CameraSpec> cameras(6);
  const auto visits = [](CameraSpec& camera, double offset, double period, double visible) {
    camera.offset_seconds = offset;
    camera.period_seconds = period;
    camera.visible_seconds = visible;
  };
  cameras[0].name = "entrance";
  cameras[0].size = {1280, 720};
  cameras[0].sub = Size{640, 360};
  visits(cameras[0], 3, 20, 8);
  cameras[1].name = "canteen";
  cameras[1].codec = Codec::kH265;
  visits(cameras[1], 14, 30, 9);
  cameras[2].name = "bath";
  cameras[2].scene = SceneKind::kThermal;
  visits(cameras[2], 9, 26, 12);
  // Nobody walks through the hall unless told to: its cable is pulled, and its return must raise nothing.
  cameras[3].name = "hall";
  cameras[3].person = PersonMode::kOut;
  cameras[4].name = "rest";
  cameras[4].scene = SceneKind::kThermal;
  visits(cameras[4], 12, 90, 70);
  cameras[5].name = "office";
  cameras[5].user = "demo";
  cameras[5].password = office_password;
  return cameras;
}

Result<Codec> parse_codec(std::string_view text) { return one_of(kCodecs, text); }
Result<PersonMode> parse_person(std::string_view text) { return one_of(kPersons, text); }
const char* to_string(SceneKind scene) { return name_of(kScenes, scene); }
const char* to_string(Codec codec) { return name_of(kCodecs, codec); }
const char* to_string(PersonMode mode) { return name_of(kPersons, mode); }

}  // namespace kanhu::simulator
