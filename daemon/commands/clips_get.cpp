// SPDX-License-Identifier: MIT
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/digest.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/query_client.hpp"

namespace kanhu {
namespace {

constexpr std::chrono::milliseconds kAskAgainAfter{500};

struct ClipsGetOptions {
  PeerOptions peer;
  std::string id, output;
  int patience_s = 60;  // how long the gateway may be too busy for the next page
};

constexpr std::size_t kLargestPart = std::size_t{2} << 30;  // no clip is as long

struct FetchedPart {
  std::string bytes;
  Json last;  // answer
};

Result<FetchedPart> fetch_part(const Peer& peer, const ClipsGetOptions& options, int part) {
  const std::string& id = options.id;
  FetchedPart fetched;
  auto busy_since = std::chrono::steady_clock::now();
  for (;;) {
    const Json request{{"v", 1}, {"request", "clip"}, {"id", id}, {"part", part}, {"offset", fetched.bytes.size()}};
    auto given = ask_gateway(peer, request, std::chrono::seconds(10));
    // The gateway is busy: the contract says to ask again. (That nobody answers is kClosed.)
    if (!given && (given.error().kind == ErrorKind::kNoBandwidth || given.error().kind == ErrorKind::kTimeout)) {
      if (std::chrono::steady_clock::now() - busy_since >= std::chrono::seconds(options.patience_s))
        return fail(ErrorKind::kTimeout,
                    fmt::format("clip {}: the gateway has been too busy for {} s to give more of part {} (it says: {}); "
                                "ask again later, or wait longer with --patience",
                                id, options.patience_s, part, given.error().message));
      std::this_thread::sleep_for(kAskAgainAfter);
      continue;
    }
    if (!given) return tl::unexpected(given.error());
    busy_since = std::chrono::steady_clock::now();
    fetched.last = std::move(given->json);
    if (fetched.last.value("parts", 0) == 0) {
      const std::string reason = fetched.last.value("reason", "it is still being written; ask again");
      return fail(ErrorKind::kNotFound, fmt::format("clip {} is {}: {}", id, fetched.last.value("status", "?"), reason));
    }
    fetched.bytes += given->bytes;
    if (fetched.last.value("complete", false)) break;
    if (fetched.bytes.size() > kLargestPart)
      return fail(ErrorKind::kCorrupt, fmt::format("part {} of clip {} does not end within {} bytes", part, id, kLargestPart));
    if (given->bytes.empty()) return fail(ErrorKind::kCorrupt, "the gateway gives a page without bytes");
  }
  if (to_hex(sha256(fetched.bytes)) != fetched.last.value("sha256", ""))
    return fail(ErrorKind::kCorrupt, fmt::format("part {} of clip {} is not what was recorded: its SHA-256 differs", part, id));
  return fetched;
}

// clip.mp4, clip.2.mp4, ...
std::string name_of_part(const std::string& output, int part) {
  if (part == 1 || output == "-") return output;
  std::filesystem::path path(output);
  const std::string ending = path.extension();
  return path.replace_extension().string() + fmt::format(".{}{}", part, ending);
}

int clips_get(const ClipsGetOptions& options) {
  const auto peer = find_peer(options.peer);
  if (!peer) return report(peer.error());
  int parts = 1;
  for (int part = 1; part <= parts; ++part) {
    const auto fetched = fetch_part(*peer, options, part);
    if (!fetched) return report(fetched.error());
    parts = fetched->last.value("parts", 1);
    const std::string name = name_of_part(options.output, part);
    if (auto written = write_whole_file(name, fetched->bytes); !written) return report(written.error());
    const std::string reason = fetched->last.value("reason", "");
    fmt::print(stderr, "{}: part {} of {}, {} bytes, SHA-256 {} as recorded, clip {}{}\n", name, part, parts, fetched->bytes.size(),
               fetched->last.value("sha256", ""), fetched->last.value("status", ""), reason.empty() ? "" : " (" + reason + ")");
  }
  return EX_OK;
}

}  // namespace

void add_clips_get(CLI::App& clips, Command& chosen) {
  auto* command = clips.add_subcommand("get", "Fetch a clip from a running gateway and compare it with its SHA-256");
  command->footer("A clip of several parts goes to FILE.mp4, FILE.2.mp4 and so on. The download is journalled as an access (access.clip).");
  auto options = std::make_shared<ClipsGetOptions>();
  command->add_option("id", options->id, "Id of the clip, as events name it (data.clip.id)")->required();
  command->add_option("-o,--output", options->output, "File to write; - is standard output")->required();
  command->add_option("--patience", options->patience_s, "Give up when the gateway has been too busy for so many seconds, without a page")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  add_peer_options(*command, options->peer, PeerSockets::kQuery);
  command->callback([&chosen, options] { chosen = [options] { return clips_get(*options); }; });
}

}  // namespace kanhu
