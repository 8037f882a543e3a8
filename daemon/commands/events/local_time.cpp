// SPDX-License-Identifier: MIT
#include "daemon/commands/events/local_time.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {

void enter_zone(const std::string& zone) {
  static std::string entered;
  if (zone == entered) return;
  entered = zone;
  ::setenv("TZ", (":" + zone).c_str(), 1);
  ::tzset();
}

namespace {

// Seconds east of UTC at that moment.
std::chrono::seconds offset_at(WallTime time, const std::string& zone) {
  enter_zone(zone);
  const auto seconds = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  std::tm local{};
  return std::chrono::seconds(::localtime_r(&seconds, &local) ? local.tm_gmtoff : 0);
}

// Completed to what parse_utc takes; empty when it has another form.
std::string completed(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  std::string given(text);
  if (given.size() > 10 && given[10] == ' ') given[10] = 'T';
  const std::size_t point = std::min(given.find('.'), given.size());
  if (point != 10 && point != 13 && point != 16 && point != 19) return {};
  if (point < 19) given.insert(point, kForm.substr(point));
  return given + "Z";
}

// People write 10m where configurations say 10min.
Result<std::chrono::milliseconds> parse_ago(std::string_view text) {
  const bool short_minutes = text.size() > 1 && text.back() == 'm' && text[text.size() - 2] >= '0' && text[text.size() - 2] <= '9';
  return parse_duration(short_minutes ? std::string(text) + "in" : std::string(text));
}

}  // namespace

std::string local_time_text(WallTime time, const std::string& zone) {
  const auto offset = offset_at(time, zone);
  std::string text = format_utc(time + offset);
  text.pop_back();
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  return text + fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

Result<WallTime> parse_time_argument(std::string_view option, std::string_view text, const std::string& zone, TimeEdge edge, WallTime now) {
  if (text == "start") return WallTime{};
  if (const auto ago = parse_ago(text)) return now - *ago;
  if (const auto time = parse_utc(text)) return *time;
  const auto local = parse_utc(completed(text));
  if (!local)
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{} {}: a time like 2026-11-26T08:00 or 2026-11-26T08:00:00+08:00, a length like 10m, 2h or 1d, or start",
                            option, kanhu::quoted(text)));
  if (zone.empty())
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{} {}: the time zone is not known; add an offset such as +08:00, or --time-zone, or --facility where several "
                            "facilities have zones of their own",
                            option, kanhu::quoted(text)));
  // The offsets in force a day before and a day behind are the only ones that may apply.
  const auto before = offset_at(*local - std::chrono::hours(24), zone), behind = offset_at(*local + std::chrono::hours(24), zone);
  WallTime first = *local - std::max(before, behind), last = *local - std::min(before, behind);
  const auto fits = [&](WallTime time) { return time + offset_at(time, zone) == *local; };
  if (!fits(first)) first = fits(last) ? last : *local - before;
  if (!fits(last)) last = first;
  return edge == TimeEdge::kFirst ? first : last;
}

}  // namespace kanhu
