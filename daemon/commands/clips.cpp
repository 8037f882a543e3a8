// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <sysexits.h>

#include "daemon/commands/commands.hpp"
#include "daemon/commands/whereabouts.hpp"
#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu {
namespace {

struct ClipsOptions : WhereOptions {
  std::string dir, camera;
  bool json = false, verify = false;
};

Json clip_json(const std::string& dir, const record::Sidecar& sidecar) {
  const ClipRecord& record = sidecar.record;
  Json json{{"clip", record.clip},
            {"facility", record.facility},
            {"camera", record.source},
            {"status", to_string(record.status)},
            {"start", format_utc(record.from)},
            {"end", format_utc(record.to)},
            {"bytes", record.bytes},
            {"parts", record.parts},
            {"sha256", record.sha256},
            {"subjects", sidecar.subjects},
            {"sidecar", record::sidecar_path(dir, sidecar)}};
  if (!record.reason.empty()) json["reason"] = record.reason;
  return json;
}

// Media of finished clips that no readable sidecar speaks for; one being written has its .times beside it.
std::vector<std::string> media_without_sidecar(const std::string& dir) {
  auto files = make_posix_file_io();
  std::vector<std::string> strays;
  std::error_code problem;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir, problem)) {
    const auto& path = entry.path();
    if (path.extension() != ".mp4" && path.extension() != ".mov") continue;
    std::filesystem::path clip = path.parent_path() / path.stem();
    if (clip.has_extension()) clip = clip.parent_path() / clip.stem();
    if (std::filesystem::exists(clip.string() + ".times")) continue;
    if (!record::read_sidecar(*files, clip.string() + ".json")) strays.push_back(path.string());
  }
  std::sort(strays.begin(), strays.end());
  return strays;
}

int clips(ClipsOptions options) {
  if (options.dir.empty()) {
    const auto where = find_whereabouts(options);
    if (!where) return report(where.error());
    options.dir = where->config.gateway.data_dir + "/clips";
  }
  auto files = make_posix_file_io();
  if (!files->exists(options.dir))
    return report({ErrorKind::kNotFound, options.dir + " is not there: has the gateway of this configuration ever run?"});
  auto listed = record::list_clips(*files, options.dir);
  if (!listed) return report(listed.error());
  int bad = 0;
  int intact = 0;
  for (const record::Sidecar& sidecar : *listed) {
    const ClipRecord& record = sidecar.record;
    if (!options.camera.empty() && record.source != options.camera) continue;
    std::string verdict;
    if (options.verify && !record.parts.empty()) {
      const auto verified = record::verify_clip(*files, options.dir, sidecar);
      verdict = verified ? "intact" : verified.error().message;
      bad += verified ? 0 : 1;
      intact += verified ? 1 : 0;
    }
    if (options.json) {
      Json json = clip_json(options.dir, sidecar);
      if (!verdict.empty()) json["verified"] = verdict;
      fmt::print("{}\n", canonical_json(json));
      continue;
    }
    const std::string status = std::string(to_string(record.status)) + (record.reason.empty() ? "" : " (" + record.reason + ")");
    fmt::print("{}  {:<20} {:>6.1f} s {:>8.1f} KiB  {:<32} {}{}{}\n", format_utc(record.from).substr(0, 19) + "Z",
               record.facility + "/" + record.source, to_seconds(record.to - record.from), static_cast<double>(record.bytes) / 1024, status,
               record.parts.empty() ? record.clip : options.dir + "/" + record.parts.front(), verdict.empty() ? "" : "  ", verdict);
  }
  if (options.verify) {
    for (const std::string& stray : media_without_sidecar(options.dir)) {
      fmt::print("{}  NO SIDECAR THAT CAN BE READ\n", stray);
      ++bad;
    }
    fmt::print(stderr, "{} clips intact, {} not\n", intact, bad);
  }
  return bad == 0 ? EX_OK : 1;
}

}  // namespace

void add_clips(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("clips", "List recorded clips, newest first, with their status");
  auto options = std::make_shared<ClipsOptions>();
  add_where_options(*command, *options, ", to find its clips");
  command->add_option("--dir", options->dir, "Folder of clips instead");
  command->add_option("--camera", options->camera, "Only this camera");
  command->add_flag("--verify", options->verify, "Read the files again and compare them with their hashes; exit code 1 when one differs");
  command->add_flag("--json", options->json, "One object a line");
  add_clips_get(*command, chosen);
  command->callback([&chosen, options, command] {
    if (command->get_subcommands().empty()) chosen = [options] { return clips(*options); };
  });
}

}  // namespace kanhu
