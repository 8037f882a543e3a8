// SPDX-License-Identifier: MIT
// kanhu face explain: why a face was taken for somebody, or for nobody.
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <sysexits.h>

#include "base/log.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/whereabouts.hpp"
#include "evidence/ledger.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu {
namespace {

struct ExplainOptions : WhereOptions {
  std::string event;
  bool json = false;
};

// Events with a decision, of one id (then at most one) or of one subject, in the order of the journal.
Result<std::vector<Json>> decisions_of(FileIo& files, const std::string& journal, const std::string& name) {
  std::vector<Json> found;
  bool seen = false;
  const bool by_id = name.find(':') != std::string::npos;
  const auto read = journal::read_journal(files, journal, [&](const journal::JournalRecord& record) {
    if (!record.type.starts_with("face.")) return true;
    if (by_id ? record.id.text() != name : record.body.find(name) == std::string::npos) return true;
    auto body = parse_json(record.body);
    if (!body || (!by_id && body->value("subject", "") != name)) return true;
    seen = true;
    if ((*body)["data"].contains("person")) found.push_back(std::move(*body));
    return !by_id;
  });
  // Damage elsewhere does not make what was found less true.
  if (!read && found.empty()) return tl::make_unexpected(read.error());
  if (!seen) return fail(ErrorKind::kNotFound, fmt::format("no face event {} in {}", name, journal));
  return found;
}

void print_candidates(const Json& candidates, std::string_view indent) {
  for (const Json& candidate : candidates)
    fmt::print("{}{}  {:.4f}\n", indent, candidate.value("person_ref", ""), candidate.value("score", 0.0));
}

void print_entry(const Json& event, const Result<Json>& entry) {
  const Json& person = event["data"]["person"];
  fmt::print("{}  {}  {}  {}\n", event.value("time", ""), event.value("type", ""), event.value("id", ""), person.value("decision", ""));
  if (person.contains("person_ref")) fmt::print("  person      {}\n", person.value("person_ref", ""));
  if (person.contains("reason")) fmt::print("  because     {}\n", person.value("reason", ""));
  const double score = person.value("score", 0.0), margin = person.value("margin", 0.0);
  const std::string second = margin < score ? fmt::format("margin to the second {:.4f}", margin) : "no second candidate";
  fmt::print("  score       {:.4f} (threshold {:.4f}, {}), {} shots combined\n", score, person.value("threshold", 0.0), second,
             person.value("shots", 0));
  fmt::print("  gallery     version {}, {}\n", person["gallery"].value("version", 0), person["gallery"].value("digest", ""));
  if (!entry) {
    fmt::print("  ledger      {}\n", entry.error().message);
    return;
  }
  fmt::print("  ledger      {}, as the event says\n", person.value("ledger", ""));
  fmt::print("  embedder    {}\n  config      {}\n", entry->value("embedder", ""), entry->value("config", ""));
  fmt::print("  candidates, all shots together\n");
  print_candidates((*entry)["candidates"], "    ");
  for (const Json& shot : (*entry)["shots"]) {
    const Json& quality = shot["quality"];
    fmt::print("  shot {}  eyes {:.0f} px apart, sharpness {:.2f}, yaw {:.0f}, pitch {:.0f}, brightness {:.0f}, quality {:.2f}\n",
               shot.value("time", ""), quality.value("inter_pupil_px", 0.0), quality.value("sharpness", 0.0), quality.value("yaw", 0.0),
               quality.value("pitch", 0.0), quality.value("brightness", 0.0), quality.value("total", 0.0));
    print_candidates(shot["candidates"], "    ");
  }
}

int explain(const ExplainOptions& options) {
  log::init(log::Level::kOff);
  const auto where = find_whereabouts(options);
  if (!where) return report(where.error());
  const std::string& data = where->config.gateway.data_dir;
  auto files = make_posix_file_io();
  auto events = decisions_of(*files, data + "/journal", options.event);
  if (!events) return report(events.error());
  if (events->empty()) {
    fmt::print(stderr,
               "kanhu: nothing was decided about {}: the camera compares no faces, its facility has no gallery, or the face is "
               "still followed\n",
               options.event);
    return 1;
  }
  bool all = true;
  Json list = Json::array();
  for (const Json& event : *events) {
    const auto entry = find_evidence(*files, data + "/faces", "faces", event["data"]["person"].value("ledger", ""));
    all = all && entry;
    if (options.json) {
      Json one{{"id", event["id"]},
               {"time", event["time"]},
               {"type", event["type"]},
               {"subject", event["subject"]},
               {"person", event["data"]["person"]}};
      if (entry) one["ledger"] = *entry;
      if (!entry) one["error"] = {{"kind", to_string(entry.error().kind)}, {"message", entry.error().message}};
      list.push_back(std::move(one));
    } else {
      print_entry(event, entry);
    }
  }
  if (options.json) fmt::print("{}\n", list.dump(2));
  return all ? EX_OK : 1;
}

}  // namespace

void add_face(CLI::App& app, Command& chosen) {
  auto* command = app.add_subcommand("face", "Ask about decisions on faces");
  command->require_subcommand(1);
  auto* explain_command = command->add_subcommand("explain", "Why a face was given a name, or none");
  auto options = std::make_shared<ExplainOptions>();
  explain_command->add_option("event", options->event, "Id of an event (epoch:seq), or the subject of a face")->required();
  add_where_options(*explain_command, *options, ", to find its journal and ledger");
  explain_command->add_flag("--json", options->json, "As JSON");
  explain_command->callback([&chosen, options] { chosen = [options] { return explain(*options); }; });
}

}  // namespace kanhu
