// SPDX-License-Identifier: MIT
// What a demo prints before and after the feed.
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "models/faces/embedder.hpp"
#include "models/registry.hpp"
#include "models/weights.hpp"
#include "tests/support/demo/demo.hpp"

namespace kanhu::demo {
namespace {

using std::chrono::seconds;

// As short as it can be typed.
std::string shown(const std::string& path) {
  std::error_code problem;
  const std::string near = std::filesystem::proximate(path, problem).string();
  return problem || near.empty() || near.rfind("..", 0) == 0 ? path : near;
}

// The gateway's: it looks beside its own program, not beside this one.
std::vector<std::string> search_path(const std::string& kanhu, const std::string& models) {
  std::vector<std::string> path = models::model_search_path(models);
  path.push_back((std::filesystem::path(kanhu).parent_path().parent_path() / "share/kanhu/models").string());
  return path;
}

// As the gateway will choose.
std::string face_detector(const std::string& kanhu, const std::string& models) {
  const auto path = search_path(kanhu, models);
  DetectorConfig config;
  config.name = "blazeface";
  const auto choice = models::choose_detector(config, path);
  if (!choice) return "none: " + choice.error().message;
  if (choice->name == "blazeface") return "BlazeFace, " + shown(choice->weights_path);
  return fmt::format("{} instead of BlazeFace, whose weights are not here (docs/operations.md)",
                     choice->name == "hog" ? "dlib's HOG" : choice->name);
}

}  // namespace

std::string why_nobody_is_compared(const std::string& kanhu, const std::string& models) {
  for (const auto& entry : models::weights_manifest()) {
    if (entry.name != models::default_face_embedder()) continue;
    const auto found = models::locate_weights(entry, search_path(kanhu, models));
    return found ? "" : found.error().message;
  }
  return "no embedder is known";
}

namespace {

std::string last_lines(const std::string& text, int lines) {
  std::size_t at = text.size();
  while (at > 0 && (lines -= text[at - 1] == '\n' && at < text.size() ? 1 : 0) > 0) --at;
  return text.substr(at);
}

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTrue:
      return "yes";
    case Verdict::kFalse:
      return "NO";
    case Verdict::kNotReached:
      return "not tried";
  }
  return "";
}

}  // namespace

void Demo::print_head() {
  feed_.line("Kanhu: two facilities and six simulated cameras on this machine.");
  feed_.line(fmt::format("  cameras   rtsp://127.0.0.1:{}, {}", ports_.rtsp,
                         options_.faces.empty() ? "painted people" : "people with faces from " + shown(options_.faces)));
  feed_.line(fmt::format("  config    {}, from {}", shown(config_path_), shown(options_.config)));
  feed_.line("  log       " + shown(log_path_));
  feed_.line(fmt::format("  sockets   live tcp://127.0.0.1:{}, query tcp://127.0.0.1:{}, metrics http://127.0.0.1:{}/metrics", ports_.live,
                         ports_.query, ports_.metrics));
  feed_.line("  faces by  " + face_detector(options_.kanhu, options_.models));
  if (!with_plan_) {
    feed_.line(fmt::format("  {} s are too short for the plan, which needs {} s: the feed alone is shown", options_.duration_seconds,
                           kPlanNeeds.count()));
  }
  feed_.line(options_.duration_seconds == 0 ? "  Ctrl-C stops everything." : fmt::format("  ends after {} s", options_.duration_seconds));
  feed_.line("");
}

// What the events cannot show: that the files are there, and that no secret got out.
std::vector<Check> Demo::check_files() {
  std::vector<Check> checks;
  std::string places;
  if (const auto log = read_text(log_path_); !log || log->find(kWrongPassword) != std::string::npos) places += " the log";
  if (const auto log = read_text(options_.run_dir + "/simulator.log"); log && log->find(kWrongPassword) != std::string::npos)
    places += " the simulator's log";
  for (const SeenEvent* event : ledger_.events()) {
    if (event->body.find(kWrongPassword) != std::string::npos) places += " event " + event->type;
  }
  checks.push_back({"the password stands in no log and no event", places.empty() ? Verdict::kTrue : Verdict::kFalse,
                    places.empty() ? "" : "it stands in" + places});

  Check intact{"the files of all clips are intact", Verdict::kNotReached, ""};
  auto clips = Child::start({options_.kanhu, {"clips", "--config", config_path_, "--verify"}, {}, options_.run_dir + "/clips.txt", false});
  const auto end = clips ? clips->ended(seconds(60)) : std::nullopt;
  intact.verdict = end && *end == 0 ? Verdict::kTrue : Verdict::kFalse;
  intact.detail = fmt::format("kanhu clips --verify: {}", !clips ? clips.error().message : !end ? "takes too long" : describe_end(*end));
  checks.push_back(intact);
  return checks;
}

int Demo::sum_up(bool interrupted) {
  const Account account = ledger_.account(stopped_in_order_);
  std::vector<Check> checks = with_plan_ ? judge(ledger_.events(), progress_) : std::vector<Check>();
  for (Check& check : check_files()) checks.push_back(std::move(check));

  feed_.line("");
  feed_.line("What was expected, and whether it happened:");
  bool good = faults_.empty() && account.problems.empty();
  for (const Check& check : checks) {
    const bool tell = check.verdict != Verdict::kNotReached && !check.detail.empty();
    feed_.line(fmt::format("  {:<9} {}{}", word(check.verdict), check.words, tell ? ": " + check.detail : ""));
    good = good && (check.verdict == Verdict::kTrue || (check.verdict == Verdict::kNotReached && interrupted));
  }
  for (const std::string& fault : faults_) feed_.line("  NO        " + fault);
  for (const std::string& problem : account.problems) feed_.line("  NO        " + problem);
  feed_.line("");
  feed_.line(to_text(account));
  feed_.line("");
  if (!good) {
    feed_.line(fmt::format("Not everything happened as it must. The end of the gateway's log, {}:", shown(log_path_)));
    feed_.line(last_lines(read_text(log_path_).value_or(""), 5));
    return 1;
  }
  feed_.line(interrupted && with_plan_ && !plan_.is_done() ? "Stopped early; everything that was due has happened."
             : with_plan_                                  ? "Everything planned has happened."
                                                           : "Every event and clip is accounted for.");
  print_next_steps(false);
  return 0;
}

void Demo::print_next_steps(bool running) {
  const std::string kanhu = shown(options_.kanhu), config = shown(config_path_);
  std::string clip;
  for (const SeenEvent* event : ledger_.events()) {
    const ClipWord word_of_clip = clip_of(ledger_.events(), event->subject);
    if (word_of_clip.status == "complete" && !word_of_clip.path.empty()) clip = options_.run_dir + "/clips/" + word_of_clip.path;
  }
  feed_.line(running ? "What to try next, in another terminal:" : "What to try next:");
  if (!running) feed_.line(fmt::format("  {} run -c {}                 # needs the simulated cameras: make run", kanhu, config));
  feed_.line(fmt::format("  {} status -c {}              # one row per camera, while the gateway runs", kanhu, config));
  feed_.line(fmt::format("  {} probe rtsp://YOUR-CAMERA                # what your camera sends, or which step fails", kanhu));
  feed_.line(fmt::format("  {} clips -c {}               # what was recorded", kanhu, config));
  if (const Events known = recognized(ledger_.events(), "entrance"); !known.empty()) {
    feed_.line(fmt::format("  {} gallery list -c {}        # who is enrolled", kanhu, config));
    feed_.line(fmt::format("  {} face explain {} -c {}     # why that face was recognized", kanhu, known.front()->subject, config));
    feed_.line(fmt::format("  {} gallery withdraw {} --by me -c {}", kanhu, progress_.enrolled, config));
  }
  if (!clip.empty()) feed_.line(fmt::format("  {} replay {} --json", kanhu, shown(clip)));
  feed_.line("A subscriber in Python (apt install python3-zmq; docs/events.md has one that sees gaps):");
  for (const std::string& line :
       {std::string("import zmq"), std::string("live = zmq.Context().socket(zmq.SUB)"),
        fmt::format("live.connect(\"tcp://127.0.0.1:{}\")", ports_.live), std::string("live.subscribe(\"kanhu1/\")"),
        std::string("while True:"), std::string("    print(*(part.decode() for part in live.recv_multipart()))")}) {
    feed_.line("  " + line);
  }
}

}  // namespace kanhu::demo
