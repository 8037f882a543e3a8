// SPDX-License-Identifier: MIT
// Presence from 8-bit thermal pictures: every scene of the generator through RelativeThermal and ThermalPresence against the truth,
// and the cost of both for pictures of 320x240 (I420, text, coding).
//   ninja -C build/release bench_thermal_grey && build/release/tests/bench/bench_thermal_grey [cost | SCENE...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "models/thermal/presence.hpp"
#include "models/thermal/relative.hpp"
#include "tests/support/thermal_scene/grey.hpp"

using namespace kanhu;

namespace {

MediaTime media(double seconds) { return MediaTime(std::chrono::nanoseconds(static_cast<long long>(seconds * 1e9))); }

struct Tally {
  long right = 0, missed = 0, false_present = 0, unknown = 0, unknown_present = 0, judged = 0;
  double longest_false_absent_s = 0;
};

void play(const thermal_scene::GreyScene& one, bool trace) {
  thermal_scene::GreyCamera camera(one.scene, one.look, 7);
  models::RelativeThermal relative;
  models::ThermalPresenceOptions options;
  options.pixel_pitch_m = one.scene.sensor.room_width_m / 80;
  models::ThermalPresence presence(options);
  Tally tally;
  double absent_since = -1, present_since = -1, first_present = -1;
  std::map<std::string, long> reasons;
  std::string before;
  while (const auto picture = camera.next()) {
    const auto frame = relative.convert(picture->view(), media(picture->seconds));
    const auto seen = presence.look(frame, media(picture->seconds));
    const bool there = picture->truth.people > 0;
    if (there && present_since < 0) present_since = picture->seconds;
    const bool present = seen.state == Presence::kPresent, absent = seen.state == Presence::kAbsent;
    if (there && present && first_present < 0) first_present = picture->seconds;
    if (there && absent && absent_since < 0) absent_since = picture->seconds;
    if (!there || !absent) absent_since = -1;
    if (absent_since >= 0) tally.longest_false_absent_s = std::max(tally.longest_false_absent_s, picture->seconds - absent_since);
    const std::string now = std::string(present  ? "present"
                                        : absent ? "absent"
                                                 : "unknown ") +
                            seen.reason + (frame.calibrating ? " held" : "") + (frame.anew ? " anew" : "");
    if (trace && now + std::to_string(there) != before)
      std::printf("  %7.2f truth %d: %s, %zu people\n", picture->seconds, picture->truth.people, now.c_str(), seen.people.size());
    before = now + std::to_string(there);
    if (!present && !absent) {
      ++reasons[seen.reason];
      if (picture->truth.unknown_is_honest) continue;
      ++tally.unknown;
      if (there) ++tally.unknown_present;
    }
    ++tally.judged;
    if (there && present) ++tally.right;
    if (there && !present) ++tally.missed;
    if (!there && present) ++tally.false_present;
  }
  const double recall = static_cast<double>(tally.right) / static_cast<double>(std::max(1L, tally.right + tally.missed));
  const double precision = static_cast<double>(tally.right) / static_cast<double>(std::max(1L, tally.right + tally.false_present));
  const bool any = tally.right + tally.missed > 0;
  std::printf("%-32s recall %.3f F1 %.3f false-present %.4f unknown %.3f longest-false-absent %.1f s to-present %.1f s", one.name.c_str(),
              any ? recall : 1, any ? 2 * precision * recall / std::max(1e-9, precision + recall) : 1,
              static_cast<double>(tally.false_present) / static_cast<double>(std::max(1L, tally.judged)),
              static_cast<double>(tally.unknown) / static_cast<double>(std::max(1L, tally.judged)), tally.longest_false_absent_s,
              first_present < 0 ? -1 : first_present - present_since);
  for (const auto& [reason, count] : reasons) std::printf(" %s=%ld", reason.c_str(), count);
  std::printf("\n");
  std::fflush(stdout);
}

void cost(const thermal_scene::GreyScene& one) {
  thermal_scene::GreyCamera camera(one.scene, one.look, 7);
  std::vector<thermal_scene::GreyPicture> pictures;
  while (pictures.size() < 800) {
    auto picture = camera.next();
    if (!picture) break;
    pictures.push_back(std::move(*picture));
  }
  models::RelativeThermal relative;
  models::ThermalPresenceOptions options;
  options.pixel_pitch_m = one.scene.sensor.room_width_m / 80;
  models::ThermalPresence presence(options);
  std::chrono::steady_clock::duration converting{}, looking{};
  for (const auto& picture : pictures) {
    const auto start = std::chrono::steady_clock::now();
    const auto frame = relative.convert(picture.view(), media(picture.seconds));
    const auto then = std::chrono::steady_clock::now();
    presence.look(frame, media(picture.seconds));
    converting += then - start;
    looking += std::chrono::steady_clock::now() - then;
  }
  const auto per_second = [&](auto span) { return static_cast<double>(pictures.size()) / std::chrono::duration<double>(span).count(); };
  std::printf("%-32s %dx%d: convert %.0f/s, look %.0f/s, both %.0f frames/s\n", one.name.c_str(), one.look.width, one.look.height,
              per_second(converting), per_second(looking), per_second(converting + looking));
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> wanted(arguments + 1, arguments + count);
  const bool only_cost = !wanted.empty() && wanted[0] == "cost";
  for (const auto& one : thermal_scene::grey_scenes()) {
    if (only_cost) {
      if (one.name == "grey-agc-step" || one.name == "grey-ironbow" || one.name == "grey-large") cost(one);
    } else if (wanted.empty() || std::find(wanted.begin(), wanted.end(), one.name) != wanted.end()) {
      play(one, !wanted.empty());
    }
  }
}
