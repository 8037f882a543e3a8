// SPDX-License-Identifier: MIT
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sysexits.h>

#include "daemon/commands/commands.hpp"
#include "daemon/commands/gateway_address.hpp"
#include "daemon/commands/look/full_screen.hpp"
#include "daemon/commands/look/look_text.hpp"
#include "daemon/commands/look/series_look.hpp"
#include "daemon/commands/query_client.hpp"
#include "evidence/ledger.hpp"
#include "pipelines/publish/client/answer.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {
namespace {

struct LookOptions : PeerOptions {
  std::optional<publish::ClientKeys> keys;
  std::string source, series;
  bool watch = false, json = false, ascii = false;
};

// What the gateway says of the source, or the list of sources.
Result<Json> ask(const LookOptions& options) {
  Json request{{"v", 1}, {"request", "look"}};
  if (!options.source.empty()) request["source"] = options.source;
  auto answer = publish::query(options.query, request, std::chrono::seconds(3), options.keys);
  if (!answer) return fail(ErrorKind::kClosed, "the gateway does not answer: " + answer.error().message);
  if (auto why = publish::error_of_answer(*answer, options.query)) return tl::unexpected(std::move(*why));
  const char* member = options.source.empty() ? "sources" : "look";
  if (!answer->contains(member)) return fail(ErrorKind::kCorrupt, options.query + " is not a gateway's query socket");
  return answer->at(member);
}

std::vector<std::string> shown(const LookOptions& options, const Json& answer) {
  if (options.json) return {options.watch ? answer.dump() : answer.dump(2)};
  Screen screen = screen_of_stdout();
  if (options.ascii) {
    screen.colours = Screen::Colours::kNone;
    screen.unicode = false;
  }
  // The line of the prompt, or of the keys.
  if (screen.rows > 0) screen.rows -= 1;
  auto lines = options.source.empty() && options.series.empty() ? look_table(answer, screen) : look_text(answer, screen);
  if (lines.empty()) lines.push_back("this gateway has no infrared source; docs/operations.md says how to hang one");
  return lines;
}

int look_again_and_again(const LookOptions& options, const Json& first) {
  std::vector<std::string> last;
  WatchScreen screen;
  Result<Json> answer = first;
  for (;;) {
    if (answer) last = shown(options, *answer);
    std::vector<std::string> lines = last;
    if (!answer && options.json) lines.clear();
    if (!options.json && screen.is_terminal())
      lines.push_back(answer ? "q or Ctrl-C ends" : "\033[1;31m" + answer.error().message + "\033[0m");
    screen.draw(lines);
    if (!screen.wait(std::chrono::seconds(1))) return EX_OK;
    answer = ask(options);
  }
}

// What was kept of the warmth that led to a presence; the gateway need not run.
int look_at_series(const LookOptions& options) {
  const auto where = find_whereabouts(options);
  if (!where) return report(where.error());
  auto files = make_posix_file_io();
  const auto entry = find_evidence(*files, where->config.gateway.data_dir + "/series", "series", options.series);
  if (!entry) return report(entry.error());
  if (options.json) {
    fmt::print("{}\n", entry->dump(2));
    return EX_OK;
  }
  for (const Json& look : looks_of_series(*entry))
    for (const std::string& line : shown(options, look)) fmt::print("{}\n", line);
  return EX_OK;
}

int look(LookOptions options) {
  if (!options.series.empty()) return look_at_series(options);
  auto peer = find_peer(options);
  if (!peer) return report(peer.error());
  options.query = peer->query;
  options.keys = std::move(peer->keys);
  const auto answer = ask(options);
  if (!answer) return report(answer.error());
  if (options.watch) return look_again_and_again(options, *answer);
  for (const std::string& line : shown(options, *answer)) fmt::print("{}\n", line);
  return answer->is_object() && answer->contains("waiting") ? 1 : EX_OK;
}

}  // namespace

void add_look(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("look", "What an infrared sensor sees: its picture, people, hot things, presence by zone");
  command->footer(
      "Without a source: one line each. Exit code 1 when the source has not spoken yet.\n"
      "Colours follow NO_COLOR, COLORTERM and TERM; without them, and into a pipe, the picture is plain characters.");
  auto options = std::make_shared<LookOptions>();
  command->add_option("source", options->source, "Id of an infrared source");
  add_peer_options(*command, *options, PeerSockets::kQuery);
  command->add_option("--series", options->series, "Instead: what was kept, by the digest an event names (data.series.sha256)")
      ->excludes("source");
  command->add_flag("-w,--watch", options->watch, "Again every second, until q or Ctrl-C");
  command->add_flag("--json", options->json, "The answer as JSON (docs/events.md); with --watch one line a second");
  command->add_flag("--ascii", options->ascii, "Plain characters also where the terminal could show colours");
  command->callback([&chosen, options] { chosen = [options] { return look(*options); }; });
}

}  // namespace kanhu
