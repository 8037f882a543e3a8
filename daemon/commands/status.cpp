// SPDX-License-Identifier: MIT
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include "daemon/commands/commands.hpp"
#include "daemon/commands/gateway_address.hpp"
#include "daemon/commands/look/look_text.hpp"
#include "daemon/commands/query_client.hpp"
#include "pipelines/publish/client/answer.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {
namespace {

struct StatusOptions : PeerOptions {
  bool json = false;
};

std::string text_of(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>() : std::string();
}

const char* mark(const std::string& truth) { return truth == "true" ? "yes" : truth == "false" ? "NO" : "?"; }

std::string latency(const Json& latencies, const char* stage) {
  const Json one = latencies.value(stage, Json::object());
  return fmt::format("p50 {:.1f} ms, p99 {:.1f} ms (n={})", one.value("p50_ms", 0.0), one.value("p99_ms", 0.0),
                     one.value("count", std::uint64_t{0}));
}

// By the rows themselves, so that the sum never contradicts them.
std::pair<int, int> up_of(const Json& state) {
  int up = 0, all = 0;
  const Json cameras = state.value("cameras", Json::object());
  for (const Json& camera : cameras) {
    ++all;
    up += text_of(camera, "state") == "up" ? 1 : 0;
  }
  return {up, all};
}

void print_faces(const Json& faces, const Json& counters) {
  const Json galleries = faces.value("galleries", Json::object());
  for (const auto& [facility, gallery] : galleries.items()) {
    if (!gallery.contains("version")) {
      fmt::print("gallery {}: {}\n", facility, text_of(gallery, "words"));
      continue;
    }
    fmt::print("gallery {}: version {}, {} people, threshold {:.4f}{}\n", facility, gallery.value("version", std::uint64_t{0}),
               gallery.value("people", 0), gallery.value("threshold", 0.0),
               gallery.contains("words") ? "; what lies there now is refused: " + text_of(gallery, "words") : "");
  }
  std::uint64_t compared = 0;
  std::uint64_t shed = 0;
  for (const Json& camera : counters) {
    compared += camera.value("faces_compared", std::uint64_t{0});
    shed += camera.value("faces_shed", std::uint64_t{0});
  }
  if (compared + shed > 0) fmt::print("faces: {} shots compared, {} more found no room (faces.shots_per_second)\n", compared, shed);
}

// What is wrong with a camera, else what is known to become so.
std::string cause_of(const Json& camera, const Json& counters) {
  std::string words = text_of(camera, "words");
  if (!words.empty() || text_of(counters, "keep_alive") != "refused") return words;
  return "takes no request that keeps its session alive; may end it by itself";
}

void print_table(const Json& state, const Json& info) {
  const Json& gateway = info.at("gateway");
  fmt::print("{}  {}  up {:.0f} s  cameras {}/{}\n\n", gateway.value("id", ""), gateway.value("build", ""), gateway.value("uptime_s", 0.0),
             up_of(state).first, up_of(state).second);
  fmt::print("{:<24} {:<12} {:<9} {:<7} {:<7} {:<9} {:<8} {:>6}  {:<34} {}\n", "camera", "state", "connected", "packets", "picture",
             "decodable", "analysed", "fps", "last event", "cause");
  const Json cameras = state.value("cameras", Json::object());
  const Json counters = info.value("cameras", Json::object());
  for (const Json& facility : state.value("facilities", Json::array())) {
    for (const Json& listed : facility.value("cameras", Json::array())) {
      const std::string id = text_of(listed, "id");
      const Json camera = cameras.value(id, Json::object());
      const Json facts = camera.value("facts", Json::object());
      const Json last = camera.value("last_event", Json());
      std::string event = text_of(last, "type");
      if (event.rfind("kanhu.", 0) == 0) event = event.substr(6);
      if (!event.empty()) event += " " + text_of(last, "time").substr(11, 8) + "Z";
      const Json counted = counters.value(id, Json::object());
      const double fps = counted.value("frames_per_second", 0.0);
      fmt::print("{:<24} {:<12} {:<9} {:<7} {:<7} {:<9} {:<8} {:>6.1f}  {:<34} {}\n", text_of(facility, "id") + "/" + id,
                 text_of(camera, "state"), mark(text_of(facts, "connected")), mark(text_of(facts, "packets")),
                 mark(text_of(facts, "picture")), mark(text_of(facts, "decodable")), mark(text_of(facts, "analysed")), fps, event,
                 cause_of(camera, counted));
    }
  }
  const auto infrared = look_table(info.value("infrared", Json::array()), screen_of_stdout());
  if (!infrared.empty()) fmt::print("\n{}\n", fmt::join(infrared, "\n"));
  const Json latencies = info.value("latency", Json::object());
  const Json faults = info.value("faults", Json::object());
  for (const auto& [thread, fault] : faults.items())
    fmt::print("FAULT in thread {}: {} pieces of work are lost since the start, the last by: {}; please report this\n", thread,
               fault.value("count", std::uint64_t{0}), text_of(fault, "words"));
  const Json& journal = info.at("journal");
  fmt::print("\ncapture to a subscriber's receipt  {}\n", latency(latencies, "capture_to_receipt"));
  fmt::print("  to the live socket               {}\n", latency(latencies, "capture_to_socket"));
  fmt::print("  waiting for analysis             {}\n", latency(latencies, "wait_for_analysis"));
  fmt::print("  analysis                         {}\n", latency(latencies, "analysis"));
  fmt::print("  journal commit                   {}\n", latency(latencies, "commit"));
  fmt::print("journal: {} events, {} durable, epoch {}\n", journal.value("seq", std::uint64_t{0}),
             journal.value("durable_seq", std::uint64_t{0}), text_of(journal, "epoch"));
  print_faces(info.value("faces", Json::object()), counters);
}

int status(const StatusOptions& options) {
  const auto peer = find_peer(options);
  if (!peer) return report(peer.error());
  constexpr auto kPatience = std::chrono::seconds(3);
  auto state = publish::query(peer->query, {{"v", 1}, {"request", "state"}}, kPatience, peer->keys);
  if (!state) return report({ErrorKind::kClosed, "the gateway does not answer: " + state.error().message});
  auto info = publish::query(peer->query, {{"v", 1}, {"request", "info"}}, kPatience, peer->keys);
  if (!info) return report(info.error());
  for (const Json& answer : {*state, *info})
    if (auto why = publish::error_of_answer(answer, peer->query)) return report(*why);
  *info = info->value("info", Json::object());
  if (!info->contains("gateway") || !info->contains("journal"))
    return report({ErrorKind::kCorrupt, peer->query + " is not a gateway's query socket"});
  if (options.json) {
    fmt::print("{}\n", Json{{"state", *state}, {"info", *info}}.dump(2));
  } else {
    print_table(state->value("state", Json::object()), *info);
  }
  const auto [up, all] = up_of(state->value("state", Json::object()));
  return up == all ? EX_OK : 1;
}

}  // namespace

void add_status(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("status", "One row a camera: five health facts, last event, the cause in words; what infrared sees");
  command->footer("Exit code 1 when a camera is not up.");
  auto options = std::make_shared<StatusOptions>();
  add_peer_options(*command, *options, PeerSockets::kQuery);
  command->add_flag("--json", options->json, "Everything, as JSON");
  command->callback([&chosen, options] { chosen = [options] { return status(*options); }; });
}

}  // namespace kanhu
