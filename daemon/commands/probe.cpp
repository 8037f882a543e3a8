// SPDX-License-Identifier: MIT
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/log.hpp"
#include "base/private_output.hpp"
#include "config/detectors.hpp"
#include "config/load.hpp"
#include "config/secrets.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/replay/media_worker.hpp"

namespace kanhu {
namespace {

struct ProbeOptions {
  std::string url, config = default_config_path(), credential, secrets_dir, picture = "probe.png", thermal;
  int seconds = 10;
  bool json = false;
  std::optional<RadiometricConfig> radiometric;  // of `thermal`
};

Json report_json(const ingest::ProbeReport& report) {
  Json steps = Json::array();
  for (const auto& step : report.steps) steps.push_back({{"step", step.name}, {"passed", step.passed}, {"detail", step.detail}});
  Json json{{"steps", steps}, {"ok", !report.error.has_value()}, {"transport", to_string(report.transport)}};
  if (report.error) json["error"] = {{"kind", to_string(report.error->kind)}, {"message", report.error->message}};
  if (report.format.width > 0) {
    json["codec"] = to_string(report.format.codec);
    json["width"] = report.format.width;
    json["height"] = report.format.height;
    json["frames_per_second"] = round4(report.measured_frames_per_second);
    json["gop_seconds"] = round4(report.gop_seconds);
    json["kilobits_per_second"] = round4(report.kilobits_per_second);
    json["b_frames"] = report.has_b_frames;
    json["rtcp_time"] = report.has_rtcp_time;
    json["breaks"] = report.breaks;
    if (report.keep_alive != ingest::KeepAlive::kUnknown) json["keep_alive"] = to_string(report.keep_alive);
    if (report.warmth)
      json["temperature"] = {{"coolest_c", round4(report.warmth->coolest_c)},
                             {"median_c", round4(report.warmth->median_c)},
                             {"warmest_c", round4(report.warmth->warmest_c)}};
    if (report.has_rtcp_time) json["clock_offset_ms"] = report.clock_offset.count();
  }
  return json;
}

void print_radiometric(const ingest::ProbeReport& report, const ProbeOptions& options) {
  const RadiometricConfig& thermal = *options.radiometric;
  fmt::print("\n16-bit radiometric video {}x{}, {:.1f} frames/s\n", report.format.width, report.format.height,
             report.measured_frames_per_second);
  fmt::print("coolest {:.1f} °C, median {:.1f} °C, warmest {:.1f} °C\n", report.warmth->coolest_c, report.warmth->median_c,
             report.warmth->warmest_c);
  fmt::print("\nTo add it, paste under a facility's `cameras:`\n");
  fmt::print("  - id: new-sensor\n    name: New sensor\n    main:\n      url: {}\n      thermal: {{", options.url);
  if (thermal.width > 0) fmt::print("size: {}x{}, ", thermal.width, thermal.height);
  if (thermal.frames_per_second > 0) fmt::print("fps: {}, ", thermal.frames_per_second);
  if (thermal.scale != CountScale::kUnknown) fmt::print("scale: {}, ", to_string(thermal.scale));
  fmt::print("telemetry: {}}}\n    detector: {{name: thermal}}\n", to_string(thermal.telemetry));
}

void print_words(const ingest::ProbeReport& report, const ProbeOptions& options) {
  for (const auto& step : report.steps) fmt::print("{:<10} {:<5} {}\n", step.name, step.passed ? "ok" : "FAILS", step.detail);
  if (report.error) {
    fmt::print("\n{}\n", to_string(report.error->kind));
    return;
  }
  if (report.warmth) return print_radiometric(report, options);
  fmt::print("\n{} {}x{}, {:.1f} frames/s, {:.0f} kbit/s, {}, {}, by {}\n", to_string(report.format.codec), report.format.width,
             report.format.height, report.measured_frames_per_second, report.kilobits_per_second,
             report.gop_seconds > 0 ? fmt::format("key frame every {:.1f} s", report.gop_seconds) : "no second key frame in this time",
             report.has_b_frames ? "B-frames" : "no B-frames", to_string(report.transport));
  fmt::print("clock: {}\n", report.has_rtcp_time ? fmt::format("sender reports, {} ms from this machine", report.clock_offset.count())
                                                 : "no sender report came; capture times will be arrival times");
  if (report.keep_alive == ingest::KeepAlive::kOptions)
    fmt::print(
        "session: kept alive by OPTIONS, as the camera lists no GET_PARAMETER; one that counts neither ends it after a minute or so\n");
  if (report.keep_alive == ingest::KeepAlive::kRefused)
    fmt::print("session: the camera takes no request that keeps it alive, and may end it by itself every minute or so\n");
  fmt::print("\nTo add it, paste under a facility's `cameras:`\n");
  fmt::print("  - id: new-camera\n    name: New camera\n    main:\n      url: {}\n", options.url);
  if (!options.credential.empty()) fmt::print("      credential: {}\n", options.credential);
  if (report.transport != Transport::kTcp) fmt::print("      transport: {}\n", to_string(report.transport));
  fmt::print("    analyze: main\n    record: main\n    detector: {{name: {}}}\n", kUsualFaceDetector);
}

// Mode 0600: people are in it. One that is there is replaced.
Result<void> save_picture(const std::string& path, const std::string& png) {
  return write_private_output(path, png).map_error([](Error error) {
    return Error{ErrorKind::kIo, fmt::format("the picture is not saved: {}; say --picture FILE, or --picture '' for none", error.message)};
  });
}

// How a 16-bit source is read, from the command line.
Result<void> read_thermal(ProbeOptions& options) {
  if (options.thermal.empty() && !is_radiometric(options.url)) return {};
  auto read = parse_radiometric(options.thermal);
  if (!read) return tl::unexpected(Error{read.error().kind, "--thermal: " + read.error().message});
  if (const std::string fault = radiometric_fault(*read, options.url); !fault.empty())
    return fail(ErrorKind::kInvalidArgument, fmt::format("--thermal 160x120,8.7,0.01K: {}", fault));
  options.radiometric = *read;
  return {};
}

// Of a file or a device of this machine; empty for a camera.
std::string path_of(const std::string& url) {
  for (const std::string_view scheme : {"file://", "v4l2://"})
    if (url.starts_with(scheme)) return url.substr(scheme.size());
  return {};
}

// The camera of the configuration with this address that watches a private zone; empty: none is known.
std::string private_camera_at(const std::string& config_path, const std::string& url) {
  const auto config = load_config(config_path);
  if (!config) return {};
  for (const FacilityConfig& facility : config->facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      const bool here = (camera.main && camera.main->url == url) || (camera.sub && camera.sub->url == url);
      if (here && watches_private_zone(facility, camera)) return camera.id;
    }
  }
  return {};
}

int probe(ProbeOptions options) {
  log::init(log::Level::kOff);
  if (options.url.find('@') != std::string::npos) {
    return report({ErrorKind::kInvalidArgument,
                   "the URL must hold no user and password (it is not repeated here); keep them with: kanhu secret set NAME "
                   "--user USER, and say --credential NAME"});
  }
  if (auto read = read_thermal(options); !read) return report(read.error());
  if (const std::string camera = private_camera_at(options.config, options.url); !camera.empty() && !options.picture.empty()) {
    fmt::print(stderr, "kanhu: camera {} watches a private zone: no picture of it is saved\n", camera);
    options.picture.clear();
  }
  StreamConfig stream;
  stream.url = options.url;
  stream.thermal = options.radiometric;
  stream.transport = Transport::kAuto;
  Credential credential;
  if (!options.credential.empty()) {
    std::string dir = options.secrets_dir;
    if (dir.empty()) {
      auto config = load_config(options.config);
      if (!config) return report(config.error());
      dir = config->gateway.secrets_dir;
    }
    auto secret = load_secret(options.credential, dir);
    if (!secret) return report(secret.error());
    credential = std::move(*secret);
  }
  const std::string local = path_of(options.url);
  if (options.url.starts_with("file://")) {
    if (auto file = check_is_file(local); !file) return report(file.error());
  }
  MediaWorker worker({local.empty() ? std::vector<std::string>{} : paths_to_read({local}), {}});
  const auto told = worker.probe({stream, std::move(credential), std::chrono::seconds(options.seconds)});
  if (!told) return report(told.error());
  const ingest::ProbeReport& found = told->report;
  if (!told->picture_png.empty() && !options.picture.empty()) {
    if (auto saved = save_picture(options.picture, told->picture_png); !saved) return report(saved.error());
    if (!options.json) fmt::print("picture saved as {}\n", options.picture);
  }
  if (options.json) {
    fmt::print("{}\n", report_json(found).dump(2));
  } else {
    print_words(found, options);
  }
  return found.error ? 1 : EX_OK;
}

}  // namespace

void add_probe(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("probe", "Try a camera: what it sends, or the step that fails and the fix");
  auto options = std::make_shared<ProbeOptions>();
  command->add_option("url", options->url, "rtsp://host[:port]/path without user and password, v4l2:///dev/video0, or file:///path/x.y16")
      ->required();
  command->add_option("--credential", options->credential, "Name of a secret (kanhu secret set NAME --user USER)");
  command->add_option("--secrets-dir", options->secrets_dir, "Where the secret is (default: gateway.secrets_dir of the configuration)");
  command->add_option("-c,--config", options->config, "Configuration file")->capture_default_str();
  command->add_option("--thermal", options->thermal,
                      "How 16-bit counts are read: size, rate, scale, telemetry, as 160x120,8.7,0.01K,footer");
  command->add_option("--picture", options->picture, "Where to save the first picture; empty: nowhere")->capture_default_str();
  command->add_option("--seconds", options->seconds, "How long to watch; a stream that breaks within it is not in order")
      ->check(CLI::Range(2, 300))
      ->capture_default_str();
  command->add_flag("--json", options->json, "As JSON");
  command->callback([&chosen, options] { chosen = [options] { return probe(*options); }; });
}

}  // namespace kanhu
