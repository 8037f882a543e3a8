// SPDX-License-Identifier: MIT
#include "daemon/commands/watch/feed.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/json.hpp"
#include "base/time.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu {
namespace {

std::string local_time(const std::string& utc) {
  const auto time = parse_utc(utc);
  if (!time) return utc;
  const std::int64_t us = to_microseconds(*time);
  const std::time_t seconds = us / 1'000'000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}.{}", local, us % 1'000'000 / 100'000);
}

void add(std::string& words, const std::string& more) {
  if (more.empty()) return;
  if (!words.empty()) words += ", ";
  words += more;
}

std::string number(const Json& data, const char* key, const char* format) {
  return member(data, key).is_number() ? fmt::format(fmt::runtime(format), member(data, key).get<double>()) : std::string();
}

const char* colour_of(const std::string& severity) {
  if (severity == "alarm") return "\033[31m";
  if (severity == "warning") return "\033[33m";
  return "\033[32m";
}

}  // namespace

std::string words_of_event(const Json& event) {
  const Json& data = member(event, "data");
  std::string words;
  if (const std::string zone = text_in(data, "zone"); !zone.empty()) add(words, "zone " + zone);
  if (const std::string state = text_in(data, "state"); !state.empty()) {
    const std::string reason = text_in(data, "reason");
    add(words, reason.empty() ? state : state + " (" + reason + ")");
  }
  add(words, number(data, "count", "count {:.0f}"));
  add(words, number(data, "score", "score {:.2f}"));
  add(words, text_in(data, "words"));
  if (const Json& person = member(data, "person"); person.is_object()) {
    const std::string ref = text_in(person, "person_ref").substr(0, 8), reason = text_in(person, "reason");
    add(words, text_in(person, "decision") + (ref.empty() ? "" : " " + ref) + (reason.empty() ? "" : " (" + reason + ")"));
  }
  const Json& clip = member(data, "clip");
  if (clip.is_object()) {
    const std::string reason = text_in(clip, "reason");
    add(words,
        fmt::format("clip {} {}{}", text_in(clip, "id").substr(0, 8), text_in(clip, "status"), reason.empty() ? "" : " (" + reason + ")"));
  }
  if (const std::string end = text_in(data, "end_reason"); !end.empty()) {
    const std::string type = text_in(event, "type");
    const auto* kind = rules::find_kind_of_type(type.substr(std::min(type.size(), std::string_view("kanhu.").size())));
    add(words, (kind == nullptr || rules::is_earned(*kind, end) ? "ended: " : "no longer followed: ") + end);
  }
  return words;
}

std::string feed_line(const Json& event, bool colour) {
  const Json& data = member(event, "data");
  const std::string facility = text_in(member(data, "facility"), "id");
  const std::string camera = text_in(member(data, "camera"), "id");
  std::string place = facility.empty() ? "gateway" : facility;
  if (!camera.empty()) place += "/" + camera;
  std::string type = text_in(event, "type");
  if (type.rfind("kanhu.", 0) == 0) type = type.substr(6);
  std::string shown = fmt::format("{:<24}", type);
  if (colour) shown = colour_of(text_in(data, "severity")) + shown + "\033[0m";
  std::string line = fmt::format("{}  {:<18} {} {:<7} {}", local_time(text_in(event, "time")), place, shown, text_in(data, "phase"),
                                 words_of_event(event));
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string status_line(const Json& info, const FeedTotals& totals, double cpu_percent) {
  if (!member(info, "gateway").is_object() || !member(info, "publish").is_object()) return "the gateway does not answer";
  const Json& gateway = member(info, "gateway");
  double frames = 0;
  std::uint64_t drops = 0;
  for (const Json& camera : info.value("cameras", Json::object())) {
    frames += camera.value("frames_per_second", 0.0);
    drops += camera.value("frames_dropped", std::uint64_t{0});
  }
  drops += member(info, "publish").value("queue_drops", std::uint64_t{0});
  return fmt::format("cameras {}/{} up, {:.1f} frames/s analysed, {} events, {} gaps, {} drops, CPU {:.0f} %",
                     gateway.value("cameras_up", 0), gateway.value("cameras", 0), frames, totals.events, totals.gaps, drops, cpu_percent);
}

Feed::Feed(std::FILE* out) : out_(out), is_terminal_(::isatty(::fileno(out)) == 1) {}

Feed::~Feed() {
  if (is_terminal_ && !status_.empty()) std::fputc('\n', out_);
}

void Feed::clear() {
  if (is_terminal_ && !status_.empty()) std::fputs("\r\033[K", out_);
}

void Feed::line(const std::string& text) {
  clear();
  fmt::print(out_, "{}\n", text);
  if (is_terminal_) std::fputs(status_.c_str(), out_);
  std::fflush(out_);
}

void Feed::aside(const std::string& text) {
  clear();
  std::fflush(out_);
  fmt::print(stderr, "{}\n", text);
  if (is_terminal_) std::fputs(status_.c_str(), out_);
  std::fflush(out_);
}

void Feed::status(const std::string& text, bool also_when_piped) {
  if (is_terminal_) {
    clear();
    status_ = text;
    std::fputs(status_.c_str(), out_);
  } else if (also_when_piped) {
    fmt::print(out_, "{}\n", text);
  }
  std::fflush(out_);
}

double CpuMeter::percent(const Json& info) {
  double ticks = 0;
  const auto add_process = [&](const Json& pid) {
    if (!pid.is_number_integer() || pid.get<int>() <= 0) return;
    std::ifstream file(fmt::format("/proc/{}/stat", pid.get<int>()));
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto after_name = text.rfind(')');
    unsigned long user = 0, system = 0;
    if (after_name != std::string::npos &&
        std::sscanf(text.c_str() + after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2) {
      ticks += static_cast<double>(user + system);
    }
  };
  add_process(member(member(info, "gateway"), "pid"));
  for (const Json& worker : info.value("workers", Json::array())) add_process(member(worker, "pid"));
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const double at = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  const double spent = at_ > 0 && ticks >= ticks_ ? (ticks - ticks_) / static_cast<double>(::sysconf(_SC_CLK_TCK)) / (at - at_) * 100 : 0;
  ticks_ = ticks;
  at_ = at;
  return spent;
}

}  // namespace kanhu
