// SPDX-License-Identifier: MIT
// kanhu-simulate: rooms that do not exist, for whoever wants to see what Kanhu makes of them. `kanhu simulate` runs it.
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sysexits.h>

#include "tests/support/thermal_scene/recording.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace {

namespace scenes = kanhu::thermal_scene;
using kanhu::ErrorKind;

struct Wanted {
  std::string scene, sensor, out = "-", all;
  std::uint64_t seed = 1;
  double seconds = 0;
  bool list = false, publish = false;
};

const std::map<std::string, scenes::Sensor (*)()> kSensors{{"grid_eye", scenes::grid_eye},
                                                           {"mlx90640", scenes::mlx90640},
                                                           {"bolometer", scenes::bolometer},
                                                           {"bolometer320", scenes::bolometer320}};

int problem(const std::string& text, int code) {
  fmt::print(stderr, "kanhu: {}\n", text);
  return code;
}

int list(const std::vector<scenes::Scene>& suite) {
  for (const auto& scene : suite) fmt::print("{:<28} {:>5.0f} s  {}\n", scene.name, scene.seconds, scene.about);
  return EX_OK;
}

int write(const scenes::Scene& scene, const Wanted& wanted, const std::string& path) {
  const auto written = scenes::write_recording(scene, wanted.seed, wanted.seconds, path);
  return written ? EX_OK : problem(written.error().message, EX_IOERR);
}

int thermal(const Wanted& wanted) {
  std::optional<scenes::Sensor> sensor;
  if (!wanted.sensor.empty()) sensor = kSensors.at(wanted.sensor)();
  const auto suite = scenes::scenes(sensor);
  if (wanted.list) return list(suite);
  if (!wanted.all.empty()) {
    std::error_code made;
    std::filesystem::create_directories(wanted.all, made);
    if (made) return problem(fmt::format("{}: {}", wanted.all, made.message()), EX_CANTCREAT);
    for (const auto& scene : suite) {
      if (const int code = write(scene, wanted, (std::filesystem::path(wanted.all) / (scene.name + ".csv")).string()); code != EX_OK)
        return code;
    }
    return EX_OK;
  }
  if (wanted.scene.empty()) return problem("simulate thermal: a scene is needed, or --all FOLDER; --list shows what there is", 2);
  for (const auto& scene : suite) {
    if (scene.name != wanted.scene) continue;
    if (wanted.publish) {
      const auto published = scenes::publish_lines(scene, wanted.seed, wanted.seconds);
      if (published) return EX_OK;
      return problem(published.error().message, published.error().kind == ErrorKind::kInvalidArgument ? 2 : EX_IOERR);
    }
    std::string path = wanted.out;
    if (path != "-" && std::filesystem::is_directory(path)) path = (std::filesystem::path(path) / (scene.name + ".csv")).string();
    return write(scene, wanted, path);
  }
  return problem(fmt::format("simulate thermal: there is no scene '{}'; kanhu simulate thermal --list shows them", wanted.scene), 2);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Makes what sensors would see of rooms that do not exist, with what is true in them.", "kanhu simulate");
  app.require_subcommand(1);
  auto* command = app.add_subcommand("thermal", "Infrared sensors: a recording for kanhu bench thermal");
  Wanted wanted;
  std::string format = "csv";
  command->add_option("scene", wanted.scene, "Name of the scene");
  command->add_flag("--list", wanted.list, "The scenes there are");
  command->add_option("--all", wanted.all, "Every scene, as FOLDER/SCENE.csv");
  command->add_option("--out", wanted.out, "File, or folder for SCENE.csv; - is standard output")->capture_default_str();
  command->add_option("--seed", wanted.seed, "Of the noise: the same seed gives the same numbers")->capture_default_str();
  command->add_option("--seconds", wanted.seconds, "End each scene after so long, 0: its own length")->check(CLI::NonNegativeNumber);
  command->add_option("--format", format, "csv")->check(CLI::IsMember({"csv"}))->capture_default_str();
  command->add_flag("--publish", wanted.publish, "What the sensor would publish, a line a picture, at its rate: for mosquitto_pub -l");
  command->add_option("--sensor", wanted.sensor, "Instead of the scene's own")->check(CLI::IsMember(kSensors));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? EX_OK : 2;
  }
  return thermal(wanted);
}
