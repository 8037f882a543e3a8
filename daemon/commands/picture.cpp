// SPDX-License-Identifier: MIT
#include <memory>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/digest.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/query_client.hpp"

namespace kanhu {
namespace {

struct PictureOptions {
  PeerOptions peer;
  std::string what, output;
  int max_width = 0;
  bool json = false;
};

int picture(const PictureOptions& options) {
  const auto peer = find_peer(options.peer);
  if (!peer) return report(peer.error());
  // An event's id has a colon, a camera's never.
  Json request{{"v", 1}, {"request", "picture"}};
  request[options.what.find(':') == std::string::npos ? "camera" : "event"] = options.what;
  if (options.max_width > 0) request["max_width"] = options.max_width;
  const auto given = ask_gateway(*peer, request, std::chrono::seconds(10));
  if (!given) return report(given.error());
  const std::string digest = to_hex(sha256(given->bytes));
  if (given->bytes.empty() || given->json.value("sha256", "") != digest)
    return report({ErrorKind::kCorrupt, "the picture is not the one the gateway announced: its SHA-256 differs"});
  if (auto written = write_whole_file(options.output, given->bytes); !written) return report(written.error());
  if (options.json) {
    fmt::print(stderr, "{}\n", given->json.dump(2));
  } else {
    fmt::print(stderr, "{}: {} x {} px, taken {}, {:.1f} s ago, {} bytes, SHA-256 {}\n", options.output, given->json.value("width", 0),
               given->json.value("height", 0), given->json.value("time", ""), given->json.value("age_s", 0.0), given->bytes.size(), digest);
  }
  return EX_OK;
}

}  // namespace

void add_picture(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("picture", "A picture of a camera now, or of an event from its clip, as JPEG");
  command->footer("Each picture is journalled as an access (access.picture). Cameras that watch a private zone are never shown.");
  auto options = std::make_shared<PictureOptions>();
  command->add_option("camera", options->what, "Id of a camera, or of an event (<epoch>:<seq>)")->required();
  command->add_option("-o,--output", options->output, "File to write; - is standard output")->required();
  command->add_option("--max-width", options->max_width, "Not wider than this, in pixels")->check(CLI::Range(16, 4096));
  add_peer_options(*command, options->peer, PeerSockets::kQuery);
  command->add_flag("--json", options->json, "The answer as JSON (docs/events.md), on standard error");
  command->callback([&chosen, options] { chosen = [options] { return picture(*options); }; });
}

}  // namespace kanhu
